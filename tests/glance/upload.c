/* SPDX-License-Identifier: Apache-2.0 */
/* queued -> saving -> active for an upload, queued -> uploading for a stage; back to queued if
 * the body does not come to its end. */
#include "upload.h"

#include "exchange.h"
#include "glance.h"
#include "image.h"
#include "store.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct upload {
    int file;
    char path[4096]; /* until it is whole; then renamed */
    char store[STORE_NAME_MAX];
    uint64_t size;
    EVP_MD_CTX *md5;
    EVP_MD_CTX *hash; /* os_hash_algo's; NULL: none is reported */
    bool failed;      /* the disk did not take it */
};

void data_path(const struct glance *glance, const char *id, const char *suffix, char path[4096])
{
    snprintf(path, 4096, "%s/%s%s", glance->data, id, suffix);
}

static void upload_free(struct upload *upload)
{
    if (!upload)
        return;
    if (upload->file >= 0)
        close(upload->file);
    if (*upload->path)
        unlink(upload->path);
    EVP_MD_CTX_free(upload->md5);
    EVP_MD_CTX_free(upload->hash);
    free(upload);
}

static const char *hash_algorithm(const struct exchange *exchange)
{
    return exchange->fault.set ? exchange->fault.hash : "sha512";
}

/* NULL, too, if there is to be none. */
static EVP_MD_CTX *hash_new(const char *algorithm)
{
    EVP_MD_CTX *context = *algorithm ? EVP_MD_CTX_new() : NULL;
    if (context && EVP_DigestInit_ex(context, EVP_get_digestbyname(algorithm), NULL))
        return context;
    EVP_MD_CTX_free(context);
    return NULL;
}

static struct upload *upload_new(struct exchange *exchange)
{
    struct upload *upload = calloc(1, sizeof *upload);
    if (!upload)
        return NULL;
    data_path(exchange->glance, exchange->image_id, ".XXXXXX", upload->path);
    upload->file = mkostemp(upload->path, O_CLOEXEC);
    upload->md5 = hash_new("md5");
    upload->hash = hash_new(hash_algorithm(exchange));
    if (upload->file < 0)
        upload->path[0] = '\0';
    if (upload->file >= 0 && upload->md5 && (upload->hash || !*hash_algorithm(exchange)))
        return upload;
    upload_free(upload);
    return NULL;
}

static bool check_content_type(struct exchange *exchange)
{
    char *type = exchange_header(exchange, "Content-Type");
    size_t length = type ? strcspn(type, "; \t") : 0;
    bool good = length == strlen("application/octet-stream") &&
                strncmp(type, "application/octet-stream", length) == 0;
    if (!good)
        answer_error(exchange, 415, "The request media type %.*s is not supported by this server.",
                     type ? (int)length : (int)strlen("text/plain"), type ? type : "text/plain");
    free(type);
    return good;
}

static bool check_status(struct exchange *exchange, const json_t *image, const char *next)
{
    if (image_is(image, "queued"))
        return true;
    answer_error(exchange, 409, "Image status transition from %s to %s is not allowed",
                 image_text(image, "status"), next);
    return false;
}

static bool check_formats(struct exchange *exchange, const json_t *image)
{
    bool disk = *image_text(image, "disk_format");
    bool container = *image_text(image, "container_format");
    if (disk && container)
        return true;
    answer_error(exchange, 400, "%s must be set prior to saving data.",
                 disk        ? "Property container_format"
                 : container ? "Property disk_format"
                             : "Properties disk_format, container_format");
    return false;
}

static bool check_owner(struct exchange *exchange, const json_t *image)
{
    if (image_owned(image, exchange->caller))
        return true;
    answer_error(exchange, 403, "Not allowed to upload image data for image %s",
                 exchange->image_id);
    return false;
}

static void accept_body(struct exchange *exchange, json_t *image, const char *next,
                        const char *store)
{
    exchange->upload = upload_new(exchange);
    if (!exchange->upload) {
        answer_error(exchange, 500, "No room for the data of image %s", exchange->image_id);
        return;
    }
    snprintf(exchange->upload->store, STORE_NAME_MAX, "%s",
             *exchange->fault.store ? exchange->fault.store : store);
    image_set_status(image, next);
}

/* In the order in which Glance looks. */
void upload_begin(struct exchange *exchange)
{
    char store[STORE_NAME_MAX];
    if (!check_content_type(exchange) || !store_asked(exchange, 400, store))
        return;
    json_t *image = image_of(exchange);
    if (image && check_owner(exchange, image) && check_status(exchange, image, "saving") &&
        check_formats(exchange, image))
        accept_body(exchange, image, "saving", store);
}

