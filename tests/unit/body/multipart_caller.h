/* SPDX-License-Identifier: Apache-2.0 */
/* A caller of the form scanner, which notices bytes that are read too far. Include after
 * <cmocka.h>. */
#ifndef BODY_MULTIPART_CALLER_H
#define BODY_MULTIPART_CALLER_H

#include "body/multipart.h"
#include "multipart_vectors.h"
#include "support/splits.h"

/* --- a caller, who sees to it that a byte too far is seen ------------------------------- */

/* Pieces of `first`, then `second`, then `rest` bytes. */
struct cuts {
    size_t first;
    size_t second;
    size_t rest;
};

enum { IMAGE_MAX = 4 * 1024 * 1024 };

static char image[IMAGE_MAX]; /* the output */

struct feed {
    struct multipart *multipart;
    size_t image_count;
    char held[MULTIPART_HOLD_MAX];
    size_t hold;
    bool good;
};

static inline void feed_begin(struct feed *feed, const char *boundary, uint64_t total)
{
    feed->multipart = multipart_new(boundary, total);
    feed->image_count = 0;
    feed->hold = 0;
    feed->good = true;
    assert_non_null(feed->multipart);
}

static inline void feed_end(struct feed *feed)
{
    multipart_free(feed->multipart);
}

static inline void take(struct feed *feed, const char *piece, size_t count, bool last)
{
    struct multipart_span span;
    feed->good = multipart_scan(feed->multipart, piece, count, last, &span);
    assert_int_equal(feed->good, !multipart_fault(feed->multipart));
    assert_true(span.at <= count && span.data <= count - span.at);
    assert_true(span.hold <= count - span.at - span.data);
    assert_true(span.hold <= MULTIPART_HOLD_MAX);
    assert_true(!last || !span.hold);
    assert_true(span.data <= IMAGE_MAX - feed->image_count);
    memcpy(image + feed->image_count, piece + span.at, span.data);
    feed->image_count += span.data;
    feed->hold = span.hold;
    memcpy(feed->held, piece + count - span.hold, span.hold);
}

/* The held bytes and the new ones, in memory that ends with them. */
static inline void feed_bytes(struct feed *feed, const char *bytes, size_t count, bool last)
{
    char *piece = malloc(feed->hold + count + (feed->hold + count == 0));
    assert_non_null(piece);
    memcpy(piece, feed->held, feed->hold);
    if (count)
        memcpy(piece + feed->hold, bytes, count);
    take(feed, piece, feed->hold + count, last);
    free(piece);
}

static inline size_t cut(struct cuts cuts, size_t at, size_t length)
{
    size_t piece = at == 0 ? cuts.first : at == cuts.first ? cuts.second : cuts.rest;
    return piece < length - at ? piece : length - at;
}

/* The end comes with the last piece, or alone. */
static inline void feed_all(struct feed *feed, const char *bytes, size_t length, struct cuts cuts,
                            bool end_alone)
{
    for (size_t at = 0; at < length && feed->good;) {
        size_t piece = cut(cuts, at, length);
        feed_bytes(feed, bytes + at, piece, !end_alone && at + piece == length);
        at += piece;
    }
    if (feed->good && (end_alone || !length))
        feed_bytes(feed, NULL, 0, true);
}

/* --- the vectors ----------------------------------------------------------------------- */

static inline bool same_text(const char *one, const char *other)
{
    return one && other ? !strcmp(one, other) : one == other;
}

static inline bool length_right(const struct feed *feed, const struct multipart_vector *vector,
                                bool told)
{
    uint64_t length = 0;
    bool known = multipart_length(feed->multipart, &length);
    return vector->fault ||
           (known == told && (!told || (length == vector->image_length) == vector->foretold));
}

/* A fault may come before the image's bytes are handed on, and then they do not count. */
static inline bool image_right(const struct feed *feed, const struct multipart_vector *vector)
{
    return feed->image_count <= vector->image_length &&
           !memcmp(image, vector->image, feed->image_count) &&
           (vector->fault || feed->image_count == vector->image_length);
}

static inline void attempt(struct cuts cuts, const struct multipart_vector *vector, bool told)
{
    for (int end_alone = 0; end_alone < 2; end_alone++) {
        struct feed feed;
        feed_begin(&feed, vector->boundary, told ? vector->length : UINT64_MAX);
        feed_all(&feed, vector->body, vector->length, cuts, end_alone);
        const char *fault = multipart_fault(feed.multipart);
        const char *filename = multipart_filename(feed.multipart);
        if (!same_text(fault, vector->fault) || !same_text(filename, vector->filename) ||
            !image_right(&feed, vector) || !length_right(&feed, vector, told))
            fail_msg("%s, {%zu, %zu, %zu}: %zu bytes of %s, %s", vector->name, cuts.first,
                     cuts.second, cuts.rest, feed.image_count, filename ? filename : "no file",
                     fault ? fault : "no fault");
        feed_end(&feed);
    }
}

static inline void attempt_split(struct split split, const void *context)
{
    attempt((struct cuts){split.first, split.rest, split.rest}, context, true);
    attempt((struct cuts){split.first, split.rest, split.rest}, context, false);
}

#endif
