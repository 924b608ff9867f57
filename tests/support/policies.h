/* SPDX-License-Identifier: Apache-2.0 */
/* Policies from texts, for tests with the scratch fixture. Include after <cmocka.h>. */
#ifndef SUPPORT_POLICIES_H
#define SUPPORT_POLICIES_H

#include "intake/diagnostics.h"
#include "intake/policy.h"
#include "support/scratch.h"

/* A policy that must be good. */
static inline struct policy *good_policy(void **state, const char *text)
{
    struct diagnostics diagnostics = {0};
    struct policy *policy = policy_load(scratch_file(state, "policy.yaml", text), &diagnostics);
    for (size_t i = 0; i < diagnostics.count; i++)
        print_error("%s\n", diagnostics.lines[i]);
    assert_int_equal(diagnostics.count, 0);
    assert_non_null(policy);
    return policy;
}

/* A policy that must have exactly these problems (up to NULL), each as ":LINE: what". */
static inline void bad_policy(void **state, const char *text, const char *const *expected)
{
    struct diagnostics diagnostics = {0};
    const char *path = scratch_file(state, "policy.yaml", text);
    assert_null(policy_load(path, &diagnostics));
    size_t count = 0;
    for (; expected[count]; count++) {
        if (count >= diagnostics.count)
            fail_msg("not told: %s", expected[count]);
        assert_string_equal(diagnostics.lines[count] + strlen(path), expected[count]);
    }
    if (count < diagnostics.count)
        fail_msg("told, too: %s", diagnostics.lines[count]);
    diagnostics_free(&diagnostics);
}

#endif
