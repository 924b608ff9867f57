/* SPDX-License-Identifier: Apache-2.0 */
/* Requests for a guard. Each is fed whole, byte by byte, and cut in two at every point: the bytes
 * that pass, and the place of the fault, must be the same. Include after <cmocka.h>. */
#ifndef LISTENER_GUARD_VECTORS_H
#define LISTENER_GUARD_VECTORS_H

#include "listener/guard.h"
#include "support/splits.h"

#include <stdlib.h>
#include <string.h>

#define TEXT(literal) literal, sizeof(literal) - 1

struct vector {
    const char *name;
    const char *sent;
    size_t sent_count;
    const char *kept; /* what libmicrohttpd gets */
    size_t kept_count;
    enum refusal refusal; /* REFUSAL_NONE: the request is valid */
    uint64_t heads;
};

static char got[64 * 1024];

static inline void judge(const struct vector *vector, struct split split, struct guard *guard,
                         size_t *kept)
{
    char *copy = malloc(vector->sent_count);
    assert_non_null(copy);
    memcpy(copy, vector->sent, vector->sent_count);
    for (size_t at = 0; at < vector->sent_count;) {
        size_t piece = split_piece(split, at, vector->sent_count);
        size_t good = guard_judge(guard, copy + at, piece);
        assert_true(good <= piece);
        memcpy(got + *kept, copy + at, good);
        *kept += good;
        at += piece;
    }
    free(copy);
}

static inline void check(struct split split, const void *context)
{
    const struct vector *vector = context;
    struct guard guard = {0};
    size_t kept = 0;
    judge(vector, split, &guard, &kept);
    bool good = guard.refusal == vector->refusal && kept == vector->kept_count &&
                !memcmp(got, vector->kept, kept) && guard.heads == vector->heads &&
                !guard.fault == !vector->refusal;
    if (!good)
        print_message("%s, cut at %zu: kept %zu of %zu, %s\n", vector->name, split.first, kept,
                      vector->kept_count, guard.fault ? guard.fault : "no fault");
    assert_true(good);
}

static inline void check_all(const struct vector *vectors, size_t count)
{
    for (size_t i = 0; i < count; i++)
        splits_each(vectors[i].sent_count, check, &vectors[i]);
}

#define LINE    "PUT /v2/x HTTP/1.1\r\n"
#define GET     "GET /y HTTP/1.1\r\nHost: h\r\n\r\n"
#define CHUNKED LINE "Transfer-Encoding:chunked\r\n\r\n"

/* Passes unchanged. */
#define SOUND(name, sent, heads)                                                                   \
    {                                                                                              \
        name, TEXT(sent), TEXT(sent), REFUSAL_NONE, heads                                          \
    }
/* Passes without the dropped bytes. */
#define TIDIED(name, sent, kept)                                                                   \
    {                                                                                              \
        name, TEXT(sent), TEXT(kept), REFUSAL_NONE, 2                                              \
    }
/* Is refused after `good`. What follows `bad` makes no difference. */
#define WRONG(name, good, bad)                                                                     \
    {                                                                                              \
        name, TEXT(good bad GET), TEXT(good), REFUSAL_BAD_REQUEST, 1                               \
    }
/* Is refused after `good`, and `left_out` was dropped. */
#define WRONG_BEHIND(name, good, left_out, bad)                                                    \
    {                                                                                              \
        name, TEXT(good left_out bad GET), TEXT(good), REFUSAL_BAD_REQUEST, 1                      \
    }

#endif
