/* SPDX-License-Identifier: Apache-2.0 */
/* The sink compares every byte it is sent, so that it need not hash: when all were equal, the
 * digest is that of the known data, which is computed once. */
#include "images.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FINISHED_MAX = 4096, DIGESTS_MAX = 64 };

struct known_digest {
    struct stream stream;
    char hex[DIGEST_HEX_SIZE];
};

struct images {
    bool digest;
    struct stream_room *room;
    char finished[FINISHED_MAX][STREAM_ID_SIZE];
    size_t finished_count; /* ever; the oldest are overwritten */
    struct known_digest digests[DIGESTS_MAX];
    size_t digest_count;
};

struct images *images_new(bool digest)
{
    struct images *images = calloc(1, sizeof *images);
    if (!images)
        return NULL;
    images->digest = digest;
    images->room = stream_room_new();
    if (!images->room) {
        free(images);
        return NULL;
    }
    return images;
}

void images_free(struct images *images)
{
    if (images)
        stream_room_free(images->room);
    free(images);
}

void images_finish(struct images *images, const char *id)
{
    char *place = images->finished[images->finished_count++ % FINISHED_MAX];
    memcpy(place, id, STREAM_ID_SIZE - 1);
}

static bool is_finished(const struct images *images, const char *id)
{
    for (size_t i = 0; i < images->finished_count && i < FINISHED_MAX; i++)
        if (memcmp(images->finished[i], id, STREAM_ID_SIZE - 1) == 0)
            return true;
    return false;
}

static bool hash(struct stream_room *room, const struct stream *stream, char hex[DIGEST_HEX_SIZE])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context && EVP_DigestInit_ex(context, EVP_sha512(), NULL);
    for (uint64_t at = 0; good && at < stream->size; at += STREAM_PIECE) {
        size_t count = stream->size - at < STREAM_PIECE ? stream->size - at : STREAM_PIECE;
        good = EVP_DigestUpdate(context, stream_bytes(room, stream, at, count), count);
    }
    good = good && EVP_DigestFinal_ex(context, digest, &size);
    EVP_MD_CTX_free(context);
    for (unsigned i = 0; i < size; i++)
        snprintf(hex + 2 * (size_t)i, 3, "%02x", digest[i]);
    return good;
}

/* NULL: it could not be computed, or there are too many. */
static const char *digest_of(struct images *images, const struct stream *stream)
{
    for (size_t i = 0; i < images->digest_count; i++) {
        const struct known_digest *known = &images->digests[i];
        if (known->stream.seed == stream->seed && known->stream.size == stream->size)
            return known->hex;
    }
    if (images->digest_count == DIGESTS_MAX)
        return NULL;
    struct known_digest *next = &images->digests[images->digest_count];
    next->stream = *stream;
    if (!hash(images->room, stream, next->hex))
        return NULL;
    images->digest_count++;
    return next->hex;
}

/* The end of the object, which fills it up to IMAGE_JSON_SIZE. */
static bool fill_up(char json[IMAGE_JSON_SIZE], int used)
{
    static const char field[] = ", \"description\": \"";
    static const char end[] = "\"}";
    size_t room = IMAGE_JSON_SIZE - sizeof field - sizeof end + 2;
    if (used < 0 || (size_t)used > room)
        return false;
    memcpy(json + used, field, sizeof field - 1);
    memset(json + used + sizeof field - 1, 'x', room - (size_t)used);
    memcpy(json + IMAGE_JSON_SIZE - sizeof end + 1, end, sizeof end - 1);
    return true;
}

bool images_show(struct images *images, const char *id, char json[IMAGE_JSON_SIZE])
{
    struct stream stream;
    char result[DIGEST_HEX_SIZE + 128] = "\"status\": \"queued\", \"size\": null";
    if (!stream_of_id(id, &stream))
        return false;
    const char *digest = images->digest ? digest_of(images, &stream) : NULL;
    if (images->digest && !digest)
        return false;
    if (is_finished(images, id))
        snprintf(result, sizeof result,
                 "\"status\": \"active\", \"stores\": \"test\", \"size\": %" PRIu64 "%s%s%s",
                 stream.size, digest ? ", \"os_hash_algo\": \"sha512\", \"os_hash_value\": \"" : "",
                 digest ? digest : "", digest ? "\"" : "");
    int used = snprintf(json, IMAGE_JSON_SIZE,
                        "{\"id\": \"%.36s\", %s, \"disk_format\": \"raw\", "
                        "\"container_format\": \"bare\", \"visibility\": \"shared\", "
                        "\"owner\": \"0123456789abcdef0123456789abcdef\", \"name\": \"bench\"",
                        id, result);
    return fill_up(json, used);
}
