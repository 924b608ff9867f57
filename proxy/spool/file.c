/* SPDX-License-Identifier: Apache-2.0 */
/* Opens, writes and reads the file of a spool. These calls may block. */
#include "spool/spool_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* For file systems that do not support O_TMPFILE, such as NFS. */
static int open_and_unlink(const char *directory)
{
    char *path = NULL;
    if (asprintf(&path, "%s/upload-XXXXXX", directory) < 0) {
        errno = ENOMEM;
        return -1;
    }
    int fd = mkostemp(path, O_CLOEXEC);
    bool good = fd >= 0 && unlink(path) == 0;
    int error = errno;
    if (fd >= 0 && !good)
        close(fd);
    free(path);
    errno = error;
    return good ? fd : -1;
}

static int open_in(const char *directory)
{
    int fd = open(directory, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR))
        fd = open_and_unlink(directory);
    return fd;
}

int spool_file_open(const char *directory)
{
    int fd = open_in(directory);
    if (fd < 0 && errno == ENOENT && (mkdir(directory, 0700) == 0 || errno == EEXIST))
        fd = open_in(directory);
    if (fd >= 0)
        posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    return fd;
}

bool spool_file_write(int fd, const char *bytes, size_t count, uint64_t at)
{
    while (count > 0) {
        ssize_t written = pwrite(fd, bytes, count, (off_t)at);
        if (written < 0 && errno != EINTR)
            return false;
        if (written > 0) {
            bytes += written;
            count -= (size_t)written;
            at += (uint64_t)written;
        }
    }
    return true;
}

/* The kernel writes to the disk after write(2) has returned. If that fails, the bytes that were
 * read may be wrong, and pread(2) does not report it. This call does. fsync() would, too, but it
 * would first write all of a large image to the disk. */
static bool writeback_succeeded(int fd, uint64_t at, size_t count)
{
    return sync_file_range(fd, (off_t)at, (off_t)count, SYNC_FILE_RANGE_WAIT_BEFORE) == 0 ||
           (errno != EIO && errno != ENOSPC && errno != EDQUOT);
}

bool spool_file_read(int fd, char *into, size_t count, uint64_t at)
{
    for (size_t done = 0; done < count;) {
        ssize_t got = pread(fd, into + done, count - done, (off_t)(at + done));
        if (got == 0)
            errno = EIO; /* the file is shorter than what was written */
        if (got == 0 || (got < 0 && errno != EINTR))
            return false;
        if (got > 0)
            done += (size_t)got;
    }
    return writeback_succeeded(fd, at, count);
}
