/* SPDX-License-Identifier: Apache-2.0 */
/* Sends lines to the journal of systemd, so that it knows their level and their fields. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include "base/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

enum { FIELDS_MAX = 16 };

bool journal_has_stderr(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat status;
    char own[64];
    if (!stream || fstat(STDERR_FILENO, &status) != 0)
        return false;
    snprintf(own, sizeof own, "%llu:%llu", (unsigned long long)status.st_dev,
             (unsigned long long)status.st_ino);
    return strcmp(stream, own) == 0;
}

bool journal_send(const char *line, size_t length)
{
    struct iovec fields[FIELDS_MAX];
    int count = 0;
    const char *end = line + length - 1; /* the newline */
    for (const char *at = line + 1; at < end && count < FIELDS_MAX;) {
        const char *separator = memchr(at, JOURNAL_SEPARATOR, (size_t)(end - at));
        const char *stop = separator ? separator : end;
        fields[count++] = (struct iovec){.iov_base = (char *)at, .iov_len = (size_t)(stop - at)};
        at = stop + 1;
    }
    return sd_journal_sendv(fields, count) == 0;
}
