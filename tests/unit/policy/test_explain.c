/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/buffer.h"
#include "intake/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/policies.h"

static const char text[] = "rules:\n"
                           "  - name: big\n"
                           "    when: {larger_than: 1GiB}\n"
                           "    deny: too much\n"
                           "  - name: windows\n"
                           "    when: {disk_format: [vhd, vhdx], name: 'win-*'}\n"
                           "    store: file\n"
                           "    allow: [file, test]\n"
                           "    max_size: 512MiB\n"
                           "    max_virtual_size: 3GiB\n"
                           "  - name: mine\n"
                           "    when: {project: p}\n"
                           "    store: file\n"
                           "default: {store: test, mode: force}\n";

static const struct {
    struct policy_facts facts;
    const char *words;
} rows[] = {
    {{.size_known = true, .size = UINT64_C(2) << 30},
     "rule: big (line 2)\n"
     "because these hold: larger_than\n"
     "refused (denied_by_policy): too much\n"},
    {{.size_known = true, .size = 1024, .disk_format = "vhd", .name = "win-1"},
     "not big (line 2): the size is 1KiB, not larger than 1GiB\n"
     "rule: windows (line 5)\n"
     "because these hold: disk_format, name\n"
     "store: file\n"
     "the client asked for no store\n"
     "at most: 512MiB\n"
     "the disk inside the image: at most 3GiB\n"},
    {{.disk_format = "vhd", .name = "win-1", .requested_store = "test"},
     "not big (line 2): the size is not known to be larger than 1GiB\n"
     "rule: windows (line 5)\n"
     "because these hold: disk_format, name\n"
     "store: test\n"
     "the client asked for it, and may\n"
     "at most: 512MiB\n"
     "the disk inside the image: at most 3GiB\n"
     "above 1GiB another rule applies; streamed data without a size is refused "
     "there "
     "(length_required)\n"},
    {{.size_known = true, .disk_format = "vhd", .name = "win-1", .requested_store = "rbd"},
     "not big (line 2): the size is 0B, not larger than 1GiB\n"
     "rule: windows (line 5)\n"
     "because these hold: disk_format, name\n"
     "refused (store_not_allowed): the client asked for rbd; allowed: file, test\n"},
    {{.size_known = true, .size = 600 << 20, .disk_format = "vhdx", .name = "win-1"},
     "not big (line 2): the size is 600MiB, not larger than 1GiB\n"
     "rule: windows (line 5)\n"
     "because these hold: disk_format, name\n"
     "refused (too_large): 600MiB is more than the rule's 512MiB\n"},
    {{.size_known = true, .disk_format = "vhd", .project = "p", .requested_store = "os_glance_x"},
     "not big (line 2): the size is 0B, not larger than 1GiB\n"
     "not windows (line 5): name is not set, not win-*\n"
     "rule: mine (line 11)\n"
     "because these hold: project\n"
     "refused (store_not_allowed): the client asked for os_glance_x; allowed: any store but "
     "Glance's own\n"},
    {{.size_known = true, .disk_format = "raw", .project = "q", .requested_store = "file"},
     "not big (line 2): the size is 0B, not larger than 1GiB\n"
     "not windows (line 5): disk_format is raw, not vhd or vhdx\n"
     "not mine (line 11): project is q, not p\n"
     "rule: default (line 14)\n"
     "because no other rule applies\n"
     "store: test\n"
     "the client asked for file; mode force replaces that\n"},
};

static void decision_is_explained_with_its_reasons(void **state)
{
    struct policy *policy = good_policy(state, text);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buffer words;
        struct policy_decision decision;
        buffer_init(&words, 65536);
        policy_decide(policy, &rows[i].facts, &decision);
        policy_explain(policy, &rows[i].facts, &decision, &words);
        assert_string_equal(buffer_text(&words), rows[i].words);
        buffer_free(&words);
    }
    policy_free(policy);
}

