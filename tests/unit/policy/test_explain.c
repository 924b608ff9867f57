/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/buffer.h"
#include "intake/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

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
    {{.disk_format = "vhd", .name = "win-1", .asked_store = "test"},
     "not big (line 2): the size is not known to be larger than 1GiB\n"
     "rule: windows (line 5)\n"
     "because these hold: disk_format, name\n"
     "store: test\n"
     "the client asked for it, and may\n"
     "at most: 512MiB\n"
     "the disk inside the image: at most 3GiB\n"
     "beyond 1GiB another rule would apply: say the size to see it\n"},
    {{.size_known = true, .disk_format = "vhd", .name = "win-1", .asked_store = "rbd"},
     "not big (line 2): the size is 0B, not larger than 1GiB\n"
     "rule: windows (line 5)\n"
     "because these hold: disk_format, name\n"
     "refused (store_not_allowed): the client asked for rbd; allowed: file, test\n"},
    {{.size_known = true, .size = 600 << 20, .disk_format = "vhdx", .name = "win-1"},
     "not big (line 2): the size is 600MiB, not larger than 1GiB\n"
     "rule: windows (line 5)\n"
     "because these hold: disk_format, name\n"
     "refused (too_large): 600MiB is more than the rule's 512MiB\n"},
    {{.size_known = true, .disk_format = "vhd", .project = "p", .asked_store = "os_glance_x"},
     "not big (line 2): the size is 0B, not larger than 1GiB\n"
     "not windows (line 5): name is not set, not win-*\n"
     "rule: mine (line 11)\n"
     "because these hold: project\n"
     "refused (store_not_allowed): the client asked for os_glance_x; allowed: any store but "
     "Glance's own\n"},
    {{.size_known = true, .disk_format = "raw", .project = "q", .asked_store = "file"},
     "not big (line 2): the size is 0B, not larger than 1GiB\n"
     "not windows (line 5): disk_format is raw, not vhd or vhdx\n"
     "not mine (line 11): project is q, not p\n"
     "rule: default (line 14)\n"
     "because no other rule applies\n"
     "store: test\n"
     "the client asked for file; mode force replaces that\n"},
};

static void a_decision_is_told_with_its_reasons(void **state)
{
    struct policy *policy = good_policy(state, text);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buffer words;
        buffer_init(&words, 65536);
        policy_explain(policy, &rows[i].facts, &words);
        assert_string_equal(buffer_text(&words), rows[i].words);
        buffer_free(&words);
    }
    policy_free(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_decision_is_told_with_its_reasons, scratch_begin,
                                        scratch_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
