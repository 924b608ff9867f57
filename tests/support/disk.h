/* SPDX-License-Identifier: Apache-2.0 */
/* A disk that fails on request and records its callers: the test's open(), pwrite(), pread() and
 * close() replace libc's, for one file of the test. */
#ifndef SUPPORT_DISK_H
#define SUPPORT_DISK_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Not static: with _FORTIFY_SOURCE pread() is an inline function to clang. */
struct {
    _Atomic int64_t room;      /* so many bytes can be written; then... */
    atomic_int error;          /* ...this is why not */
    atomic_int read_error;     /* 0: reading works */
    _Atomic size_t piece;      /* at most so much in one call */
    atomic_int interrupts;     /* so many calls are interrupted first */
    atomic_bool needs_name;    /* files without a name cannot be made */
    pthread_t loop;            /* the thread that should not come here... */
    atomic_uint calls_in_loop; /* ...and how often it did */
} disk;

static inline void disk_mend(void)
{
    disk.room = INT64_MAX;
    disk.error = disk.read_error = disk.interrupts = 0;
    disk.piece = SIZE_MAX;
    disk.needs_name = false;
    disk.loop = pthread_self();
    disk.calls_in_loop = 0;
}

static inline void disk_visit(void)
{
    disk.calls_in_loop += pthread_equal(pthread_self(), disk.loop) != 0;
}

static inline bool disk_interrupted(void)
{
    if (disk.interrupts <= 0)
        return false;
    disk.interrupts--;
    errno = EINTR;
    return true;
}

int open(const char *file, int oflag, ...)
{
    va_list arguments;
    va_start(arguments, oflag);
    mode_t mode = oflag & (O_CREAT | __O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    bool nameless = (oflag & O_TMPFILE) == O_TMPFILE;
    if (nameless)
        disk_visit();
    if (nameless && disk.needs_name) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return (int)syscall(SYS_openat, AT_FDCWD, file, oflag, mode);
}

ssize_t pwrite(int fd, const void *buf, size_t n, off_t offset)
{
    disk_visit();
    if (disk_interrupted())
        return -1;
    if (disk.room <= 0) {
        errno = disk.error;
        return -1;
    }
    if (n > disk.piece)
        n = disk.piece;
    if ((int64_t)n > disk.room)
        n = (size_t)disk.room;
    disk.room -= (int64_t)n;
    return syscall(SYS_pwrite64, fd, buf, n, offset);
}

ssize_t pread(int fd, void *buf, size_t nbytes, off_t offset)
{
    disk_visit();
    if (disk_interrupted())
        return -1;
    if (disk.read_error) {
        errno = disk.read_error;
        return -1;
    }
    return syscall(SYS_pread64, fd, buf, nbytes > disk.piece ? disk.piece : nbytes, offset);
}

int close(int fd)
{
    struct stat status;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 0)
        disk_visit();
    return (int)syscall(SYS_close, fd);
}

/* How many names a directory holds; /proc/self/fd: how many descriptors are open (and one more). */
static inline size_t disk_count(const char *directory)
{
    size_t count = 0;
    DIR *dir = opendir(directory);
    if (!dir)
        abort();
    while (readdir(dir))
        count++;
    closedir(dir);
    return count - 2;
}

#endif
