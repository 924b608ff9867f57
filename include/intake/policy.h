/* SPDX-License-Identifier: Apache-2.0 */
/* policy.yaml: which store an upload goes to, or why it may not; and what is known of the stores.
 *
 * policy_decide() is a pure function of the facts; the running proxy and
 * `glance-intake explain` call the same one. A policy is immutable once loaded. */
#ifndef INTAKE_POLICY_H
#define INTAKE_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct policy;
struct problems;

enum { POLICY_NAME_MAX = 64 }; /* of a rule or a store, in bytes */

/* What is known when the decision is made. Strings are borrowed and may be NULL (not known,
 * or not set on the image): a condition on a NULL fact does not hold. */
struct policy_facts {
    const char *disk_format;
    const char *container_format;
    const char *project; /* the image's owner */
    const char *name;    /* the image's */
    const char *visibility;
    const char *client; /* numeric address */
    const char *user_agent;
    const char *asked_store; /* NULL: the client named none */
    bool size_known;
    uint64_t size; /* of the body, bytes */
};

enum policy_verdict {
    POLICY_ACCEPT,
    POLICY_DENY,              /* `why` is the operator's own text */
    POLICY_STORE_NOT_ALLOWED, /* the client asked for a store outside `allow`, or a reserved one */
    POLICY_TOO_LARGE          /* size is known and over the rule's max_size */
};

/* Strings are owned by the policy (or, `store`, by the facts): valid while both are. */
struct policy_decision {
    enum policy_verdict verdict;
    const char *rule;    /* "default" for the last one */
    const char *store;   /* where it goes; with ACCEPT never NULL */
    bool replaced;       /* the client asked for another store, and `mode: force` overrode it */
    const char *why;     /* for POLICY_DENY */
    const char *allowed; /* for STORE_NOT_ALLOWED: "file, test", or NULL: any but reserved ones */
    uint64_t max_size;   /* the rule's; UINT64_MAX: none */
    uint64_t max_virtual_size; /* likewise: of the disk inside the image */

    /* With an unknown size no `larger_than` holds. A body that then grows beyond this many
     * bytes would have been judged by another rule and must be refused. UINT64_MAX: none. */
    uint64_t size_ceiling;
};

/* NULL when there is any problem (all of them are in `problems`, as file:line). */
struct policy *policy_load(const char *path, struct problems *problems);

void policy_decide(const struct policy *policy, const struct policy_facts *facts,
                   struct policy_decision *decision);

/* The decision in words, for `explain`: one fact a line, "rule: ...", "store: ...", why. */
void policy_explain(const struct policy *policy, const struct policy_facts *facts,
                    struct buffer *out);

/* How many rules stand before `default`. */
size_t policy_rule_count(const struct policy *policy);

/* --- facts about stores ------------------------------------------------------------------ */

/* The S3 bucket behind a store. What is in the key files is read when it is used; policy_load()
 * only tries whether it can be. */
struct policy_bucket {
    char *endpoint; /* "http://192.0.2.71:8080": nothing behind host and port */
    char *bucket;
    char *region;
    char *access_key_file;
    char *secret_key_file;
};

/* Owned by the policy, strings included. */
struct policy_store {
    char *name;
    bool has_s3;
    struct policy_bucket s3;
    uint64_t capacity; /* bytes, for all that is in the bucket; UINT64_MAX: none */
};

/* NULL: nothing is known of this store. */
const struct policy_store *policy_store(const struct policy *policy, const char *name);

/* Visits every store that a rule sends to or allows, in the order of the file; one that is named
 * more than once is visited as often. */
void policy_each_store(const struct policy *policy, void (*visit)(const char *name, void *context),
                       void *context);

void policy_free(struct policy *policy);

#endif
