/* SPDX-License-Identifier: Apache-2.0 */
/* Counts the line feeds of the data, and those after a carriage return. */
#include "body/line_ends.h"

#include <string.h>

enum { SECTOR = 512 };
/* By chance, all of 16 line feeds come after a carriage return with a probability of 256^-16, and
 * none of 4096 with one of e^-16. */
enum { ADDED_MIN = 16, REMOVED_MIN = 4096 };

bool line_ends_suspected(const char *disk_format, const char *container_format, uint64_t length)
{
    static const char *const formats[] = {"qcow2", "vmdk", "vhd", "vhdx", "vdi", "qed", "iso"};
    uint64_t remainder = length % SECTOR;
    /* An old Virtual PC leaves out the last byte of a VHD. */
    if (strcmp(container_format, "bare") != 0 || remainder == 0 ||
        (remainder == SECTOR - 1 && strcmp(disk_format, "vhd") == 0))
        return false;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strcmp(disk_format, formats[i]) == 0)
            return true;
    return false;
}

void line_ends_add(struct line_ends *ends, const void *bytes, size_t count)
{
    const char *at = bytes, *end = at + count;
    const char *feed;
    for (; (feed = memchr(at, '\n', (size_t)(end - at))); at = feed + 1) {
        ends->feeds++;
        ends->pairs += feed == bytes ? ends->after_return : feed[-1] == '\r';
    }
    if (count)
        ends->after_return = end[-1] == '\r';
}

const char *line_ends_converted(const struct line_ends *ends)
{
    if (ends->feeds >= ADDED_MIN && ends->pairs == ends->feeds)
        return "a program has taken it for text and put a carriage return before each line feed";
    if (ends->feeds >= REMOVED_MIN && ends->pairs == 0)
        return "a program has taken it for text and removed the carriage returns before line feeds";
    return NULL;
}
