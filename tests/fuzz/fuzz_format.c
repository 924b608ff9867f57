/* SPDX-License-Identifier: Apache-2.0 */
/* A line with the size of a body, then its pieces, "OFFSET COUNT" and so many bytes; the rest is
 * zeros. It is examined to its end for every disk format and judged for every declared format. The
 * examination must only go forward, stay in bounds and end, and its texts must be loggable. */
#include "input.h"

#include "support/sparse_body.h"

#include <stdio.h>

static const char *const DISK_FORMATS[] = {"raw", "ami",  "ari", "aki", "qcow2", "vmdk",
                                           "vhd", "vhdx", "vdi", "iso", "ploop", "other"};
static const char *const CONTAINERS[] = {"bare", "ovf", "ova", "docker", "compressed", "ami"};

enum {
    DISK_FORMAT_COUNT = sizeof DISK_FORMATS / sizeof *DISK_FORMATS,
    CONTAINER_COUNT = sizeof CONTAINERS / sizeof *CONTAINERS,
    LINE_BYTES = 48
};

/* --- input ----------------------------------------------------------------------------- */

/* Cuts the next line off, as a string; false: there is none, or none so short. */
static bool next_line(const uint8_t **data, size_t *size, char line[LINE_BYTES])
{
    const uint8_t *end = *size ? memchr(*data, '\n', *size) : NULL;
    size_t length = end ? (size_t)(end - *data) : LINE_BYTES;
    if (length >= LINE_BYTES)
        return false;
    memcpy(line, *data, length);
    line[length] = '\0';
    *data += length + 1;
    *size -= length + 1;
    return true;
}

static bool next_piece(const uint8_t **data, size_t *size, struct piece *piece)
{
    char line[LINE_BYTES];
    unsigned long long at;
    size_t count;
    if (!next_line(data, size, line) || sscanf(line, "%20llu %7zu", &at, &count) != 2)
        return false;
    *piece = (struct piece){at & INT64_MAX, *data, count < *size ? count : *size};
    *data += piece->count;
    *size -= piece->count;
    return piece->count != 0;
}

static bool read_body(const uint8_t *data, size_t size, struct sparse_body *body)
{
    char line[LINE_BYTES];
    unsigned long long total;
    *body = (struct sparse_body){0};
    if (!next_line(&data, &size, line) || sscanf(line, "%20llu", &total) != 1)
        return false;
    body->size = total & INT64_MAX;
    for (size_t i = 0; i < SPARSE_PIECES_MAX && next_piece(&data, &size, &body->pieces[i]); i++)
        continue;
    return true;
}

/* --- properties ------------------------------------------------------------------------ */

static void check_words(const char words[FORMAT_WORDS])
{
    size_t length = strnlen(words, FORMAT_WORDS);
    property(length < FORMAT_WORDS);
    for (size_t i = 0; i < length; i++)
        property(words[i] >= 0x20 && words[i] < 0x7F);
}

static enum format_judgement judged(struct format_declaration declaration, bool mismatch,
                                    bool unsafe, const struct format_examination *examination,
                                    const unsigned char *opening, size_t count, bool whole)
{
    char why[FORMAT_WORDS];
    memset(why, 0xFF, sizeof why);
    declaration.counts[FORMAT_MISMATCH] = mismatch;
    declaration.counts[FORMAT_UNSAFE] = unsafe;
    enum format_judgement judgement =
        format_judge(&declaration, examination, opening, count, whole, why);
    check_words(why);
    property((judgement == FORMAT_GOOD) == !*why);
    property(judgement != FORMAT_MISMATCH || mismatch);
    property(judgement != FORMAT_UNSAFE || unsafe);
    return judgement;
}