void stage_begin(struct exchange *exchange)
{
    if (!check_content_type(exchange))
        return;
    json_t *image = image_of(exchange);
    if (image && check_owner(exchange, image) && check_status(exchange, image, "uploading") &&
        check_formats(exchange, image))
        accept_body(exchange, image, "uploading", "");
}

static bool all_zero(const char *bytes, size_t count)
{
    return count && !bytes[0] && memcmp(bytes, bytes + 1, count - 1) == 0;
}

void upload_take(struct exchange *exchange, const char *bytes, size_t count)
{
    struct upload *upload = exchange->upload;
    EVP_DigestUpdate(upload->md5, bytes, count);
    if (upload->hash)
        EVP_DigestUpdate(upload->hash, bytes, count);
    /* A run of zeros becomes a hole, so that a huge sparse image needs no disk. */
    if (!all_zero(bytes, count) &&
        pwrite(upload->file, bytes, count, (off_t)upload->size) != (ssize_t)count)
        upload->failed = true;
    upload->size += count;
}

static void set_digest(json_t *image, const char *property, EVP_MD_CTX *context, bool wrong)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    char text[2 * EVP_MAX_MD_SIZE + 1] = "";
    EVP_DigestFinal_ex(context, digest, &length);
    if (wrong)
        digest[0] ^= 1;
    for (unsigned i = 0; i < length; i++)
        snprintf(text + (size_t)2 * i, 3, "%02x", digest[i]);
    image_set_text(image, property, text);
}

static void describe_data(struct exchange *exchange, json_t *image)
{
    struct upload *upload = exchange->upload;
    const struct fault *fault = &exchange->fault;
    uint64_t lost = fault->short_by < upload->size ? fault->short_by : upload->size;
    json_object_set_new(image, "size", json_integer((json_int_t)(upload->size - lost)));
    set_digest(image, "checksum", upload->md5, fault->wrong_checksum);
    if (upload->hash) {
        set_digest(image, "os_hash_value", upload->hash, fault->wrong_checksum);
        image_set_text(image, "os_hash_algo", hash_algorithm(exchange));
    }
}

static bool keep_file(struct exchange *exchange, const char *suffix)
{
    struct upload *upload = exchange->upload;
    char path[4096];
    data_path(exchange->glance, exchange->image_id, suffix, path);
    if (upload->failed || ftruncate(upload->file, (off_t)upload->size) != 0 ||
        rename(upload->path, path) != 0)
        return false;
    upload->path[0] = '\0';
    return true;
}

static void upload_end(struct exchange *exchange)
{
    upload_free(exchange->upload);
    exchange->upload = NULL;
}

/* What both finishes share. NULL: answered with an error. */
static json_t *finish(struct exchange *exchange, const char *suffix)
{
    json_t *image = image_find(exchange->glance, exchange->image_id);
    if (!image) {
        answer_error(exchange, 410,
                     "Image %s could not be found after upload. The image may have been deleted "
                     "during the upload, cleaning up the chunks uploaded.",
                     exchange->image_id);
    } else if (!keep_file(exchange, suffix)) {
        answer_error(exchange, 500, "Failed to store the data of image %s", exchange->image_id);
    } else {
        describe_data(exchange, image);
        return image;
    }
    upload_abandon(exchange);
    return NULL;
}

static void settle(struct exchange *exchange, json_t *image)
{
    image_set_text(image, "stores", exchange->upload->store);
    image_set_status(image, exchange->fault.stuck ? "saving" : "active");
}

void upload_finish(struct exchange *exchange)
{
    json_t *image = finish(exchange, "");
    if (!image)
        return;
    settle(exchange, image);
    upload_end(exchange);
    answer_empty(exchange, 204);
}

/* The digests are shown a little sooner than by Glance, which computes them at the import. */
void stage_finish(struct exchange *exchange)
{
    if (!finish(exchange, ".staged"))
        return;
    upload_end(exchange);
    answer_empty(exchange, 204);
}

void upload_abandon(struct exchange *exchange)
{
    if (!exchange->upload)
        return;
    const struct fault *fault = &exchange->fault;
    json_t *image = image_find(exchange->glance, exchange->image_id);
    bool stored = fault->kept || fault->spoilt;
    if (image && stored && exchange->whole && keep_file(exchange, "")) {
        describe_data(exchange, image);
        settle(exchange, image);
        if (fault->spoilt)
            image_set_status(image, "queued");
    } else if (image && !fault->stuck) {
        image_set_status(image, "queued");
    }
    upload_end(exchange);
}
