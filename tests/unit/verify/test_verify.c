/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/verify.h"

#include "intake/digest.h"
#include "intake/image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Digests of "abc". */
#define SHA512                                                                                     \
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"                             \
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
#define SHA512_UPPER                                                                               \
    "DDAF35A193617ABACC417349AE20413112E6FA4E89A97EA20A9EEEE64B55D39A"                             \
    "2192992A274FC1A836BA3C23A3FEEBBD454D4423643CE80E2A9AC94FA54CA49F"
#define SHA512_ONE_BIT_OFF                                                                         \
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"                             \
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49e"
#define MD5       "900150983cd24fb0d6963f7d28e17f72"
#define MD5_OTHER "d41d8cd98f00b204e9800998ecf8427e"

/* The report about "abc", which went to `test`. Strings that are left out are NULL: not reported.
 */
struct report {
    const char *status;
    const char *os_hash_algo;
    const char *os_hash_value;
    const char *checksum;
    const char *stores;
    bool sizeless;
    uint64_t size; /* 0: the right one */
};

#define ACTIVE(algo, value, md5, in)                                                               \
    {                                                                                              \
        .status = "active", .os_hash_algo = (algo), .os_hash_value = (value), .checksum = (md5),   \
        .stores = (in)                                                                             \
    }

/* The digests computed during the upload. */
enum hashed { NOTHING, BY_SHA512, BY_MD5, BY_BOTH };

struct row {
    bool stage;
    enum hashed hashed;
    struct report report;
    enum verify_verdict verdict;
    const char *method;
    const char *why;
};

