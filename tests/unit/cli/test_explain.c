/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { WORDS_MAX = 12, TEXT_SIZE = 8192 };

/* Runs "glance-intake explain" with the words; its output is in `out` and `errors`. */
static int explain(const char *config, const char *const *words, char out[TEXT_SIZE],
                   char errors[TEXT_SIZE])
{
    char *arguments[WORDS_MAX + 5] = {"glance-intake", "explain", "--config-file", (char *)config};
    int count = 4;
    for (; words[count - 4]; count++)
        arguments[count] = (char *)words[count - 4];
    memset(out, 0, TEXT_SIZE);
    memset(errors, 0, TEXT_SIZE);
    FILE *out_file = fmemopen(out, TEXT_SIZE - 1, "w");
    FILE *errors_file = fmemopen(errors, TEXT_SIZE - 1, "w");
    assert_non_null(out_file);
    assert_non_null(errors_file);
    struct options options;
    int status = options_parse(count, arguments, &options, errors_file)
                     ? command_explain(&options, out_file, errors_file)
                     : EXIT_USAGE;
    options_free(&options);
    fclose(out_file);
    fclose(errors_file);
    return status;
}

/* A configuration with this policy, and these lines in [upload]; nothing outside of the test's
 * directory is tried. */
static const char *configure(void **state, const char *policy, const char *upload)
{
    char text[1024];
    snprintf(text, sizeof text, "[policy]\nfile = %s\n[upload]\n%sspool_dir = %s\n",
             scratch_file(state, "policy.yaml", policy), upload, scratch_path(state, "spool"));
    return scratch_file(state, "x.conf", text);
}

static const char policy[] =
    "rules:\n"
    "- {name: no-isos, when: {disk_format: iso}, deny: convert it}\n"
    "- {name: big, when: {larger_than: 1GiB}, store: file}\n"
    "- {name: agent, when: {user_agent: '*Horizon*'}, store: file, allow: [file]}\n"
    "- {name: watch, when: {name: watch}, deny: soon, mode: audit}\n"
    "default: {store: test, mode: force}\n"
    "doors: {import_methods: [glance-direct], exempt: 10.0.0.11}\n"
    "stores: {file: {unknown_length: stream}}\n";

#define NOT_ISO         "not no-isos (line 2): disk_format is not set, not iso\n"
#define NOT_BIG(size)   NOT_ISO "not big (line 3): the size is " size "\n"
#define UNKNOWN         "not known to be larger than 1GiB"
#define NOT_AGENT(size) NOT_BIG(size) "not agent (line 4): user_agent is not set, not *Horizon*\n"
#define DEFAULT(size)                                                                              \
    NOT_AGENT(size)                                                                                \
    "not watch (line 5): name is not set, not watch\n"                                             \
    "rule: default (line 6)\nbecause no other rule applies\n"
#define CEILING                                                                                    \
    "above 1GiB another rule applies; streamed data without a size is refused "                    \
    "there (length_required)\n"
#define WITHOUT(what) "without a length: " what ", by [upload] unknown_length\n"
#define SPOOLED       WITHOUT("kept on disk until it is complete")
#define NO_WISH       "store: test\nthe client asked for no store\n"
#define BIG           NOT_ISO "rule: big (line 3)\nbecause these hold: larger_than\n"

#define GLANCE_CHECKS                                                                              \
    "glance_checks = on: data that Glance would refuse after storing it is refused first\n"

