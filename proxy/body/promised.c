/* SPDX-License-Identifier: Apache-2.0 */
/* Compares digests with the promised ones, for the filters that compute digests. */
#include "body/body_priv.h"
#include "intake/digest.h"
#include "intake/promises.h"

#include <string.h>

bool promised_add(const struct promises *promises, struct digests *set)
{
    bool good = true;
    for (size_t i = 0; promises && i < promises->count; i++)
        good = good && digests_want(set, promises->rows[i].algorithm);
    return good;
}

static bool is_kept(const struct promise *promise, struct digests *set)
{
    unsigned char digest[DIGEST_MAX_BYTES];
    size_t size;
    return digests_get(set, promise->algorithm, digest, &size) && size == promise->size &&
           memcmp(digest, promise->value, size) == 0;
}

bool promised_check(struct filter *filter, const struct promises *promises, struct digests *set)
{
    for (size_t i = 0; promises && i < promises->count; i++) {
        if (is_kept(&promises->rows[i], set))
            continue;
        if (!filter_report(filter, CHECK_REJECT, REFUSAL_DIGEST_MISMATCH,
                           "%s promises another %s than the data has", promises->rows[i].field,
                           promises->rows[i].algorithm))
            return false;
    }
    return true;
}
