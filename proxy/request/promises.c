/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the digests that a client promises in its head. A client that sends a digest wants it
 * checked. So a malformed digest is an error, although RFC 8941 lets recipients ignore a malformed
 * field: otherwise a digest that was damaged in transit would look verified. */
#include "intake/promises.h"
#include "intake/digest.h"
#include "intake/headers.h"
#include "request/request_priv.h"

#include <string.h>

_Static_assert((int)PROMISE_BYTES_MAX == (int)DIGEST_MAX_BYTES, "a promise is a digest");

/* Both registries (RFC 9530 7.2, RFC 3230 4.1.1) use the same names, in different case. */
static const struct algorithm {
    const char *registered;
    const char *name; /* OpenSSL's */
    size_t size;
} ALGORITHMS[] = {
    {"sha-512", "sha512", 64},
    {"sha-256", "sha256", 32},
    {"sha", "sha1", 20},
    {"md5", "md5", 16},
};

enum { ALGORITHM_COUNT = sizeof ALGORITHMS / sizeof *ALGORITHMS };

static const struct algorithm *algorithm_registered(struct span name)
{
    for (size_t i = 0; i < ALGORITHM_COUNT; i++)
        if (span_is(name, ALGORITHMS[i].registered))
            return &ALGORITHMS[i];
    return NULL;
}

static const struct algorithm *algorithm_named(const char *name)
{
    for (size_t i = 0; i < ALGORITHM_COUNT; i++)
        if (strcmp(ALGORITHMS[i].name, name) == 0)
            return &ALGORITHMS[i];
    return NULL;
}

/* The last digest of a field and an algorithm replaces earlier ones (RFC 8941 3.2). */
static void promise_add(struct promises *promises, const char *field,
                        const struct algorithm *algorithm, const unsigned char *value)
{
    struct promise *row = promises->rows;
    struct promise *end = row + promises->count;
    while (row != end && (strcmp(row->field, field) != 0 || row->algorithm != algorithm->name))
        row++;
    if (row == end && promises->count == PROMISES_MAX)
        return;
    promises->count += row == end;
    *row = (struct promise){.field = field, .algorithm = algorithm->name, .size = algorithm->size};
    memcpy(row->value, value, algorithm->size);
}

/* --- the fields ------------------------------------------------------------------------ */

static bool base64_read(struct span text, const struct algorithm *algorithm,
                        unsigned char value[DIGEST_MAX_BYTES])
{
    return digest_from_base64(text.text, text.length, value) == algorithm->size;
}

static bool hex_read(struct span text, const struct algorithm *algorithm,
                     unsigned char value[DIGEST_MAX_BYTES])
{
    return digest_from_hex(text.text, text.length, value) == algorithm->size;
}

/* Reads ":BASE64:". Parameters after it are ignored: no algorithm defines any. */
static bool byte_sequence_read(struct span text, const struct algorithm *algorithm,
                               unsigned char value[DIGEST_MAX_BYTES])
{
    if (text.length < 2 || *text.text != ':')
        return false;
    const char *begin = text.text + 1;
    const char *end = memchr(begin, ':', text.length - 1);
    if (!end || (end + 1 != text.text + text.length && end[1] != ';'))
        return false;
    return base64_read((struct span){begin, (size_t)(end - begin)}, algorithm, value);
}

/* The length tells hex from base64: no digest has the same length in both. */
static bool instance_digest_read(struct span text, const struct algorithm *algorithm,
                                 unsigned char value[DIGEST_MAX_BYTES])
{
    bool hex = text.length == 2 * algorithm->size;
    return hex ? hex_read(text, algorithm, value) : base64_read(text, algorithm, value);
}

static const struct field {
    const char *name;
    bool (*read)(struct span text, const struct algorithm *algorithm,
                 unsigned char value[DIGEST_MAX_BYTES]);
    const char *fault;
} FIELDS[] = {
    {"Repr-Digest", byte_sequence_read,
     "Repr-Digest names an algorithm without a digest of it, as in sha-256=:BASE64:"},
    {"Content-Digest", byte_sequence_read,
     "Content-Digest names an algorithm without a digest of it, as in sha-256=:BASE64:"},
    {"Digest", instance_digest_read,
     "Digest names an algorithm without a digest of it, as in SHA-256=BASE64"},
};

/* Cuts the name off "NAME=..." or "NAME". `member` becomes the text after the '='. */
static struct span name_cut(struct span *member)
{
    const char *end = member->text + member->length;
    struct span name = {member->text, 0};
    while (name.length < member->length && !strchr("=; \t", name.text[name.length]))
        name.length++;
    const char *value = memchr(name.text, '=', member->length);
    member->text = value ? value + 1 : end;
    member->length = (size_t)(end - member->text);
    return name;
}

/* False: the algorithm is known, and the value is not a digest of it. */
static bool member_read(const struct field *field, struct span member, struct promises *out)
{
    unsigned char value[DIGEST_MAX_BYTES];
    struct span name = name_cut(&member);
    const struct algorithm *algorithm = algorithm_registered(name);
    if (!algorithm)
        return true;
    if (!field->read(member, algorithm, value))
        return false;
    promise_add(out, field->name, algorithm, value);
    return true;
}

static const char *field_read(const struct field *field, const struct headers *headers,
                              struct promises *out)
{
    headers_each(row, headers) {
        if (!header_name_is(row->name, field->name))
            continue;
        const char *at = row->value;
        for (struct span member; list_next(&at, ',', &member);)
            if (!member_read(field, member, out))
                return field->fault;
    }
    return NULL;
}

/* Content-MD5 is not a list: one field with one digest. */
static const char *content_md5_read(const struct headers *headers, struct promises *out)
{
    static const char name[] = "Content-MD5";
    const char *at = headers_get(headers, name);
    unsigned char value[DIGEST_MAX_BYTES];
    struct span text = {"", 0};
    if (!at)
        return NULL;
    if (headers_count(headers, name) > 1)
        return "Content-MD5 is there more than once";
    const struct algorithm *md5 = algorithm_named("md5");
    list_next(&at, ',', &text);
    if (*at || !base64_read(text, md5, value))
        return "Content-MD5 is not an MD5 in base64";
    promise_add(out, name, md5, value);
    return NULL;
}

const char *promises_read(const struct headers *headers, struct promises *out)
{
    const char *fault = NULL;
    for (size_t i = 0; i < sizeof FIELDS / sizeof *FIELDS && !fault; i++)
        fault = field_read(&FIELDS[i], headers, out);
    return fault ? fault : content_md5_read(headers, out);
}

void promises_add_hex(struct promises *promises, const char *field, const char *algorithm,
                      const char *hex)
{
    const struct algorithm *known = algorithm_named(algorithm);
    unsigned char value[DIGEST_MAX_BYTES];
    if (known && hex && hex_read((struct span){hex, strlen(hex)}, known, value))
        promise_add(promises, field, known, value);
}