/* The whole output. */
static const struct {
    const char *words[WORDS_MAX];
    const char *upload; /* in [upload] */
    const char *told;
} rows[] = {
    {{NULL}, "", DEFAULT(UNKNOWN) NO_WISH CEILING SPOOLED "would be changed: store\n"},
    {{"--size", "1MiB", "--store", "test"},
     "",
     DEFAULT("1MiB, not larger than 1GiB") "store: test\nthe client asked for it, too\n"},
    {{"--size", "1MiB", "--header", "X_Image_Meta_Store: file"},
     "",
     DEFAULT("1MiB, not larger than 1GiB") "store: test\nthe client asked for file; mode force "
                                           "replaces that\nwould be changed: store\n"},
    /* what Glance would refuse afterwards; nothing if it does not check */
    {{"--container-format", "bare"},
     "glance_checks = on\n",
     DEFAULT(UNKNOWN) NO_WISH CEILING SPOOLED "would be changed: store\n" GLANCE_CHECKS},
    {{NULL},
     "glance_checks = on\n",
     DEFAULT(UNKNOWN) NO_WISH CEILING SPOOLED "would be changed: store\n" GLANCE_CHECKS},
    {{NULL},
     "glance_checks = off\n",
     DEFAULT(UNKNOWN) NO_WISH CEILING SPOOLED "would be changed: store\n"},
    {{"--container-format", "ovf"},
     "glance_checks = on\n",
     DEFAULT(UNKNOWN) NO_WISH CEILING SPOOLED "would be changed: store\n"},
    {{"--disk-format", "iso"},
     "glance_checks = on\n",
     "rule: no-isos (line 2)\nbecause these hold: disk_format\n"
     "refused (denied_by_policy): convert it\n"},
    {{"--disk-format", "iso"},
     "",
     "rule: no-isos (line 2)\nbecause these hold: disk_format\n"
     "refused (denied_by_policy): convert it\n"},
    {{"--user-agent", "Horizon"},
     "",
     NOT_BIG(UNKNOWN) "rule: agent (line 4)\nbecause these hold: user_agent\n"
                      "store: file\nthe client asked for no store\n" CEILING
                      "without a length: sent on as it comes, by unknown_length of the store "
                      "file\nwould be changed: store\n"},
    {{"--header", "user-agent: Horizon", "--store", "test"},
     "",
     NOT_BIG(UNKNOWN) "rule: agent (line 4)\nbecause these hold: user_agent\n"
                      "refused (store_not_allowed): the client asked for test; allowed: file\n"},
    /* findings about a head */
    {{"--size", "2KiB", "--store=test", "--header", "Content-Encoding: gzip", "--header",
      "Content-Range: bytes 0-9/10"},
     "",
     "refused (content_range): The upload is only a part of a file (Content-Range), and Glance "
     "would store it as the whole image\n"
     "refused (content_encoding): The upload is compressed (Content-Encoding), and Glance would "
     "store the compressed data\n" DEFAULT(
         "2KiB, not larger than 1GiB") "store: test\nthe client asked for it, too\n"},
    {{"--size", "0", "--store=test"},
     "",
     "refused (empty_body): The upload has no data, and Glance would create an image of 0 "
     "bytes: an image with the property block_device_mapping "
     "or bdm_v2 may be empty\n" DEFAULT(
         "0B, not larger than 1GiB") "store: test\nthe client asked for it, too\n"},
    {{"--size=2GiB", "--header", "Repr-Digest: sha-256=x", "--store=file"},
     "max_size = 1GiB\n",
     "refused (bad_request): The request was not sent to Glance because its head is not valid "
     "HTTP: Repr-Digest names an algorithm without a digest of it, as in sha-256=:BASE64:\n"
     "refused (too_large): 2GiB is more than [upload] max_size 1GiB\n" BIG
     "store: file\nthe client asked for it, and may\n"},
    {{"--header", "Content-Length: 5", "--header", "Transfer-Encoding: chunked"},
     "",
     "refused (bad_request): The request was not sent to Glance because its head is not valid "
     "HTTP: there are both Content-Length and Transfer-Encoding\n"},
    /* what would be changed in it */
    {{"--header", "Content-Type:", "--store=test", "--size=1"},
     "",
     DEFAULT("1B, not larger than 1GiB") "store: test\nthe client asked for it, too\n"
                                         "would be changed: content-type\n"},
    {{"--header", "Content-Type: multipart/form-data; boundary=x", "--size=2GiB"},
     "",
     BIG "store: file\nthe client asked for no store\n"
         "would be changed: store, content-type, multipart\n"},
    {{"--header", "Content-Type: text/plain", "--size=1"},
     "content_type = strict\n",
     "refused (unsupported_content_type): The body was not sent as image data: its Content-Type is "
     "not application/octet-stream\n" DEFAULT("1B, not larger than 1GiB") NO_WISH
     "would be changed: store\n"},
    /* sizes that are known late, or never */
    {{"--chunked"},
     "unknown_length = spool\n",
     DEFAULT(UNKNOWN) NO_WISH CEILING SPOOLED "would be changed: store, length\n"},
    {{"--size=2GiB", "--chunked"},
     "unknown_length = spool\n",
     BIG "store: file\nthe client asked for no store\n" SPOOLED
         "would be changed: store, length\n"},
    {{"--size=2GiB", "--chunked"},
     "unknown_length = stream\n",
     DEFAULT(UNKNOWN) NO_WISH CEILING WITHOUT("sent on as it comes") "would be changed: store\n"},
    {{"--chunked"},
     "unknown_length = reject\n",
     DEFAULT(UNKNOWN) NO_WISH CEILING "refused (length_required), by [upload] unknown_length\n"
                                      "would be changed: store\n"},
    {{NULL},
     "unknown_length = reject\n",
     DEFAULT(UNKNOWN) NO_WISH CEILING WITHOUT("refused (length_required)") "would be changed: "
                                                                           "store\n"},
    {{"--door=stage", "--chunked", "--user-agent=Horizon"},
     "",
     NOT_BIG(UNKNOWN) "rule: agent (line 4)\nbecause these hold: user_agent\n"
                      "store: none yet; staged data gets one when it is imported\n" CEILING SPOOLED
                      "would be changed: length\n"},
    {{"--chunked", "--header", "x-openstack-image-size: 2147483648"},
     "unknown_length = stream\n",
     BIG "store: file\nthe client asked for no store\nwould be changed: store, length\n"},
    {{"--header", "x-openstack-image-size: 2147483648"},
     "",
     BIG "store: file\nthe client asked for no store\nwould be changed: store\n"},
    {{"--header", "Content-Length: 2147483648"},
     "",
     BIG "store: file\nthe client asked for no store\nwould be changed: store\n"},
    /* the other actions */
    {{"--door=stage", "--store=file", "--size=1"},
     "",
     DEFAULT("1B, not larger than 1GiB") "store: none yet; staged data gets one when it is "
                                         "imported\n"},
    {{"--import-method=glance-direct", "--store=file", "--store=rbd"},
     "",
     DEFAULT(UNKNOWN) "store: test, as `stores` of the body\n"
                      "the import asked for file, rbd; mode force replaces that\n"
                      "would be changed: store\n"},
    {{"--import-method=glance-direct", "--header", "X-Image-Meta-Store: test"},
     "",
     DEFAULT(UNKNOWN) "store: test\nthe import asked for it, and may\n"},
    {{"--import-method=copy-image", "--all-stores"},
     "",
     DEFAULT(UNKNOWN) "refused (denied_by_policy): doors has import_methods: [glance-direct], not "
                      "copy-image\n"},
    {{"--door=locations"},
     "",
     "refused (denied_by_policy): doors has locations: closed, and the client is not in exempt\n"},
    {{"--door=tasks", "--client=10.0.0.11"}, "", "open: 10.0.0.11 is in exempt of doors\n"},
    /* audited */
    {{"--name=watch", "--size=1"},
     "",
     NOT_AGENT("1B, not larger than 1GiB") "rule: watch (line 5)\nbecause these hold: name\n"
                                           "refused (denied_by_policy): soon\n"
                                           "mode: audit: nothing of this is changed or refused, "
                                           "only logged\n"},
};

