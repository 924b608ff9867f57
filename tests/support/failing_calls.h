/* SPDX-License-Identifier: Apache-2.0 */
/* System calls on sockets that fail when a test says so. The linker takes these functions, and
 * leaves the C library's. */
#ifndef SUPPORT_FAILING_CALLS_H
#define SUPPORT_FAILING_CALLS_H

#include <errno.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static _Thread_local int fail_with; /* an errno; 0: nothing fails in this thread */

ssize_t failing_recv(int fd, void *into, size_t room, int flags) __asm__("recv");
ssize_t failing_send(int fd, const void *bytes, size_t count, int flags) __asm__("send");
ssize_t failing_splice(int from, off64_t *from_at, int to, off64_t *to_at, size_t count,
                       unsigned flags) __asm__("splice");

static long or_fail(long result)
{
    if (!fail_with)
        return result;
    errno = fail_with;
    return -1;
}

ssize_t failing_recv(int fd, void *into, size_t room, int flags)
{
    return or_fail(fail_with ? 0 : syscall(SYS_recvfrom, fd, into, room, flags, NULL, NULL));
}

ssize_t failing_send(int fd, const void *bytes, size_t count, int flags)
{
    return or_fail(fail_with ? 0 : syscall(SYS_sendto, fd, bytes, count, flags, NULL, 0));
}

ssize_t failing_splice(int from, off64_t *from_at, int to, off64_t *to_at, size_t count,
                       unsigned flags)
{
    return or_fail(fail_with ? 0 : syscall(SYS_splice, from, from_at, to, to_at, count, flags));
}

#endif