static void staged_data_has_no_store_yet(void **state)
{
    struct policy *policy = good_policy(state, "default: {store: test, mode: force}\n");
    struct policy_decision decision;
    struct buffer words;
    buffer_init(&words, 65536);
    policy_decide(policy, &(struct policy_facts){0}, &decision);
    decision.store = NULL;
    policy_explain(policy, &(struct policy_facts){0}, &decision, &words);
    assert_string_equal(buffer_text(&words),
                        "rule: default (line 1)\n"
                        "because no other rule applies\n"
                        "store: none yet; staged data gets one when it is imported\n");
    buffer_free(&words);
    policy_free(policy);
}

static void audit_mode_is_explained(void **state)
{
    static const char watching[] = "default: {store: test, mode: audit}\n";
    const struct policy_facts facts = {.requested_store = "file"};
    struct policy *policy = good_policy(state, watching);
    struct policy_decision decision;
    struct buffer words;
    buffer_init(&words, 65536);
    policy_decide(policy, &facts, &decision);
    policy_explain(policy, &facts, &decision, &words);
    assert_non_null(
        strstr(buffer_text(&words),
               "the client asked for file; mode audit, judged as force, would replace that\n"));
    buffer_free(&words);
    policy_free(policy);
}

/* --- imports ------------------------------------------------------------------------------ */

static const char import_text[] = "rules:\n"
                                  "  - name: big\n"
                                  "    when: {larger_than: 1GiB}\n"
                                  "    deny: too much\n"
                                  "  - name: choose\n"
                                  "    when: {name: choose}\n"
                                  "    store: file\n"
                                  "    allow: [file, test]\n"
                                  "  - name: web\n"
                                  "    when: {import_method: web-download}\n"
                                  "    deny: not from there\n"
                                  "default: {store: test, mode: force, max_size: 512MiB}\n"
                                  "doors: {import_methods: [web-download, copy-image]}\n";

#define NOT_BIG    "not big (line 2): the size is not known to be larger than 1GiB\n"
#define NOT_CHOOSE NOT_BIG "not choose (line 5): name is not set, not choose\n"
#define NOT_WEB(method)                                                                            \
    NOT_CHOOSE "not web (line 9): import_method is " method ", not web-download\n"                 \
               "rule: default (line 12)\nbecause no other rule applies\n"
#define CHOOSE NOT_BIG "rule: choose (line 5)\nbecause these hold: name\n"

static const char *const file[] = {"file"};
static const char *const both[] = {"file", "test"};

static const struct {
    struct policy_facts facts;
    struct import_stores_requested requested;
    const char *words;
} imports[] = {
    {{.import_method = "copy-image"},
     {0},
     NOT_WEB("copy-image") "store: test, by the header\nthe import asked for no store\n"
                           "at most: 512MiB\n"},
    {{.import_method = "copy-image"},
     {.listed = true},
     NOT_WEB("copy-image") "store: test, as `stores` of the body\nthe import asked for no store\n"
                           "at most: 512MiB\n"},
    {{.import_method = "copy-image"},
     {.listed = true, .stores = file, .store_count = 1},
     NOT_WEB(
         "copy-image") "refused (store_not_allowed): the import asked for file; allowed: test\n"},
    {{.import_method = "glance-direct"},
     {.header = "file"},
     NOT_WEB(
         "glance-direct") "refused (denied_by_policy): doors has import_methods: [web-download, "
                          "copy-image], not glance-direct\n"},
    {{.import_method = "web-download", .name = "choose"},
     {.listed = true, .stores = both, .store_count = 2},
     CHOOSE "store: file, test\nthe import asked for them, and may\n"},
    {{.import_method = "web-download", .name = "choose"},
     {.header = "test"},
     CHOOSE "store: test\nthe import asked for it, and may\n"},
    {{.import_method = "web-download", .name = "choose"},
     {.header = "test", .listed = true, .stores = file, .store_count = 1},
     CHOOSE "store: test, file\nthe import asked for them, and may\n"
            "but Glance itself refuses what asks for stores in two ways\n"},
    {{.import_method = "web-download", .name = "choose"},
     {.all = true},
     CHOOSE "refused (store_not_allowed): the import asked for all stores; allowed: file, test\n"
            "which stores Glance has is not known here: were all of them allowed, it would pass\n"},
    {{.import_method = "web-download", .size_known = true, .size = UINT64_C(2) << 30},
     {.all = true},
     NOT_CHOOSE "rule: web (line 9)\nbecause these hold: import_method\n"
                "refused (denied_by_policy): not from there\n"},
    {{.import_method = "copy-image", .size_known = true, .size = UINT64_C(3) << 28},
     {0},
     "not big (line 2): the size is 768MiB, not larger than 1GiB\n"
     "not choose (line 5): name is not set, not choose\n"
     "not web (line 9): import_method is copy-image, not web-download\n"
     "rule: default (line 12)\nbecause no other rule applies\n"
     "refused (too_large): 768MiB is more than the rule's 512MiB\n"},
    {{.import_method = "copy-image", .size_known = true, .size = UINT64_C(2) << 30},
     {0},
     "rule: big (line 2)\nbecause these hold: larger_than\n"
     "refused (denied_by_policy): too much\n"},
};

