/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/policies.h"

#define DEFAULT "default: {store: test, mode: force}\n"

static const struct policy_unknown ALL = {.formats = true, .names = true},
                                   FORMATS = {.formats = true}, NAMES = {.names = true},
                                   NOTHING = {0};

/* The facts are those of a client at 192.0.2.7, of the project p. */
static const struct {
    const char *text;
    const struct policy_unknown *unknown;
    bool settled;
} ROWS[] = {
    {DEFAULT, &ALL, true},
    {"rules: [{name: a, when: {disk_format: iso}, deny: no}]\n" DEFAULT, &FORMATS, false},
    {"rules: [{name: a, when: {container_format: ova}, deny: no}]\n" DEFAULT, &FORMATS, false},
    {"rules: [{name: a, when: {disk_format: iso}, deny: no}]\n" DEFAULT, &NAMES, true},
    {"rules: [{name: a, when: {disk_format: iso}, deny: no}]\n" DEFAULT, &NOTHING, true},
    {"rules: [{name: a, when: {name: x}, deny: no}]\n" DEFAULT, &NAMES, false},
    {"rules: [{name: a, when: {visibility: public}, deny: no}]\n" DEFAULT, &NAMES, false},
    {"rules: [{name: a, when: {visibility: public}, deny: no}]\n" DEFAULT, &FORMATS, true},
    /* A fact that is known rules it out. */
    {"rules: [{name: a, when: {disk_format: iso, project: q}, deny: no}]\n" DEFAULT, &ALL, true},
    {"rules: [{name: a, when: {disk_format: iso, client: 10.0.0.0/8}, deny: no}]\n" DEFAULT, &ALL,
     true},
    {"rules: [{name: a, when: {disk_format: iso, client: 192.0.2.0/24}, deny: no}]\n" DEFAULT, &ALL,
     false},
    /* A rule that comes after the one that applies. */
    {"rules: [{name: a, when: {project: p}, deny: no}, {name: b, when: {disk_format: iso}, store: "
     "file}]\n" DEFAULT,
     &ALL, true},
    /* Whatever it is, it is denied. */
    {"rules: [{name: a, when: {disk_format: iso}, deny: no}, {name: b, when: {project: p}, deny: "
     "no}]\n" DEFAULT,
     &ALL, true},
    {"rules: [{name: a, when: {disk_format: iso}, deny: no, mode: audit}, {name: b, when: "
     "{project: "
     "p}, deny: no}]\n" DEFAULT,
     &ALL, false},
    {"rules: [{name: a, when: {disk_format: iso}, store: file}, {name: b, when: {project: p}, "
     "deny: "
     "no}]\n" DEFAULT,
     &ALL, false},
};

static void unknown_facts_may_leave_it_open(void **state)
{
    const struct policy_facts facts = {.project = "p", .client = "192.0.2.7"};
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        struct policy *policy = good_policy(state, ROWS[i].text);
        if (policy_is_settled(policy, &facts, ROWS[i].unknown) != ROWS[i].settled)
            fail_msg("row %zu", i);
        policy_free(policy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(unknown_facts_may_leave_it_open, scratch_begin,
                                        scratch_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
