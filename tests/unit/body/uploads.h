/* SPDX-License-Identifier: Apache-2.0 */
/* Images of real formats, and all the ways to send one. Include after <cmocka.h>. */
#ifndef BODY_UPLOADS_H
#define BODY_UPLOADS_H

#include "feeder.h"
#include "intake/format.h"
#include "support/sparse_body.h"

#include <openssl/sha.h>

enum { KIB = 1024, OPENING = FORMAT_OPENING, LIMIT = 16 * 1024 * KIB };

/* --- images ---------------------------------------------------------------------------- */

#define FOOTER                                                                                     \
    "conectix\0\0\0\2\0\1\0\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x32\x96\x5E\xC9qemu\0\5\0\3Wi2k"     \
    "\0\0\0\0\0\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\2"
#define QCOW2                                                                                      \
    "QFI\xFB\0\0\0\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10\0\0\0\0\4\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0"  \
    "\3"                                                                                           \
    "\0\0\0\0\0\0\0\1\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" \
    "\0\0\0\0\0\0\0\4\0\0\0\x70\0\0\0\0\0\0\0\0"
#define NO_L1 PIECE(192 * KIB, "\0\0\0\0\0\0\0\0")
#define REGIONS                                                                                    \
    "regi\x83\xCE\x6F\x2C\1\0\0\0\0\0\0\0"                                                         \
    "\6\xA2\x7C\x8B\x90\x47\x9A\x4B\xB8\xFE\x57\x5F\5\x0F\x88\x6E\0\0\x10\0\0\0\0\0\0\0\x10\0\0\0" \
    "\0\0"
#define METADATA                                                                                   \
    "metadata\0\0\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"                                     \
    "\x37\x67\xA1\xCA\x36\xFA\x43\x4D\xB3\xB6\x33\xF0\xAA\x44\xE7\x6B\0\0\1\0\x08\0\0\0\4\0\0\0"   \
    "\0\0\0\0\x24\x42\xA5\x2F\x1B\xCD\x76\x48\xB2\x11\x5D\xBE\xD8\x3B\xF4\xB8\x08\0\1\0\x08\0\0\0" \
    "\6\0\0\0\0\0\0"
/* 64 MiB, and not a difference to another disk. */
#define ITEMS "\0\0\x80\0\0\0\0\0\0\0\0\4\0\0\0"

enum { AT_REGIONS = 192 * KIB, AT_METADATA = 1024 * KIB, AT_ITEMS = AT_METADATA + 64 * KIB };
enum { VHDX_SIZE = AT_ITEMS + 512 };

#define VHDX                                                                                       \
    PIECE(0, "vhdxfile"), PIECE(AT_REGIONS, REGIONS), PIECE(AT_METADATA, METADATA),                \
        PIECE(AT_ITEMS, ITEMS)
#define FIXED_VHD(size)                                                                            \
    "vhd",                                                                                         \
    {                                                                                              \
        size,                                                                                      \
        {                                                                                          \
            PIECE((size)-512, FOOTER)                                                              \
        }                                                                                          \
    }

/* Any bytes, with some that mean something among them. */
struct image {
    const char *disk_format;
    struct sparse_body sparse;
};

static inline char *image_make(const struct image *image)
{
    size_t count = (size_t)image->sparse.size;
    char *bytes = malloc(count + 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < count; i++)
        bytes[i] = (char)(i * 31 + i / 251);
    for (const struct piece *piece = image->sparse.pieces; piece->count; piece++)
        memcpy(bytes + piece->at, piece->bytes, piece->count);
    return bytes;
}

/* --- the ways they are sent ------------------------------------------------------------ */

#define HEAD  "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"i.img\"\r\n\r\n"
#define FIELD "\r\n--B\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\nvalue"
#define END   "\r\n--B--\r\n"

