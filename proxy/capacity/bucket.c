/* SPDX-License-Identifier: Apache-2.0 */
/* Asks a bucket how full it is. To the bucket's owner, a Ceph Object Gateway answers HEAD of a
 * bucket with these headers:
 *
 *     X-RGW-Bytes-Used           bytes in the bucket
 *     X-RGW-Quota-Bucket-Size    the bucket's limit
 *     X-RGW-Quota-User-Size      the limit of all buckets of the owner together
 */
#include "intake/capacity.h"
#include "intake/key_file.h"
#include "intake/log.h"
#include "intake/policy.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WHY_MAX = 256 };

/* --- asking ---------------------------------------------------------------------------- */

struct keys {
    char access[KEY_MAX + 1];
    char secret[KEY_MAX + 1];
};

static bool read_key(const struct policy_store *store, const char *path, char key[KEY_MAX + 1])
{
    char why[WHY_MAX];
    bool good = key_file_read(path, key, why, sizeof why);
    if (!good)
        log_say(LOG_LEVEL_WARNING, "the key of store %s, %s, %s", store->name, path, why);
    return good;
}

static bool send_request(struct fetch *fetch, struct glance *glance,
                         const struct settings *settings, const struct policy_bucket *s3,
                         const struct keys *keys, void (*wake)(void *context), void *context)
{
    static const struct headers none;
    const struct transfer_signature signature = {s3->region, keys->access, keys->secret};
    char *url = NULL;
    if (asprintf(&url, "%s/%s", s3->endpoint, s3->bucket) < 0)
        return false;
    const struct upstream_request request = {.method = "HEAD",
                                             .url = url,
                                             .signature = &signature,
                                             .headers = &none,
                                             .framing = FRAMING_NONE,
                                             .timeout = BUCKET_TIMEOUT_MS};
    bool asked = fetch_start(fetch, glance, settings, &request, wake, context);
    free(url);
    return asked;
}

bool bucket_ask(struct fetch *fetch, struct glance *glance, const struct settings *settings,
                const struct policy_store *store, void (*wake)(void *context), void *context)
{
    struct keys keys;
    bool asked = read_key(store, store->s3.access_key_file, keys.access) &&
                 read_key(store, store->s3.secret_key_file, keys.secret) &&
                 send_request(fetch, glance, settings, &store->s3, &keys, wake, context);
    explicit_bzero(&keys, sizeof keys);
    return asked;
}

/* --- reading the answer ---------------------------------------------------------------- */

static bool read_number(const char *text, uint64_t *number)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 18 || text[digits])
        return false;
    *number = strtoull(text, NULL, 10);
    return true;
}

/* A negative quota means no quota. Gateways other than Ceph's do not send the header. */
static bool read_quota(const struct headers *fields, const char *name, uint64_t *quota)
{
    uint64_t number;
    const char *text = headers_get(fields, name);
    if (!text)
        return true;
    bool negative = text[0] == '-';
    if (!read_number(text + negative, &number))
        return false;
    if (!negative && number < *quota)
        *quota = number;
    return true;
}

static void describe_status(unsigned status, char *why, size_t room)
{
    snprintf(why, room, "the gateway answers %u%s", status,
             status == 403   ? ": these keys may not look at the bucket"
             : status == 404 ? ": there is no such bucket"
                             : "");
}

bool bucket_read(const struct fetch *fetch, struct bucket_facts *facts, char *why, size_t room)
{
    const struct headers *fields = &fetch->answer.headers;
    const char *used = headers_get(fields, "X-RGW-Bytes-Used");
    *facts = (struct bucket_facts){.quota = UINT64_MAX};
    if (!fetch_answered(fetch))
        snprintf(why, room, "the gateway does not answer: %s", fetch->detail);
    else if (fetch->answer.status != 200)
        describe_status(fetch->answer.status, why, room);
    else if (!used)
        snprintf(why, room, "the gateway does not say what the bucket holds");
    else if (!read_number(used, &facts->used) ||
             !read_quota(fields, "X-RGW-Quota-Bucket-Size", &facts->quota) ||
             !read_quota(fields, "X-RGW-Quota-User-Size", &facts->quota))
        snprintf(why, room, "what the gateway says of the bucket cannot be read");
    else
        return true;
    return false;
}
