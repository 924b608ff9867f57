/* SPDX-License-Identifier: Apache-2.0 */
/* The examples of RFC 9530, 3230 and 1864, and common variants. */
#include "intake/digest.h"
#include "intake/headers.h"
#include "intake/promises.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Digests of {"hello": "world"} and a line feed: RFC 9530, appendix B. */
#define SHA256 "RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg="
#define SHA512                                                                                     \
    "YMAam51Jz/jOATT6/zvHrLVgOYTGFy1d6GJiOHTohq4yP+pgk4vf2aCsyRZOtw8MjkM7iw7yZ/WkppmM44T3qg=="
#define SHA256_HEX "44aff4ab2d7c3250525675a08f0cfa9591168cffe51791c5f5bbc417c15a6c38"
#define SHA512_HEX                                                                                 \
    "60c01a9b9d49cff8ce0134faff3bc7acb5603984c6172d5de862623874e886ae"                             \
    "323fea60938bdfd9a0acc9164eb70f0c8e433b8b0ef267f5a4a6998ce384f7aa"

/* RFC 3230 4.3.2; and 32 bytes of another digest. */
#define MD5        "HUXZLQLMuI/KZ5KDcJPcOA=="
#define MD5_HEX    "1d45d92d02ccb88fca6792837093dc38"
#define SHA1       "thvDyvhfIqlvFe+A9MYgxAfm1q5="
#define SHA1_HEX   "b61bc3caf85f22a96f15ef80f4c620c407e6d6ae"
#define OTHER      "X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE="
#define OTHER_HEX  "5f8f04f6a3a892aaabbddb6cf273894493773960d4a325b105fee46eef4304f1"
#define SHA256_CUT "RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg"

enum { FIELDS_MAX = 4, TEXT_MAX = 4096 };

/* The digests as text: "FIELD ALGORITHM HEX" for each, a line feed between them. */
static const struct {
    struct header fields[FIELDS_MAX];
    const char *promised;
} SOUND[] = {
    {{{0}}, ""},
    {{{"Content-Type", "application/octet-stream"}}, ""},

    {{{"Repr-Digest", "sha-256=:" SHA256 ":"}}, "Repr-Digest sha256 " SHA256_HEX},
    {{{"Content-Digest", "sha-512=:" SHA512 ":"}}, "Content-Digest sha512 " SHA512_HEX},
    {{{"repr_digest", "sha-256=:" SHA256 ":"}}, "Repr-Digest sha256 " SHA256_HEX},
    {{{"Repr-Digest", "sha-256=:" SHA256 ":, sha-512=:" SHA512 ":"}},
     "Repr-Digest sha256 " SHA256_HEX "\nRepr-Digest sha512 " SHA512_HEX},
    {{{"Repr-Digest", " \tsha-256=:" SHA256 ":\t,,sha-512=:" SHA512 ": ,"}},
     "Repr-Digest sha256 " SHA256_HEX "\nRepr-Digest sha512 " SHA512_HEX},
    {{{"Repr-Digest", "sha-256=:" SHA256 ":"}, {"Repr-Digest", "sha-512=:" SHA512 ":"}},
     "Repr-Digest sha256 " SHA256_HEX "\nRepr-Digest sha512 " SHA512_HEX},
    {{{"Repr-Digest", "sha-256=:" SHA256 ":;q=1"}}, "Repr-Digest sha256 " SHA256_HEX},
    {{{"Repr-Digest", "sha-256=:" SHA256 ":; a; b=\"x,sha-256\", md5=:" MD5 ":"}},
     "Repr-Digest sha256 " SHA256_HEX "\nRepr-Digest md5 " MD5_HEX},
    {{{"Repr-Digest", "sha-256=:" SHA256_CUT ":"}}, "Repr-Digest sha256 " SHA256_HEX},
    {{{"Repr-Digest", "sha=:" SHA1 ":"}}, "Repr-Digest sha1 " SHA1_HEX},

    /* the last one counts, in one field and in several, but not across fields */
    {{{"Repr-Digest", "sha-256=:" SHA256 ":, sha-256=:" OTHER ":"}},
     "Repr-Digest sha256 " OTHER_HEX},
    {{{"Repr-Digest", "sha-256=:" SHA256 ":"}, {"Repr_Digest", "sha-256=:" OTHER ":"}},
     "Repr-Digest sha256 " OTHER_HEX},
    {{{"Content-Digest", "sha-256=:" SHA256 ":"}, {"Repr-Digest", "sha-256=:" OTHER ":"}},
     "Repr-Digest sha256 " OTHER_HEX "\nContent-Digest sha256 " SHA256_HEX},

    /* unknown algorithms, in any form */
    {{{"Repr-Digest", "sha-384=:AAAA:, unixsum=30637, crc32c=:AAAAAA==:, x, y=?1, z=(1 2);a"}}, ""},
    {{{"Repr-Digest", "note=\"a, sha-256=:x:\", sha-256=:" SHA256 ":"}},
     "Repr-Digest sha256 " SHA256_HEX},
    {{{"Repr-Digest", ""}, {"Content-Digest", " , "}, {"Digest", ""}}, ""},

    {{{"Want-Repr-Digest", "sha-256=1"},
      {"Want-Content-Digest", "sha-512=3, sha-256=10"},
      {"Want-Digest", "SHA-256;q=0.3, md5;q=1"}},
     ""},

    {{{"Digest", "md5=" MD5}}, "Digest md5 " MD5_HEX},
    {{{"Digest", "MD5=" MD5 ",SHA=" SHA1 ",unixsum=30637"}},
     "Digest md5 " MD5_HEX "\nDigest sha1 " SHA1_HEX},
    {{{"digest", "SHA-256=" SHA256 ", sha-512=" SHA512 ", UNIXsum=30637, ADLER32=03da0195"}},
     "Digest sha256 " SHA256_HEX "\nDigest sha512 " SHA512_HEX},
    {{{"Digest", "SHA-256=" SHA256_HEX ", MD5=1D45D92D02CCB88FCA6792837093DC38"}},
     "Digest sha256 " SHA256_HEX "\nDigest md5 " MD5_HEX},
    {{{"Digest", "sha-512=" SHA512_HEX}}, "Digest sha512 " SHA512_HEX},
    {{{"Digest", "id-sha-256=" SHA256}}, ""},

    {{{"Content-MD5", "Q2hlY2sgSW50ZWdyaXR5IQ=="}}, /* RFC 1864 */
     "Content-MD5 md5 436865636b20496e7465677269747921"},
    {{{"content_md5", " " MD5 "\t"}}, "Content-MD5 md5 " MD5_HEX},
    {{{"Content-MD5", MD5}, {"Digest", "md5=Q2hlY2sgSW50ZWdyaXR5IQ=="}},
     "Digest md5 436865636b20496e7465677269747921\nContent-MD5 md5 " MD5_HEX},
};

