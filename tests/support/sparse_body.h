/* SPDX-License-Identifier: Apache-2.0 */
/* A body of zeros with some pieces of bytes in it, a later one over an earlier one: images of any
 * size from their few significant bytes. It is examined as an upload is, with buffers that end
 * where the bytes end. */
#ifndef SUPPORT_SPARSE_BODY_H
#define SUPPORT_SPARSE_BODY_H

#include "intake/format.h"

#include <stdlib.h>
#include <string.h>

struct piece {
    uint64_t at;
    const void *bytes;
    size_t count; /* 0: there are no more pieces */
};

/* A piece that is a string literal. */
#define PIECE(where, text)                                                                         \
    {                                                                                              \
        (where), (text), sizeof(text) - 1                                                          \
    }

enum { SPARSE_PIECES_MAX = 16, SPARSE_LOOKS_MAX = 4096 };

struct sparse_body {
    uint64_t size;
    struct piece pieces[SPARSE_PIECES_MAX];
};

/* `count` bytes from `offset`, fewer at the end; how many. */
static inline size_t sparse_read(const struct sparse_body *body, uint64_t offset, size_t count,
                                 unsigned char *into)
{
    if (offset >= body->size)
        return 0;
    if (count > body->size - offset)
        count = (size_t)(body->size - offset);
    memset(into, 0, count);
    for (size_t i = 0; i < SPARSE_PIECES_MAX && body->pieces[i].count; i++) {
        const struct piece *piece = &body->pieces[i];
        uint64_t from = piece->at > offset ? piece->at : offset;
        uint64_t to =
            piece->at + piece->count < offset + count ? piece->at + piece->count : offset + count;
        if (from < to)
            memcpy(into + (from - offset), (const unsigned char *)piece->bytes + (from - piece->at),
                   (size_t)(to - from));
    }
    return count;
}

static inline unsigned char *sparse_alloc(size_t count)
{
    unsigned char *bytes = malloc(count ? count : 1);
    if (!bytes)
        abort();
    return bytes;
}

/* Its opening, `*count` bytes of it. Owned by the caller. */
static inline unsigned char *sparse_opening(const struct sparse_body *body, size_t *count)
{
    *count = body->size < FORMAT_OPENING ? (size_t)body->size : FORMAT_OPENING;
    unsigned char *opening = sparse_alloc(*count);
    sparse_read(body, 0, *count, opening);
    return opening;
}

/* The next requested range; aborts if it goes back or is too large. `*seen` is the end of the
 * ranges before it. */
static inline void sparse_look(const struct sparse_body *body, uint64_t *seen,
                               struct format_examination *examination)
{
    struct format_look look = examination->next;
    if (look.length > FORMAT_LOOK_MAX || look.offset < *seen)
        abort();
    uint64_t offset = look.offset;
    *seen = look.offset + look.length;
    if (offset == FORMAT_FROM_END) {
        offset = body->size > look.length ? body->size - look.length : 0;
    } else if (look.offset & FORMAT_FROM_END) {
        abort();
    }
    size_t count = offset < body->size ? look.length : 0;
    if (count > body->size - offset)
        count = (size_t)(body->size - offset);
    unsigned char *bytes = sparse_alloc(count);
    sparse_read(body, offset, count, bytes);
    format_examine_more(examination, bytes, count);
    free(bytes);
}

/* Set by a test: whether the length is known beforehand. */
static bool sparse_length_is_known;

/* Judges after the opening and after each range until there is a finding; `examination` is then the
 * result. Aborts if there are too many ranges. */
static inline enum format_judgement sparse_judge(const struct sparse_body *body,
                                                 const struct format_declaration *declaration,
                                                 struct format_examination *examination,
                                                 char why[FORMAT_WORDS])
{
    size_t count;
    unsigned char *opening = sparse_opening(body, &count);
    bool whole = body->size <= count;
    uint64_t seen = count;
    format_examine(opening, count, declaration->disk_format,
                   sparse_length_is_known ? body->size : FORMAT_LENGTH_UNKNOWN, examination);
    enum format_judgement judgement =
        format_judge(declaration, examination, opening, count, whole, why);
    for (int looks = 0; judgement == FORMAT_GOOD && examination->next.length; looks++) {
        if (looks == SPARSE_LOOKS_MAX)
            abort();
        sparse_look(body, &seen, examination);
        judgement = format_judge(declaration, examination, opening, count, whole, why);
    }
    if (judgement == FORMAT_GOOD && format_examine_end(examination, body->size))
        judgement = format_judge(declaration, examination, NULL, 0, false, why);
    free(opening);
    return judgement;
}

/* The whole examination, without a judgement. */
static inline void sparse_examine(const struct sparse_body *body, const char *disk_format,
                                  struct format_examination *examination)
{
    struct format_declaration declaration = {.disk_format = disk_format,
                                             .container_format = "bare"};
    char why[FORMAT_WORDS];
    sparse_judge(body, &declaration, examination, why);
}

#endif
