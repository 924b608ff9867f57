/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded, this makes every pwrite(2) and pread(2) take SLOW_DISK_MS milliseconds longer. Only
 * the spool uses them: sockets have no offset. */
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/types.h>
#include <time.h>

/* Under the names by which the program finds them. */
ssize_t slow_pwrite(int fd, const void *bytes, size_t count, off_t at) __asm__("pwrite");
ssize_t slow_pread(int fd, void *bytes, size_t count, off_t at) __asm__("pread");

static void wait_for_the_disk(void)
{
    const char *text = getenv("SLOW_DISK_MS");
    long ms = text ? strtol(text, NULL, 10) : 0;
    const struct timespec wait = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&wait, NULL);
}

ssize_t slow_pwrite(int fd, const void *bytes, size_t count, off_t at)
{
    ssize_t (*real)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, "pwrite");
    wait_for_the_disk();
    return real(fd, bytes, count, at);
}

ssize_t slow_pread(int fd, void *bytes, size_t count, off_t at)
{
    ssize_t (*real)(int, void *, size_t, off_t) = dlsym(RTLD_NEXT, "pread");
    wait_for_the_disk();
    return real(fd, bytes, count, at);
}