#define FAULT_REPR "Repr-Digest names an algorithm without a digest of it, as in sha-256=:BASE64:"
#define FAULT_CONTENT                                                                              \
    "Content-Digest names an algorithm without a digest of it, as in sha-256=:BASE64:"
#define FAULT_DIGEST "Digest names an algorithm without a digest of it, as in SHA-256=BASE64"
#define FAULT_MD5    "Content-MD5 is not an MD5 in base64"

static const struct {
    struct header fields[FIELDS_MAX];
    const char *fault;
} BROKEN[] = {
    {{{"Repr-Digest", "sha-256"}}, FAULT_REPR},
    {{{"Repr-Digest", "sha-256;q=1"}}, FAULT_REPR},
    {{{"Repr-Digest", "sha-256="}}, FAULT_REPR},
    {{{"Repr-Digest", "sha-256=:"}}, FAULT_REPR},
    {{{"Repr-Digest", "sha-256=::"}}, FAULT_REPR},
    {{{"Repr-Digest", "sha-256=" SHA256}}, FAULT_REPR},
    {{{"Repr-Digest", "sha-256=\"" SHA256 "\""}}, FAULT_REPR},
    {{{"Repr-Digest", "sha-256=:" SHA256}}, FAULT_REPR},
    {{{"Repr-Digest", "sha-256=" SHA256 ":"}}, FAULT_REPR},
    {{{"Repr-Digest", "sha-256=:" SHA256 ":x"}}, FAULT_REPR},
    {{{"Repr-Digest", "sha-256=:" SHA256 "=:"}}, FAULT_REPR},
    {{{"Repr-Digest", "sha-256=: " SHA256 ":"}}, FAULT_REPR},
    {{{"Repr-Digest", "sha-256=:" SHA256_HEX ":"}}, FAULT_REPR},
    {{{"Repr-Digest", "sha-256=:RK_0qy18MlBSVnWgjwz6lZEWjP_lF5HF9bvEF8FabDg=:"}}, FAULT_REPR},
    {{{"Repr-Digest", "sha-256=:" SHA512 ":"}}, FAULT_REPR},
    {{{"Repr-Digest", "sha-512=:" SHA256 ":"}}, FAULT_REPR},
    {{{"Repr-Digest", "sha-256=:" SHA256 ":, sha-512=:AAAA:"}}, FAULT_REPR},
    {{{"Repr-Digest", "sha-256=:AAAA:, sha-256=:" SHA256 ":"}}, FAULT_REPR},
    {{{"Repr-Digest", "sha-256=:" SHA256 ":"}, {"repr_digest", "sha-256=:AAAA:"}}, FAULT_REPR},
    {{{"Content-Digest", "md5=:" SHA1 ":"}}, FAULT_CONTENT},
    {{{"Repr-Digest", "sha-256=:" SHA256 ":"}, {"Content-Digest", "sha-256=:" MD5 ":"}},
     FAULT_CONTENT},
    {{{"Digest", "SHA-256"}}, FAULT_DIGEST},
    {{{"Digest", "SHA-256="}}, FAULT_DIGEST},
    {{{"Digest", "SHA-256=:" SHA256 ":"}}, FAULT_DIGEST},
    {{{"Digest", "SHA-256=" SHA1}}, FAULT_DIGEST},
    {{{"Digest", "SHA-256=" MD5_HEX}}, FAULT_DIGEST},
    {{{"Digest", "MD5=zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"}}, FAULT_DIGEST},
    {{{"Digest", "unixsum=30637,MD5=!"}}, FAULT_DIGEST},
    {{{"Content-MD5", ""}}, FAULT_MD5},
    {{{"Content-MD5", MD5_HEX}}, FAULT_MD5},
    {{{"Content-MD5", SHA1}}, FAULT_MD5},
    {{{"Content-MD5", MD5 "," MD5}}, FAULT_MD5},
    {{{"Content-MD5", MD5}, {"Content_MD5", MD5}}, "Content-MD5 is there more than once"},
};

