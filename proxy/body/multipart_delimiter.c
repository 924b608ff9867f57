/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the delimiters of a form by memmem() for the whole delimiter.
 *
 * memmem() skips by the delimiter's length. So it does not read every byte of ordinary data, and is
 * faster than memchr() for the CR. It stays fast on data with many CRs, where memchr() advances by
 * one byte at a time. */
#include "body/multipart_delimiter.h"

#include <stdio.h>
#include <string.h>

void delimiter_init(struct delimiter *delimiter, const char *boundary)
{
    snprintf(delimiter->text, sizeof delimiter->text, "\r\n--%s", boundary);
    delimiter->length = strlen(delimiter->text);
}

static size_t lesser(size_t one, size_t other)
{
    return one < other ? one : other;
}

/* The bytes after a boundary, from `at` on, decide what kind of delimiter it is. */
static enum mark mark_read(const char *bytes, size_t at, size_t count, size_t *behind)
{
    if (!memcmp(bytes + at, "--", lesser(count - at, 2))) {
        *behind = at + 2;
        return count - at < 2 ? MARK_UNDECIDED : MARK_CLOSE;
    }
    size_t limit = lesser(count, at + DELIMITER_PADDING_MAX);
    while (at < limit && (bytes[at] == ' ' || bytes[at] == '\t'))
        at++;
    *behind = at;
    if (memcmp(bytes + at, "\r\n", lesser(count - at, 2)) != 0)
        return MARK_NONE;
    return count - at < 2 ? MARK_UNDECIDED : MARK_PART;
}

/* Where an incomplete delimiter begins, or `count`. A delimiter has one CR before the end of the
 * boundary, its first byte, so only the last CR can begin one. */
static size_t unfinished(const struct delimiter *delimiter, const char *bytes, size_t from,
                         size_t count)
{
    size_t look = lesser(count - from, delimiter->length - 1);
    const char *end = bytes + count;
    const char *cr = memrchr(end - look, '\r', look);
    bool begun = cr && !memcmp(cr, delimiter->text, (size_t)(end - cr));
    return begun ? (size_t)(cr - bytes) : count;
}

struct sighting delimiter_find(const struct delimiter *delimiter, const char *bytes, size_t from,
                               size_t count)
{
    const char *found;
    while ((found = memmem(bytes + from, count - from, delimiter->text, delimiter->length))) {
        struct sighting seen = {.at = (size_t)(found - bytes)};
        from = seen.at + delimiter->length;
        seen.mark = mark_read(bytes, from, count, &seen.behind);
        if (seen.mark != MARK_NONE)
            return seen;
    }
    return (struct sighting){MARK_UNDECIDED, unfinished(delimiter, bytes, from, count), count};
}

struct sighting delimiter_at_start(const struct delimiter *delimiter, const char *bytes,
                                   size_t count)
{
    struct sighting seen = {MARK_UNDECIDED, 0, count};
    size_t length = delimiter->length - 2;
    if (memcmp(bytes, delimiter->text + 2, lesser(count, length)) != 0)
        seen.mark = MARK_NONE;
    else if (count >= length)
        seen.mark = mark_read(bytes, length, count, &seen.behind);
    return seen;
}