/* A good body is good for each check alone; a bad one is bad for at least one. */
static void check_judgements(const char *disk_format, const struct format_examination *examination,
                             const unsigned char *opening, size_t count, bool whole)
{
    for (size_t i = 0; i < CONTAINER_COUNT; i++) {
        struct format_declaration declaration = {.disk_format = disk_format,
                                                 .container_format = CONTAINERS[i]};
        bool good = !judged(declaration, true, true, examination, opening, count, whole);
        bool matches = !judged(declaration, true, false, examination, opening, count, whole);
        bool safe = !judged(declaration, false, true, examination, opening, count, whole);
        property(good == (matches && safe));
        property(!judged(declaration, false, false, examination, opening, count, whole));
        property(safe <= !*examination->unsafe);
    }
}

/* With all checks on: bytes before the image are reported first, and never make a body raw. Remarks
 * exist only for a body with no findings, and only for checks that are on. */
static void check_words_of_all(const char *disk_format,
                               const struct format_examination *examination,
                               const unsigned char *opening, size_t count, bool whole)
{
    for (size_t i = 0; i < CONTAINER_COUNT; i++) {
        struct format_declaration declaration = {.disk_format = disk_format,
                                                 .container_format = CONTAINERS[i]};
        char why[FORMAT_WORDS];
        memset(why, 0xFF, sizeof why);
        property(!format_remark(&declaration, examination, opening, count, whole, why) && !*why);
        for (int k = FORMAT_GOOD + 1; k < FORMAT_JUDGEMENTS; k++)
            declaration.counts[k] = true;
        for (int remark = 0; remark < 2; remark++) {
            memset(why, 0xFF, sizeof why);
            enum format_judgement judgement = (remark ? format_remark : format_judge)(
                &declaration, examination, opening, count, whole, why);
            check_words(why);
            property((judgement == FORMAT_GOOD) == !*why);
            property(judgement != FORMAT_DAMAGED || !strstr(why, "--disk-format"));
            property(!remark || judgement != FORMAT_TRUNCATED);
        }
    }
}

/* The prediction of Glance's verdict, for container format bare. */
static void check_glance(const char *disk_format, const unsigned char *opening, size_t count)
{
    for (size_t i = 0; i < CONTAINER_COUNT; i++) {
        struct format_declaration declaration = {.disk_format = disk_format,
                                                 .container_format = CONTAINERS[i]};
        char why[FORMAT_WORDS];
        memset(why, 0xFF, sizeof why);
        enum glance_objection violation = format_glance_objects(&declaration, opening, count, why);
        check_words(why);
        property((violation == GLANCE_TAKES_IT) == !*why);
        property(violation < GLANCE_OBJECTIONS);
        property(i == 0 || violation == GLANCE_TAKES_IT);
    }
}

static void check(const struct sparse_body *body, const char *disk_format)
{
    struct format_examination examination;
    size_t count;
    unsigned char *opening = sparse_opening(body, &count);
    uint64_t seen = count;
    int looks = 0;
    format_examine(opening, count, disk_format, body->size % 2 ? body->size : FORMAT_LENGTH_UNKNOWN,
                   &examination);
    check_glance(disk_format, opening, count);
    for (;;) {
        check_words(examination.broken);
        check_words(examination.unsafe);
        check_words(examination.truncated);
        property(examination.virtual_size <= INT64_MAX);
        property(examination.seen || (!*examination.broken && !examination.virtual_size_known));
        check_judgements(disk_format, &examination, opening, count, body->size == count);
        check_words_of_all(disk_format, &examination, opening, count, body->size == count);
        if (!examination.next.length)
            break;
        property(looks++ < SPARSE_LOOKS_MAX);
        sparse_look(body, &seen, &examination);
    }
    format_examine_end(&examination, body->size);
    check_words(examination.truncated);
    property(examination.needed <= INT64_MAX);
    free(opening);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sparse_body body;
    if (read_body(data, size, &body))
        for (size_t i = 0; i < DISK_FORMAT_COUNT; i++)
            check(&body, DISK_FORMATS[i]);
    return 0;
}
