/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a secret from a file. */
#include "intake/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Opens regular files only. O_NONBLOCK keeps open(2) from waiting for the writer of a FIFO. */
static int open_regular(const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)))
        return fd;
    close(fd);
    errno = EINVAL;
    return -1;
}

/* Returns what is wrong with the text as a key, or NULL. Strips trailing whitespace. */
static const char *key_fault(char *text, size_t length)
{
    size_t end = length;
    while (end && strchr(" \t\r\n", text[end - 1]))
        end--;
    if (end == 0)
        return "is empty";
    if (end > KEY_MAX)
        return "is too long for a key";
    for (size_t i = 0; i < end; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return "has more in it than one word";
    text[end] = '\0';
    return NULL;
}

bool key_file_read(const char *path, char key[KEY_MAX + 1], char *why, size_t size)
{
    char text[KEY_MAX + 16]; /* a key and some trailing whitespace */
    int fd = open_regular(path);
    ssize_t count = fd < 0 ? -1 : read(fd, text, sizeof text);
    const char *fault = NULL;
    if (count < 0)
        snprintf(why, size, "cannot be read: %s", errno == EINVAL ? "not a file" : strerror(errno));
    else if ((fault = key_fault(text, (size_t)count)))
        snprintf(why, size, "%s", fault);
    else
        memcpy(key, text, strlen(text) + 1);
    explicit_bzero(text, sizeof text);
    if (fd >= 0)
        close(fd);
    return count >= 0 && !fault;
}