static const struct way {
    const char *what;
    const char *before, *behind; /* the image */
    bool length, promise;        /* that are reported */
    bool declared;               /* to be a form */
    enum unknown_length unknown_length;
} WAYS[] = {
    {"with its length", "", "", true, false, false, UNKNOWN_LENGTH_SPOOL},
    {"with a promise", "", "", false, true, false, UNKNOWN_LENGTH_REJECT},
    {"with both", "", "", true, true, false, UNKNOWN_LENGTH_REJECT},
    {"spooled", "", "", false, false, false, UNKNOWN_LENGTH_SPOOL},
    {"streamed", "", "", false, false, false, UNKNOWN_LENGTH_STREAM},
    {"in a form", HEAD, END, true, false, true, UNKNOWN_LENGTH_SPOOL},
    {"in a hidden form", HEAD, END, true, false, false, UNKNOWN_LENGTH_SPOOL},
    {"in a form with a promise", HEAD, END, true, true, true, UNKNOWN_LENGTH_SPOOL},
    {"in a spooled form", HEAD, FIELD END, false, false, true, UNKNOWN_LENGTH_SPOOL},
    {"in a streamed form", HEAD, END, false, false, false, UNKNOWN_LENGTH_STREAM},
    {"in a form with a promise and a field", HEAD, FIELD END, true, true, true,
     UNKNOWN_LENGTH_SPOOL},
    {"in a form with a field", HEAD, FIELD END, true, false, true, UNKNOWN_LENGTH_SPOOL},
};

enum { WAY_COUNT = sizeof WAYS / sizeof WAYS[0] };

/* An upload: the image, the way, and (from `feeder` on) the body it makes. */
struct sent_upload {
    const struct way *way;
    const char *image;
    size_t count;
    const char *disk_format;
    struct body_limits limits;
    char *bytes;
    struct feeder feeder;
    struct body_plan plan;
    unsigned char sha512[SHA512_DIGEST_LENGTH]; /* of the image */
};

static inline void upload_make(struct sent_upload *upload)
{
    const struct way *way = upload->way;
    size_t before = strlen(way->before), behind = strlen(way->behind);
    upload->bytes = malloc(before + upload->count + behind + 1);
    assert_non_null(upload->bytes);
    memcpy(upload->bytes, way->before, before);
    memcpy(upload->bytes + before, upload->image, upload->count);
    memcpy(upload->bytes + before + upload->count, way->behind, behind);
    upload->feeder = feeder_of(upload->bytes, before + upload->count + behind);
    upload->plan = plan_of(&upload->feeder);
    upload->plan.disk_format = upload->disk_format;
    upload->plan.content_type = way->declared ? "multipart/form-data; boundary=B" : NULL;
    upload->plan.length_known = way->length;
    upload->plan.length = upload->feeder.count;
    upload->plan.promised = way->promise;
    upload->plan.promise = upload->count;
    upload->limits = (struct body_limits){LIMIT, UINT64_MAX, UINT64_MAX};
    upload->plan.spools_unknown_length = way->unknown_length == UNKNOWN_LENGTH_SPOOL;
}

/* Its length is known before a byte is output. */
static inline bool is_told(const struct sent_upload *upload)
{
    return upload->way->length || upload->way->promise || upload->count < OPENING;
}

/* A field after the file makes the predicted length too large. */
static inline bool is_predicted_wrong(const struct sent_upload *upload)
{
    return upload->way->length && !upload->way->promise && upload->count >= OPENING &&
           strcmp(upload->way->behind, FIELD END) == 0;
}

/* Sent in each of the ways. */
static inline void each_image(const struct image *image,
                              void (*attempt)(struct sent_upload *upload))
{
    char *bytes = image_make(image);
    unsigned char sha512[SHA512_DIGEST_LENGTH];
    SHA512((const unsigned char *)bytes, (size_t)image->sparse.size, sha512);
    for (size_t way = 0; way < WAY_COUNT; way++) {
        struct sent_upload upload = {
            &WAYS[way], bytes, (size_t)image->sparse.size, image->disk_format, {0}, NULL, {0},
            {0},        {0}};
        upload_make(&upload);
        memcpy(upload.sha512, sha512, sizeof sha512);
        attempt(&upload);
        free(upload.bytes);
    }
    free(bytes);
}

#endif
