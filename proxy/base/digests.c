/* SPDX-License-Identifier: Apache-2.0 */
/* Computes all digests of an upload in one pass over its bytes: Glance's own, those that the client
 * promised, and the image's. */
#include "intake/digest.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct row {
    char *algorithm;
    struct digest *digest; /* NULL: finished */
    size_t size;           /* of `value` in bytes, once finished; 0: OpenSSL failed */
    unsigned char value[DIGEST_MAX_BYTES];
};

struct digests {
    struct row rows[DIGESTS_MAX];
    size_t count;
    bool begun; /* hashing may have begun: no algorithm can be added */
};

struct digests *digests_new(void)
{
    return calloc(1, sizeof(struct digests));
}

static struct row *find(struct digests *digests, const char *algorithm)
{
    for (struct row *row = digests->rows; row != digests->rows + digests->count; row++)
        if (strcasecmp(row->algorithm, algorithm) == 0)
            return row;
    return NULL;
}

static void row_clear(struct row *row)
{
    free(row->algorithm);
    digest_free(row->digest);
    *row = (struct row){0};
}

bool digests_want(struct digests *digests, const char *algorithm)
{
    if (find(digests, algorithm))
        return true;
    if (digests->begun || digests->count == DIGESTS_MAX)
        return false;
    struct row *row = &digests->rows[digests->count];
    row->algorithm = strdup(algorithm);
    row->digest = digest_new(algorithm);
    if (row->algorithm && row->digest) {
        digests->count++;
        return true;
    }
    row_clear(row);
    return false;
}

bool digests_none(const struct digests *digests)
{
    return digests->count == 0;
}

struct digest *digests_at(struct digests *digests, size_t place)
{
    digests->begun = true;
    return place < digests->count ? digests->rows[place].digest : NULL;
}

void digests_update(struct digests *digests, const void *bytes, size_t count)
{
    digests->begun = true;
    for (size_t i = 0; i < digests->count; i++)
        digest_update(digests->rows[i].digest, bytes, count);
}

bool digests_get(struct digests *digests, const char *algorithm,
                 unsigned char out[DIGEST_MAX_BYTES], size_t *size)
{
    struct row *row = find(digests, algorithm);
    if (!row)
        return false;
    digests->begun = true;
    if (row->digest) {
        row->size = digest_finish(row->digest, row->value);
        digest_free(row->digest);
        row->digest = NULL;
    }
    if (!row->size)
        return false;
    memcpy(out, row->value, row->size);
    *size = row->size;
    return true;
}

void digests_free(struct digests *digests)
{
    if (!digests)
        return;
    for (size_t i = 0; i < digests->count; i++)
        row_clear(&digests->rows[i]);
    free(digests);
}
