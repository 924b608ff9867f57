/* SPDX-License-Identifier: Apache-2.0 */
/* A format that requests the ranges a test sets, and gives the judgement it sets. The linker takes
 * it instead of the real ones. Include after <cmocka.h>. */
#ifndef BODY_SCRIPTED_FORMAT_H
#define BODY_SCRIPTED_FORMAT_H

#include "feeder.h"
#include "intake/format.h"

#include <stdio.h>

enum { KIB = 1024, LARGEST = 200 * KIB, LOOKS_MAX = 4, AT_OPENING = 1 };

/* Every body is the beginning of it. */
static char image[LARGEST];

/* What the format does. `mismatch_at` and `unsafe_at`: the examination (from AT_OPENING) that
 * reports it first; 0: never. */
struct script {
    struct format_look looks[LOOKS_MAX]; /* up to one of length 0 */
    unsigned mismatch_at;
    unsigned unsafe_at;
    unsigned virtual_size_at;
    uint64_t virtual_size;
};

static struct {
    struct script script;
    size_t count; /* bytes in the whole image */
    unsigned examinations;
    unsigned judgements;
} format;

static void go_on(struct format_examination *out)
{
    unsigned done = format.examinations++;
    out->next = format.script.looks[done];
    if (format.script.virtual_size_at == format.examinations) {
        out->virtual_size_known = true;
        out->virtual_size = format.script.virtual_size;
    }
}

void format_examine(const void *opening, size_t count, const char *disk_format, uint64_t length,
                    struct format_examination *out)
{
    (void)length;
    assert_string_equal(disk_format, "raw");
    assert_int_equal(count, MIN(format.count, FORMAT_OPENING));
    assert_memory_equal(opening, image, count);
    memset(out, 0, sizeof *out);
    go_on(out);
}

/* The bytes are the requested ones, as far as the image goes. */
void format_examine_more(struct format_examination *examination, const void *bytes, size_t count)
{
    struct format_look look = examination->next;
    assert_int_not_equal(look.length, 0);
    size_t at = (size_t)(look.offset & ~FORMAT_FROM_END);
    if (look.offset & FORMAT_FROM_END)
        at = format.count - MIN(look.length, format.count);
    size_t expected = at < format.count ? MIN(look.length, format.count - at) : 0;
    if (count != expected || (count && memcmp(bytes, image + at, count) != 0))
        fail_msg("look %u at %zu: %zu bytes, and not %zu", format.examinations, at, count,
                 expected);
    go_on(examination);
}

bool format_examine_end(struct format_examination *examination, uint64_t length)
{
    (void)examination;
    assert_int_equal(length, format.count);
    return false;
}

enum format_judgement format_remark(const struct format_declaration *declaration,
                                    const struct format_examination *examination,
                                    const void *opening, size_t count, bool whole,
                                    /* NOLINTNEXTLINE(readability-non-const-parameter) */
                                    char why[FORMAT_WORDS])
{
    (void)declaration, (void)examination, (void)opening, (void)count, (void)whole, (void)why;
    return FORMAT_GOOD;
}

enum format_judgement format_judge(const struct format_declaration *declaration,
                                   const struct format_examination *examination,
                                   const void *opening, size_t count, bool whole,
                                   char why[FORMAT_WORDS])
{
    (void)examination;
    format.judgements++;
    assert_string_equal(declaration->disk_format, "raw");
    assert_string_equal(declaration->container_format, "bare");
    assert_int_equal(whole, format.count < FORMAT_OPENING);
    assert_int_equal(count, MIN(format.count, FORMAT_OPENING));
    assert_memory_equal(opening, image, count);
    unsigned now = format.examinations;
    bool mismatch = format.script.mismatch_at && now >= format.script.mismatch_at;
    bool unsafe = format.script.unsafe_at && now >= format.script.unsafe_at;
    snprintf(why, FORMAT_WORDS, "seen in look %u", now);
    if (unsafe && declaration->counts[FORMAT_UNSAFE])
        return FORMAT_UNSAFE;
    return mismatch && declaration->counts[FORMAT_MISMATCH] ? FORMAT_MISMATCH : FORMAT_GOOD;
}

#endif