static void import_is_explained_with_its_stores(void **state)
{
    struct policy *policy = good_policy(state, import_text);
    for (size_t i = 0; i < sizeof imports / sizeof imports[0]; i++) {
        struct import_decision decision;
        struct buffer words;
        buffer_init(&words, 65536);
        policy_decide_import(policy, &imports[i].facts, &imports[i].requested, &decision);
        policy_explain_import(policy, &imports[i].facts, &imports[i].requested, &decision, &words);
        assert_string_equal(buffer_text(&words), imports[i].words);
        buffer_free(&words);
    }
    policy_free(policy);
}

static void replaced_store_list_is_explained(void **state)
{
    struct policy *policy = good_policy(state, "default: {store: test, mode: force}\n");
    const struct policy_facts facts = {.import_method = "glance-direct"};
    const struct import_stores_requested requested = {
        .header = "rbd", .listed = true, .stores = both, .store_count = 2, .all = true};
    struct import_decision decision;
    struct buffer words;
    buffer_init(&words, 65536);
    policy_decide_import(policy, &facts, &requested, &decision);
    policy_explain_import(policy, &facts, &requested, &decision, &words);
    assert_string_equal(buffer_text(&words),
                        "rule: default (line 1)\n"
                        "because no other rule applies\n"
                        "store: test, as `stores` of the body\n"
                        "the import asked for rbd, file, test, all stores; mode force replaces "
                        "that\n");
    buffer_free(&words);
    policy_free(policy);
}

static void api_action_is_explained_as_open_or_closed(void **state)
{
    static const struct {
        enum policy_ingest ingest;
        const char *client;
        const char *words;
    } ingest[] = {
        {POLICY_INGEST_LOCATIONS, NULL,
         "refused (denied_by_policy): doors has locations: closed, and the client is not in "
         "exempt\n"},
        {POLICY_INGEST_LOCATIONS, "192.0.2.1",
         "refused (denied_by_policy): doors has locations: closed, and 192.0.2.1 is not in "
         "exempt\n"},
        {POLICY_INGEST_LOCATIONS, "10.0.0.11", "open: 10.0.0.11 is in exempt of doors\n"},
        {POLICY_INGEST_TASKS, "192.0.2.1", "open: doors has tasks: open\n"},
    };
    struct policy *policy =
        good_policy(state, "default: {store: x}\ndoors: {tasks: open, exempt: 10.0.0.11}\n");
    for (size_t i = 0; i < sizeof ingest / sizeof ingest[0]; i++) {
        struct buffer words;
        buffer_init(&words, 65536);
        policy_explain_ingest(policy, ingest[i].ingest, ingest[i].client, &words);
        assert_string_equal(buffer_text(&words), ingest[i].words);
        buffer_free(&words);
    }
    policy_free(policy);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_begin, scratch_end)
    const struct CMUnitTest tests[] = {
        TEST(decision_is_explained_with_its_reasons),
        TEST(staged_data_has_no_store_yet),
        TEST(audit_mode_is_explained),
        TEST(import_is_explained_with_its_stores),
        TEST(replaced_store_list_is_explained),
        TEST(api_action_is_explained_as_open_or_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
