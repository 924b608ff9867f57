/* SPDX-License-Identifier: Apache-2.0 */
/* policy.yaml: which store an upload or an import goes to, or why it may not; which of Glance's
 * other doors are open, and to whom; what is known of the stores.
 *
 * policy_decide() and policy_decide_import() are pure functions of the facts; the running proxy and
 * `glance-intake explain` call the same ones. A policy is immutable once loaded. */
#ifndef INTAKE_POLICY_H
#define INTAKE_POLICY_H

#include "intake/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct policy;
struct diagnostics;

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
    const char
        *import_method; /* of an import, such as "web-download"; NULL: the data is sent here */
};

/* How strict a look at the data is, where a rule says it (`checks`): instead of [upload]'s. */
enum policy_check {
    POLICY_CHECK_DAMAGED,
    POLICY_CHECK_FORMAT,
    POLICY_CHECK_UNSAFE_FORMAT,
    POLICY_CHECK_TRUNCATED,
    POLICY_CHECK_COMPRESSED,
    POLICY_CHECK_COUNT
};

struct policy_checks {
    bool set[POLICY_CHECK_COUNT];
    enum check_level level[POLICY_CHECK_COUNT]; /* of those that are set */
    bool empty_allowed;                         /* an upload without data is no mistake */
};

/* [upload]'s levels, but for those that the rule has. */
struct check_levels policy_check_levels(const struct policy_checks *checks,
                                        const struct check_levels *otherwise);

enum policy_verdict {
    POLICY_ACCEPT,
    POLICY_DENY,              /* `why` is the operator's own text */
    POLICY_STORE_NOT_ALLOWED, /* the client asked for a store outside `allow`, or a reserved one */
    POLICY_TOO_LARGE,         /* size is known and over the rule's max_size */
    POLICY_METHOD_DENIED      /* `doors` does not take imports by this method from this client */
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

    struct policy_checks checks;
    bool checks_by_size; /* the rule that a size could choose instead has other ones */

    /* `mode: audit`, of the rule or of the whole policy: the rest says what would become of the
     * upload, but nothing of it is to be changed or refused. With METHOD_DENIED only that of the
     * whole counts: `doors` are no rule's. */
    bool audit;

    /* With an unknown size no `larger_than` holds. A body that then grows beyond this many
     * bytes would have been judged by another rule and must be refused. UINT64_MAX: none. */
    uint64_t size_ceiling;
};

/* NULL when there is any problem (all of them are in `problems`, as file:line). */
struct policy *policy_load(const char *path, struct diagnostics *diagnostics);

/* Adds what is allowed, and hardly meant: formats and import methods that Glance does not have by
 * itself, projects that are no ids, rules that never apply. */
void policy_warn(const struct policy *policy, const char *path, struct diagnostics *warnings);

void policy_decide(const struct policy *policy, const struct policy_facts *facts,
                   struct policy_decision *decision);

/* Whose uploads are only watched (`mode: audit`). With SOME the rule's decision tells, and `doors`
 * are not watched but closed. */
enum policy_watch { POLICY_WATCHES_NONE, POLICY_WATCHES_SOME, POLICY_WATCHES_ALL };
enum policy_watch policy_watches(const struct policy *policy);

/* --- imports ----------------------------------------------------------------------------- */

/* Which stores an import asks for, in whichever of the three ways. Borrowed. */
struct import_stores_requested {
    const char *header; /* as requested_store(); NULL: none */
    bool listed;        /* the body has `stores`, which may be empty */
    const char *const *stores;
    size_t store_count;
    bool all;                 /* `all_stores` */
    const char *const *there; /* the stores that Glance has, for `all`; NULL: not known */
    size_t there_count;
};

/* What is to be done to it. */
enum import_change {
    IMPORT_KEEP,       /* goes on as it is */
    IMPORT_SET_HEADER, /* the body as it is; one X-Image-Meta-Store instead of any the client sent
                        */
    IMPORT_SET_BODY    /* `stores` of the body becomes the one store; no header, no `all_stores` */
};

struct import_decision {
    struct policy_decision policy; /* `store`: what it is changed to, or the only one it asks for;
                                    * NULL: several, kept as they are */
    enum import_change change;
    const char
        *refused; /* with STORE_NOT_ALLOWED: the store that may not be had, or "all stores" */
};

/* The rule of the image decides, as for an upload. Unless Glance has the data already, nobody knows
 * how large it will be: facts' size is not looked at, no `larger_than` holds, no max_size applies.
 *
 * `mode: default`: each store that is asked for must be allowed; none asked for: the rule's. `mode:
 * force`: the rule's store, whatever is asked for; but copy-image, which only adds stores to an
 * image, may name no other. `all_stores` asks for every one that Glance has, and `force` never lets
 * that stand: there may be one more by now. Where they are not known, only a rule that allows any
 * store lets it pass. */
void policy_decide_import(const struct policy *policy, const struct policy_facts *facts,
                          const struct import_stores_requested *requested,
                          struct import_decision *decision);

/* What is imported by this method was staged, or is an image already. */
bool policy_import_has_data(const char *method);

/* --- the other doors --------------------------------------------------------------------- */

/* Ways to have an image's bits in a store without sending or importing them. */
enum policy_ingest {
    POLICY_INGEST_LOCATIONS, /* PATCH of /locations, POST .../locations */
    POLICY_INGEST_TASKS,     /* POST /v2/tasks */
    POLICY_INGEST_COUNT
};

/* `client`: numeric address. Closed unless the policy opens it, or exempts the client. */
bool policy_ingest_open(const struct policy *policy, enum policy_ingest ingest, const char *client);

/* --- the same in words, for `explain` ---------------------------------------------------- */

/* One fact a line: why not the rules above, "rule: ...", "store: ...", "refused (REASON): ...".
 * `decision` is what was decided of these facts; one without a store, though accepted, is that of
 * staged data. */
void policy_explain(const struct policy *policy, const struct policy_facts *facts,
                    const struct policy_decision *decision, struct buffer *out);
void policy_explain_import(const struct policy *policy, const struct policy_facts *facts,
                           const struct import_stores_requested *requested,
                           const struct import_decision *decision, struct buffer *out);
void policy_explain_ingest(const struct policy *policy, enum policy_ingest ingest,
                           const char *client, struct buffer *out);

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