static void explain_reports_the_whole_decision(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *config = configure(state, policy, rows[i].upload);
        char out[TEXT_SIZE];
        char errors[TEXT_SIZE];
        int status = explain(config, rows[i].words, out, errors);
        assert_string_equal(errors, "");
        assert_int_equal(status, 0);
        if (strcmp(out, rows[i].told) != 0)
            fail_msg("row %zu: %s", i, out);
    }
}

static void explain_reports_audit_mode(void **state)
{
    static const char *const ingest[] = {"upload", "stage", "locations", "tasks"};
    const char *config = configure(state, "mode: audit\ndefault: {deny: no}\n", "");
    char out[TEXT_SIZE];
    char errors[TEXT_SIZE];
    for (size_t i = 0; i < sizeof ingest / sizeof ingest[0]; i++) {
        const char *words[] = {"--door", ingest[i], NULL};
        assert_int_equal(explain(config, words, out, errors), 0);
        assert_non_null(strstr(out, "refused (denied_by_policy): "));
        assert_non_null(strstr(out, "\nmode: audit: nothing of this"));
    }
}

static void explain_escapes_control_characters(void **state)
{
    const char *config = configure(state, "default: {deny: \"no\\u202E\\u2028\"}\n", "");
    char out[TEXT_SIZE];
    char errors[TEXT_SIZE];
    assert_int_equal(explain(config, (const char *[]){NULL}, out, errors), 0);
    assert_non_null(strstr(out, "no\\xe2\\x80\\xae\\xe2\\x80\\xa8\n"));
}

static void explain_needs_a_policy(void **state)
{
    const char *config = configure(state, "rules: []\n", "");
    char out[TEXT_SIZE];
    char errors[TEXT_SIZE];
    assert_int_equal(explain(config, (const char *const[]){NULL}, out, errors), 1);
    assert_string_equal(out, "");
    assert_non_null(strstr(errors, "default is missing"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_begin, scratch_end)
    const struct CMUnitTest tests[] = {
        TEST(explain_reports_the_whole_decision),
        TEST(explain_reports_audit_mode),
        TEST(explain_escapes_control_characters),
        TEST(explain_needs_a_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