static void fill(struct headers *headers, const struct header *fields)
{
    for (size_t i = 0; i < FIELDS_MAX && fields[i].name; i++)
        assert_true(headers_add(headers, fields[i].name, fields[i].value));
}

static void print(const struct promises *promises, char text[TEXT_MAX])
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < promises->count; i++) {
        const struct promise *row = &promises->rows[i];
        char hex[2 * PROMISE_BYTES_MAX + 1];
        digest_hex(row->value, row->size, hex);
        used += (size_t)snprintf(text + used, TEXT_MAX - used, "%s%s %s %s", i ? "\n" : "",
                                 row->field, row->algorithm, hex);
    }
}

static void declared_digests_are_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof SOUND / sizeof *SOUND; i++) {
        struct headers headers = {0};
        struct promises promises = {0};
        char text[TEXT_MAX];
        fill(&headers, SOUND[i].fields);
        const char *fault = promises_read(&headers, &promises);
        if (fault)
            fail_msg("%s: %s: %s", SOUND[i].fields[0].name, SOUND[i].fields[0].value, fault);
        print(&promises, text);
        assert_string_equal(text, SOUND[i].promised);
        headers_free(&headers);
    }
}

static void unusable_digest_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof BROKEN / sizeof *BROKEN; i++) {
        struct headers headers = {0};
        struct promises promises = {0};
        fill(&headers, BROKEN[i].fields);
        const char *fault = promises_read(&headers, &promises);
        if (!fault)
            fail_msg("%s: %s", BROKEN[i].fields[0].name, BROKEN[i].fields[0].value);
        assert_string_equal(fault, BROKEN[i].fault);
        headers_free(&headers);
    }
}

/* An image's property is used if it is a digest, and ignored otherwise. */
static void property_is_a_digest_or_ignored(void **state)
{
    (void)state;
    static const char *const nothing[] = {
        NULL, "", "unknown", "44aff4ab", SHA256, SHA512_HEX, SHA256_HEX "00", " " SHA256_HEX,
    };
    struct promises promises = {0};
    char text[TEXT_MAX];
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++)
        promises_add_hex(&promises, "owner_specified.openstack.sha256", "sha256", nothing[i]);
    promises_add_hex(&promises, "x", "sha384", SHA256_HEX);
    assert_int_equal(promises.count, 0);
    promises_add_hex(&promises, "owner_specified.openstack.sha256", "sha256", SHA256_HEX);
    promises_add_hex(&promises, "owner_specified.openstack.md5", "md5",
                     "1D45D92D02CCB88FCA6792837093DC38");
    print(&promises, text);
    assert_string_equal(text, "owner_specified.openstack.sha256 sha256 " SHA256_HEX
                              "\nowner_specified.openstack.md5 md5 " MD5_HEX);
}

/* All digests that a head and an image can declare at once. */
static void all_digests_fit(void **state)
{
    (void)state;
    struct headers headers = {0};
    struct promises promises = {0};
    static const char dictionary[] =
        "sha-256=:" SHA256 ":, sha-512=:" SHA512 ":, sha=:" SHA1 ":, md5=:" MD5 ":";
    assert_true(headers_add(&headers, "Repr-Digest", dictionary));
    assert_true(headers_add(&headers, "Content-Digest", dictionary));
    assert_true(headers_add(&headers, "Digest",
                            "sha-256=" SHA256 ",sha-512=" SHA512 ",sha=" SHA1 ",md5=" MD5));
    assert_true(headers_add(&headers, "Content-MD5", MD5));
    assert_null(promises_read(&headers, &promises));
    promises_add_hex(&promises, "owner_specified.openstack.sha256", "sha256", SHA256_HEX);
    promises_add_hex(&promises, "owner_specified.openstack.md5", "md5", MD5_HEX);
    assert_int_equal(promises.count, 15);
    assert_string_equal(promises.rows[14].field, "owner_specified.openstack.md5");
    static const char *const more[] = {"a", "b", "c"};
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        promises_add_hex(&promises, more[i], "md5", MD5_HEX);
    assert_int_equal(promises.count, PROMISES_MAX);
    headers_free(&headers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(declared_digests_are_found),
        cmocka_unit_test(unusable_digest_is_refused),
        cmocka_unit_test(property_is_a_digest_or_ignored),
        cmocka_unit_test(all_digests_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
