/* SPDX-License-Identifier: Apache-2.0 */
/* policy.yaml: it is a policy or has problems, and its decisions must be consistent. */
#include "input.h"

#include "intake/buffer.h"
#include "intake/diagnostics.h"
#include "intake/policy.h"

#include <string.h>

static void check_store(const char *name, void *context)
{
    const struct policy_store *store = policy_store(context, name);
    property(*name && strlen(name) <= POLICY_NAME_MAX);
    property(!store || (store->has_s3 && store->s3.endpoint && store->s3.bucket &&
                        store->s3.region && store->capacity > 0));
}

static void check_checks(const struct policy_checks *checks)
{
    static const struct check_levels strict = {CHECK_REJECT, CHECK_REJECT, CHECK_REJECT,
                                               CHECK_REJECT, CHECK_REJECT};
    const struct check_levels levels = policy_check_levels(checks, &strict);
    bool same = memcmp(&levels, &strict, sizeof levels) == 0;
    bool laxer = false;
    for (size_t i = 0; i < POLICY_CHECK_COUNT; i++) {
        property(!checks->set[i] || checks->level[i] <= CHECK_REJECT);
        laxer |= checks->set[i] && checks->level[i] != CHECK_REJECT;
    }
    property(same != laxer);
}

static void check_decision(const struct policy *policy, const struct policy_facts *facts)
{
    struct policy_decision decision;
    struct buffer out;
    policy_decide(policy, facts, &decision);
    property(decision.rule && *decision.rule);
    property(decision.verdict != POLICY_ACCEPT || (decision.store && *decision.store));
    property(decision.verdict != POLICY_DENY || decision.why);
    property(!decision.checks_by_size || decision.size_ceiling != UINT64_MAX);
    check_checks(&decision.checks);
    property(decision.verdict != POLICY_TOO_LARGE || facts->size > decision.max_size);
    buffer_init(&out, 1 << 16);
    policy_explain(policy, facts, &decision, &out);
    buffer_free(&out);
}

/* The result of a decision must pass the same decision unchanged. */
static void check_settled(const struct policy *policy, const struct policy_facts *facts,
                          const struct import_decision *decision)
{
    const char *store = decision->policy.store;
    const struct import_stores_requested requested = {
        .listed = true, .stores = &store, .store_count = 1};
    struct import_decision again;
    policy_decide_import(policy, facts, &requested, &again);
    property(again.policy.verdict == POLICY_ACCEPT && again.change == IMPORT_KEEP);
    property(!again.policy.replaced && strcmp(again.policy.store, store) == 0);
}

/* Only data that Glance has already can be too large. */
static void check_import_size(const struct policy_facts *facts,
                              const struct policy_decision *decision)
{
    bool has_data = policy_import_has_data(facts->import_method);
    property(has_data || decision->max_size == UINT64_MAX);
    property(decision->verdict != POLICY_TOO_LARGE ||
             (facts->size_known && facts->size > decision->max_size));
}

static void check_import(const struct policy *policy, const struct policy_facts *facts,
                         const struct import_stores_requested *requested)
{
    struct import_decision decision;
    struct buffer out;
    policy_decide_import(policy, facts, requested, &decision);
    enum policy_verdict verdict = decision.policy.verdict;
    property(decision.policy.rule && *decision.policy.rule);
    check_import_size(facts, &decision.policy);
    property((verdict == POLICY_STORE_NOT_ALLOWED) == (decision.refused != NULL));
    property(verdict == POLICY_ACCEPT || verdict == POLICY_TOO_LARGE ||
             decision.change == IMPORT_KEEP);
    property(decision.change == IMPORT_KEEP || decision.policy.store);
    property(!decision.policy.replaced || decision.change != IMPORT_KEEP);
    if (verdict == POLICY_ACCEPT && decision.policy.store)
        check_settled(policy, facts, &decision);
    buffer_init(&out, 1 << 16);
    policy_explain_import(policy, facts, requested, &decision, &out);
    buffer_free(&out);
}

static void check_imports(const struct policy *policy)
{
    static const char *const stores[] = {"file", "os_glance_tasks_store"};
    static const struct import_stores_requested wishes[] = {
        {0},
        {.header = "file"},
        {.listed = true},
        {.listed = true, .stores = stores, .store_count = 1},
        {.listed = true, .stores = stores, .store_count = 2},
        {.all = true},
        {.all = true, .glance_stores = stores, .glance_store_count = 1},
        {.header = "test", .listed = true, .stores = stores, .store_count = 1, .all = true},
    };
    static const char *const methods[] = {"glance-direct", "web-download", "copy-image"};
    for (size_t i = 0; i < sizeof wishes / sizeof *wishes; i++)
        for (size_t j = 0; j < sizeof methods / sizeof *methods; j++) {
            struct policy_facts facts = {
                .import_method = methods[j], .client = "10.0.0.11", .name = "win-10"};
            check_import(policy, &facts, &wishes[i]);
            facts.size_known = true;
            facts.size = UINT64_C(11) << 30;
            check_import(policy, &facts, &wishes[i]);
        }
}

static void check_doors(const struct policy *policy)
{
    for (enum policy_ingest ingest = 0; ingest < POLICY_INGEST_COUNT; ingest++)
        property(!policy_ingest_open(policy, ingest, NULL) ||
                 policy_ingest_open(policy, ingest, "10.0.0.11"));
    struct policy_decision decision;
    policy_decide(policy, &(struct policy_facts){0}, &decision);
    property(policy_audits(policy) != POLICY_AUDITS_ALL || decision.audit);
    property(policy_audits(policy) != POLICY_AUDITS_NONE || !decision.audit);
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
                                              .requested_store = "file",
                                              .size_known = true,
                                              .size = UINT64_C(11) << 30};
    static const struct policy_facts unknown = {0};
    char path[INPUT_PATH_MAX];
    int file = input_file(data, size, path);
    struct diagnostics diagnostics = {0};
    struct policy *policy = policy_load(path, &diagnostics);
    property((policy != NULL) == (diagnostics.count == 0));
    if (policy) {
        check_decision(policy, &known);
        check_decision(policy, &unknown);
        check_imports(policy);
        check_doors(policy);
        policy_each_store(policy, check_store, policy);
    }
    policy_free(policy);
    diagnostics_free(&diagnostics);
    input_file_close(file);
    return 0;
}
