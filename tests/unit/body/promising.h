/* SPDX-License-Identifier: Apache-2.0 */
/* Declared digests, right and wrong by one bit. Include after <cmocka.h>. */
#ifndef BODY_PROMISING_H
#define BODY_PROMISING_H

#include "intake/body.h"
#include "intake/digest.h"
#include "intake/promises.h"

#include <string.h>

/* Promises that the data will be these bytes. */
static inline void promise_add(struct promises *promises, const char *field, const char *algorithm,
                               const void *bytes, size_t count)
{
    struct digest *digest = digest_new(algorithm);
    struct promise *promise = &promises->rows[promises->count++];
    assert_non_null(digest);
    *promise = (struct promise){.field = field, .algorithm = algorithm};
    digest_update(digest, bytes, count);
    promise->size = digest_finish(digest, promise->value);
    digest_free(digest);
}

static inline void promise_break(struct promise *promise)
{
    promise->value[promise->size - 1] ^= 1;
}

static inline void assert_mismatch(const struct body *body, const char *expected)
{
    const char *detail;
    assert_int_equal(body_refusal(body, &detail), REFUSAL_DIGEST_MISMATCH);
    assert_string_equal(detail, expected);
}

#endif
