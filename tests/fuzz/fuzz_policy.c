/* SPDX-License-Identifier: Apache-2.0 */
/* policy.yaml: it is a policy or there are problems, and what it decides makes sense. */
#include "input.h"

#include "intake/buffer.h"
#include "intake/policy.h"
#include "intake/problems.h"

#include <string.h>

static void check_store(const char *name, void *context)
{
    const struct policy_store *store = policy_store(context, name);
    property(*name && strlen(name) <= POLICY_NAME_MAX);
    property(!store || (store->has_s3 && store->s3.endpoint && store->s3.bucket &&
                        store->s3.region && store->capacity > 0));
}

static void check_decision(const struct policy *policy, const struct policy_facts *facts)
{
    struct policy_decision decision;
    struct buffer out;
    policy_decide(policy, facts, &decision);
    property(decision.rule && *decision.rule);
    property(decision.verdict != POLICY_ACCEPT || (decision.store && *decision.store));
    property(decision.verdict != POLICY_DENY || decision.why);
    property(decision.verdict != POLICY_TOO_LARGE || facts->size > decision.max_size);
    buffer_init(&out, 1 << 16);
    policy_explain(policy, facts, &out);
    buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct policy_facts known = {.disk_format = "qcow2",
                                              .container_format = "bare",
                                              .project = "b7cbab6af14d434db767bc0a87e46369",
                                              .name = "win-10",
                                              .visibility = "public",
                                              .client = "10.0.0.7",
                                              .user_agent = "python-glanceclient",
                                              .asked_store = "file",
                                              .size_known = true,
                                              .size = UINT64_C(11) << 30};
    static const struct policy_facts unknown = {0};
    char path[INPUT_PATH_MAX];
    int file = input_file(data, size, path);
    struct problems problems = {0};
    struct policy *policy = policy_load(path, &problems);
    property((policy != NULL) == (problems.count == 0));
    if (policy) {
        check_decision(policy, &known);
        check_decision(policy, &unknown);
        policy_each_store(policy, check_store, policy);
    }
    policy_free(policy);
    problems_free(&problems);
    input_file_close(file);
    return 0;
}
