/* SPDX-License-Identifier: Apache-2.0 */
/* Compares what Glance reports with what it was sent. Values that Glance does not report are not
 * compared, such as digest and store of staged data. The first difference is returned. */
#include "intake/verify.h"

#include "intake/digest.h"
#include "intake/image.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { METHOD_WORDS = 16, STATUS_SHOWN = 32, STORES_SHOWN = 80 };

static enum verify_verdict differ(char why[VERIFY_WORDS], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static enum verify_verdict differ(char why[VERIFY_WORDS], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, VERIFY_WORDS, format, arguments);
    va_end(arguments);
    return VERIFY_DIFFERENT;
}

/* `saving` and `importing` are temporary. Any other status is final, and a failure unless it is the
 * status after a successful upload. */
static enum verify_verdict check_status(const struct verify_expected *expected,
                                        const struct image *seen, char why[VERIFY_WORDS])
{
    const char *status = seen->status;
    if (strcmp(status, "saving") == 0 || strcmp(status, "importing") == 0)
        return VERIFY_WAIT;
    if (strcmp(status, expected->stage ? "uploading" : "active") == 0)
        return VERIFY_GOOD;
    bool again = strcmp(status, "queued") == 0;
    return differ(why, "the image is %.*s%s", STATUS_SHOWN, status, again ? " again" : "");
}

static enum verify_verdict compare_size(const struct verify_expected *expected,
                                        const struct image *seen, char method[METHOD_WORDS],
                                        char why[VERIFY_WORDS])
{
    if (!seen->size_known)
        return VERIFY_GOOD;
    snprintf(method, METHOD_WORDS, "size");
    if (seen->size == expected->size)
        return VERIFY_GOOD;
    return differ(why, "Glance has %" PRIu64 " bytes, and was sent %" PRIu64, seen->size,
                  expected->size);
}

/* False: the digest could not be compared. */
static bool compare_digest(const struct verify_expected *expected, const char *algorithm,
                           const char *value, char method[METHOD_WORDS], char why[VERIFY_WORDS],
                           enum verify_verdict *verdict)
{
    enum { SHOWN = 16 }; /* digits; enough to distinguish files, and to find one in a list */
    unsigned char digest[DIGEST_MAX_BYTES];
    char hex[2 * DIGEST_MAX_BYTES + 1];
    size_t size;
    if (!algorithm || !value || !digests_get(expected->digests, algorithm, digest, &size))
        return false;
    digest_hex(digest, size, hex);
    snprintf(method, METHOD_WORDS, "%s", algorithm);
    *verdict = VERIFY_GOOD;
    if (strcasecmp(hex, value) != 0)
        *verdict = differ(why, "Glance has data whose %s is %.*s..., and was sent %.*s...", method,
                          SHOWN, value, SHOWN, hex);
    return true;
}

/* Compares os_hash_value, or else the older `checksum`. */
static enum verify_verdict compare_digests(const struct verify_expected *expected,
                                           const struct image *seen, char method[METHOD_WORDS],
                                           char why[VERIFY_WORDS])
{
    enum verify_verdict verdict = VERIFY_GOOD;
    if (expected->digests &&
        !compare_digest(expected, seen->os_hash_algo, seen->os_hash_value, method, why, &verdict))
        compare_digest(expected, "md5", seen->checksum, method, why, &verdict);
    return verdict;
}

/* True: `store` is in a list like "file,test". */
static bool is_among(const char *store, const char *stores)
{
    size_t length = strlen(store);
    for (const char *at = stores, *end; *at; at = *end ? end + 1 : end) {
        end = strchrnul(at, ',');
        if ((size_t)(end - at) == length && memcmp(at, store, length) == 0)
            return true;
    }
    return false;
}

static enum verify_verdict compare_store(const struct verify_expected *expected,
                                         const struct image *seen, char why[VERIFY_WORDS])
{
    if (expected->stage || !expected->store || !seen->stores ||
        is_among(expected->store, seen->stores))
        return VERIFY_GOOD;
    return differ(why, "it is in %.*s, and was to go to %.*s", STORES_SHOWN,
                  *seen->stores ? seen->stores : "no store", STORES_SHOWN, expected->store);
}

static enum verify_verdict compare_format(const char *what, const char *was, const char *is,
                                          char why[VERIFY_WORDS])
{
    if (!was || !is || strcmp(was, is) == 0)
        return VERIFY_GOOD;
    return differ(why, "its %s was %.*s, and is %.*s now", what, STATUS_SHOWN, was, STATUS_SHOWN,
                  is);
}

enum verify_verdict verify_image(const struct verify_expected *expected, const struct image *seen,
                                 char method[16], char why[VERIFY_WORDS])
{
    method[0] = '\0';
    why[0] = '\0';
    enum verify_verdict verdict = check_status(expected, seen, why);
    if (verdict == VERIFY_GOOD)
        verdict = compare_size(expected, seen, method, why);
    if (verdict == VERIFY_GOOD)
        verdict = compare_digests(expected, seen, method, why);
    if (verdict == VERIFY_GOOD)
        verdict = compare_store(expected, seen, why);
    if (verdict == VERIFY_GOOD)
        verdict = compare_format("disk_format", expected->disk_format, seen->disk_format, why);
    if (verdict == VERIFY_GOOD)
        verdict = compare_format("container_format", expected->container_format,
                                 seen->container_format, why);
    return verdict;
}