static const struct row ROWS[] = {
    /* by the best that both have */
    {false, BY_BOTH, ACTIVE("sha512", SHA512, MD5, "test"), VERIFY_GOOD, "sha512", ""},
    {false, BY_BOTH, ACTIVE("sha512", SHA512_UPPER, MD5, "test"), VERIFY_GOOD, "sha512", ""},
    {false, BY_BOTH, ACTIVE("sha512", SHA512, MD5_OTHER, "test"), VERIFY_GOOD, "sha512", ""},
    {false, BY_SHA512, ACTIVE("sha512", SHA512, NULL, "test"), VERIFY_GOOD, "sha512", ""},
    {false, BY_BOTH, ACTIVE(NULL, NULL, MD5, "test"), VERIFY_GOOD, "md5", ""},
    {false, BY_BOTH, ACTIVE("sha512", NULL, MD5, "test"), VERIFY_GOOD, "md5", ""},
    {false, BY_BOTH, ACTIVE("sha3_512", "00", MD5, "test"), VERIFY_GOOD, "md5", ""},
    {false, BY_MD5, ACTIVE("sha512", SHA512, MD5, "test"), VERIFY_GOOD, "md5", ""},
    {false, BY_MD5, ACTIVE("md5", MD5, MD5, "test"), VERIFY_GOOD, "md5", ""},
    {false, BY_SHA512, ACTIVE(NULL, NULL, MD5, "test"), VERIFY_GOOD, "size", ""},
    {false, BY_SHA512, ACTIVE("sha256", "00", MD5, "test"), VERIFY_GOOD, "size", ""},
    {false, NOTHING, ACTIVE("sha512", "00", "00", "test"), VERIFY_GOOD, "size", ""},
    {false,
     BY_BOTH,
     {"active", "sha512", SHA512, MD5, "test", .sizeless = true},
     VERIFY_GOOD,
     "sha512",
     ""},
    {false, NOTHING, {"active", .sizeless = true}, VERIFY_GOOD, "", ""},

    /* a digest of something else */
    {false, BY_BOTH, ACTIVE("sha512", "cf83e1357eefb8bdf1542850d66d8007", MD5, "test"),
     VERIFY_DIFFERENT, "sha512",
     "Glance has data whose sha512 is cf83e1357eefb8bd..., and was sent ddaf35a193617aba..."},
    {false, BY_BOTH, ACTIVE(NULL, NULL, MD5_OTHER, "test"), VERIFY_DIFFERENT, "md5",
     "Glance has data whose md5 is d41d8cd98f00b204..., and was sent 900150983cd24fb0..."},
    {false, BY_SHA512, ACTIVE("sha512", "", NULL, "test"), VERIFY_DIFFERENT, "sha512",
     "Glance has data whose sha512 is ..., and was sent ddaf35a193617aba..."},
    {false, BY_SHA512, ACTIVE("sha512", SHA512_ONE_BIT_OFF, MD5, "test"), VERIFY_DIFFERENT,
     "sha512",
     "Glance has data whose sha512 is ddaf35a193617aba..., and was sent ddaf35a193617aba..."},

    /* another size, which comes before anything else */
    {false,
     BY_BOTH,
     {"active", "sha512", "00", MD5, "file", .size = 2},
     VERIFY_DIFFERENT,
     "size",
     "Glance has 2 bytes, and was sent 3"},
    {false,
     NOTHING,
     {"active", .size = UINT64_MAX},
     VERIFY_DIFFERENT,
     "size",
     "Glance has 18446744073709551615 bytes, and was sent 3"},

    /* the store */
    {false, BY_BOTH, ACTIVE("sha512", SHA512, MD5, "file,test"), VERIFY_GOOD, "sha512", ""},
    {false, BY_BOTH, ACTIVE("sha512", SHA512, MD5, "test,file"), VERIFY_GOOD, "sha512", ""},
    {false, BY_BOTH, ACTIVE("sha512", SHA512, MD5, NULL), VERIFY_GOOD, "sha512", ""},
    {false, BY_BOTH, ACTIVE("sha512", SHA512, MD5, "file"), VERIFY_DIFFERENT, "sha512",
     "it is in file, and was to go to test"},
    {false, NOTHING, ACTIVE(NULL, NULL, NULL, "testing,tes,atest"), VERIFY_DIFFERENT, "size",
     "it is in testing,tes,atest, and was to go to test"},
    {false, NOTHING, ACTIVE(NULL, NULL, NULL, "TEST"), VERIFY_DIFFERENT, "size",
     "it is in TEST, and was to go to test"},
    {false, NOTHING, ACTIVE(NULL, NULL, NULL, ""), VERIFY_DIFFERENT, "size",
     "it is in no store, and was to go to test"},

    /* the status, which comes before all of it */
    {false, BY_BOTH, {"saving", "sha512", "00", MD5, "file", .size = 2}, VERIFY_WAIT, "", ""},
    {false, BY_BOTH, {.status = "importing"}, VERIFY_WAIT, "", ""},
    {true, BY_BOTH, {.status = "saving"}, VERIFY_WAIT, "", ""},
    {true, BY_BOTH, {.status = "importing"}, VERIFY_WAIT, "", ""},
    {false, BY_BOTH, {.status = "queued"}, VERIFY_DIFFERENT, "", "the image is queued again"},
    {true, BY_BOTH, {.status = "queued"}, VERIFY_DIFFERENT, "", "the image is queued again"},
    {false, BY_BOTH, {.status = "uploading"}, VERIFY_DIFFERENT, "", "the image is uploading"},
    {false, BY_BOTH, {.status = "deleted"}, VERIFY_DIFFERENT, "", "the image is deleted"},
    {false, BY_BOTH, {.status = "killed"}, VERIFY_DIFFERENT, "", "the image is killed"},
    {false, BY_BOTH, {.status = ""}, VERIFY_DIFFERENT, "", "the image is "},

    /* staged: Glance reports the size, and no digest; whatever it reports is compared */
    {true, BY_BOTH, {.status = "uploading"}, VERIFY_GOOD, "size", ""},
    {true, BY_BOTH, {"uploading", .sizeless = true}, VERIFY_GOOD, "", ""},
    {true, BY_BOTH, {"uploading", "sha512", SHA512, MD5, .size = 3}, VERIFY_GOOD, "sha512", ""},
    {true, BY_BOTH, {"uploading", .checksum = MD5}, VERIFY_GOOD, "md5", ""},
    {true, BY_BOTH, {"uploading", .stores = "file"}, VERIFY_GOOD, "size", ""},
    {true,
     BY_BOTH,
     {"uploading", .size = 4},
     VERIFY_DIFFERENT,
     "size",
     "Glance has 4 bytes, and was sent 3"},
    {true, BY_BOTH, {.status = "active"}, VERIFY_DIFFERENT, "", "the image is active"},
};

static struct digests *hash(enum hashed hashed)
{
    if (hashed == NOTHING)
        return NULL;
    struct digests *digests = digests_new();
    assert_non_null(digests);
    if (hashed != BY_MD5)
        assert_true(digests_want(digests, "sha512"));
    if (hashed != BY_SHA512)
        assert_true(digests_want(digests, "md5"));
    digests_update(digests, "abc", 3);
    return digests;
}

/* The struct's strings are not const, and are never written. */
static struct image look(const struct report *report)
{
    return (struct image){
        .status = (char *)report->status,
        .size_known = !report->sizeless,
        .size = report->size ? report->size : 3,
        .os_hash_algo = (char *)report->os_hash_algo,
        .os_hash_value = (char *)report->os_hash_value,
        .checksum = (char *)report->checksum,
        .stores = (char *)report->stores,
    };
}

static void each_report_has_its_verdict(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        const struct row *row = &ROWS[i];
        const struct verify_expected expected = {
            .stage = row->stage, .size = 3, .store = "test", .digests = hash(row->hashed)};
        const struct image seen = look(&row->report);
        for (int again = 0; again < 2; again++) {
            char method[16] = "?";
            char why[VERIFY_WORDS] = "?";
            assert_int_equal(verify_image(&expected, &seen, method, why), row->verdict);
            assert_string_equal(method, row->method);
            assert_string_equal(why, row->why);
        }
        digests_free(expected.digests);
    }
}

static void no_store_requested_is_no_mismatch(void **state)
{
    (void)state;
    const struct verify_expected expected = {.size = 3};
    const struct report report = {.status = "active", .stores = "file"};
    const struct image seen = look(&report);
    char method[16];
    char why[VERIFY_WORDS];
    assert_int_equal(verify_image(&expected, &seen, method, why), VERIFY_GOOD);
    assert_string_equal(method, "size");
}

/* An image that was changed while its data was on the way is not the one that was judged. */
static void formats_are_those_that_were_judged(void **state)
{
    (void)state;
    static const struct {
        const char *disk, *container, *disk_seen, *container_seen;
        const char *why; /* "": they are */
    } rows[] = {
        {"raw", "bare", "raw", "bare", ""},
        {"raw", "bare", NULL, NULL, ""},
        {NULL, NULL, "raw", "bare", ""},
        {"raw", "bare", "iso", "bare", "its disk_format was raw, and is iso now"},
        {"raw", "bare", "raw", "ova", "its container_format was bare, and is ova now"},
        {"raw", "bare", "RAW", "bare", "its disk_format was raw, and is RAW now"},
    };
    for (int stage = 0; stage < 2; stage++)
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            const struct verify_expected expected = {.stage = stage,
                                                     .size = 3,
                                                     .disk_format = rows[i].disk,
                                                     .container_format = rows[i].container};
            struct image seen = look(&(struct report){.status = stage ? "uploading" : "active"});
            seen.disk_format = (char *)rows[i].disk_seen;
            seen.container_format = (char *)rows[i].container_seen;
            char method[16];
            char why[VERIFY_WORDS];
            assert_int_equal(verify_image(&expected, &seen, method, why),
                             *rows[i].why ? VERIFY_DIFFERENT : VERIFY_GOOD);
            assert_string_equal(why, rows[i].why);
        }
}

/* Glance's texts may be of any length. */
static void long_words_are_cut(void **state)
{
    (void)state;
    char endless[4096];
    memset(endless, 'x', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    const struct report reports[] = {
        {.status = endless},
        {.status = "active", .stores = endless},
        {"active", "sha512", endless, .stores = "test"},
        ACTIVE(endless, endless, endless, endless),
    };
    for (size_t i = 0; i < sizeof reports / sizeof *reports; i++) {
        const struct verify_expected expected = {
            .size = 3, .store = endless + 1, .digests = hash(BY_BOTH)};
        const struct image seen = look(&reports[i]);
        char method[16];
        char why[VERIFY_WORDS];
        assert_int_equal(verify_image(&expected, &seen, method, why), VERIFY_DIFFERENT);
        assert_true(strlen(why) < VERIFY_WORDS - 1);
        digests_free(expected.digests);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_report_has_its_verdict),
        cmocka_unit_test(no_store_requested_is_no_mismatch),
        cmocka_unit_test(formats_are_those_that_were_judged),
        cmocka_unit_test(long_words_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
