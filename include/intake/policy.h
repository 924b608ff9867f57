/* SPDX-License-Identifier: Apache-2.0 */
/* Reads policy.yaml and decides by it: the store of an upload or an import, or why it is refused;
 * which other ingest operations are open, and to which clients. It also has facts about stores.
 *
 * policy_decide() and policy_decide_import() depend on the facts only. The running proxy and
 * `glance-intake explain` call the same functions. A loaded policy is immutable. */
#ifndef INTAKE_POLICY_H
#define INTAKE_POLICY_H

#include "intake/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct policy;
struct diagnostics;

enum { POLICY_NAME_MAX = 64 }; /* bytes in the name of a rule or a store */

/* The facts for a decision. Strings are borrowed. NULL: not known, or not set on the image; then a
 * condition on that fact does not hold. */
struct policy_facts {
    const char *disk_format;
    const char *container_format;
    const char *project; /* the image's owner */
    const char *name;    /* the image's name */
    const char *visibility;
    const char *client; /* numeric address */
    const char *user_agent;
    const char *requested_store; /* NULL: the client has named none */
    bool size_known;
    uint64_t size;             /* of the body, bytes */
    const char *import_method; /* such as "web-download"; NULL: an upload */
};

/* The checks of the data whose level a rule can set (`checks`) instead of [upload]. */
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
    enum check_level level[POLICY_CHECK_COUNT]; /* valid where `set` is true */
    bool empty_allowed;                         /* an upload without data is accepted */
};

/* Limits for the uploads of one project, or from one client address, together. */
enum policy_limit {
    POLICY_LIMIT_UPLOADS,            /* of a project at one time */
    POLICY_LIMIT_UPLOADS_PER_CLIENT, /* from a client address at one time */
    POLICY_LIMIT_RATE,               /* bytes per second of all uploads of a project */
    POLICY_LIMIT_COUNT
};

/* The limit that counts for an upload: that of its rule, else that of the whole policy. */
struct policy_share {
    uint64_t limit;   /* 0: none */
    const char *rule; /* the rule that sets it: only uploads by that rule count. NULL: it is that of
                       * the whole policy, and uploads by all rules without such a limit count */
};

/* The levels of the rule where it sets them, else those of [upload] (`defaults`). */
struct check_levels policy_check_levels(const struct policy_checks *checks,
                                        const struct check_levels *defaults);

/* Some rule has `checks: { compressed: decompress }`. */
bool policy_decompresses(const struct policy *policy);

enum policy_verdict {
    POLICY_ACCEPT,
    POLICY_DENY,              /* `why` is the operator's text */
    POLICY_STORE_NOT_ALLOWED, /* the requested store is not in `allow`, or is reserved */
    POLICY_TOO_LARGE,         /* the size is known, and larger than the rule's max_size */
    POLICY_METHOD_DENIED      /* `doors` does not allow this import method to this client */
};

/* Strings are owned by the policy, or by the facts (`store`). They are valid while both exist. */
struct policy_decision {
    enum policy_verdict verdict;
    const char *rule;    /* name of the rule; "default" for the last one */
    const char *store;   /* the store to use; not NULL with POLICY_ACCEPT */
    bool replaced;       /* `mode: force` replaced the store that the client requested */
    const char *why;     /* for POLICY_DENY */
    const char *allowed; /* for STORE_NOT_ALLOWED: "file, test"; NULL: any except reserved ones */
    uint64_t max_size;   /* the rule's limit in bytes; UINT64_MAX: none */
    uint64_t max_virtual_size; /* likewise, for the disk inside the image */

    struct policy_checks checks;
    bool checks_by_size; /* a known size could choose a rule that has other checks */
    struct policy_share shares[POLICY_LIMIT_COUNT];

    /* `mode: audit` of the rule or of the whole policy: the other members say what enforcing would
     * do, but the upload must not be changed or refused. With METHOD_DENIED only the mode of the
     * whole policy counts, because `doors` belong to no rule. */
    bool audit;

    /* If the size is not known, no `larger_than` holds. For a body with more bytes than this,
     * another rule would have applied, so it must be refused. UINT64_MAX: none. */
    uint64_t size_ceiling;
};

/* NULL: there is a fault; all of them are added to `diagnostics`, as file:line. The caller owns the
 * result. */
struct policy *policy_load(const char *path, struct diagnostics *diagnostics);

/* Adds warnings about a policy that is valid but probably wrong: formats and import methods that
 * Glance does not have by default, projects that are not ids, rules that never apply. */
void policy_warn(const struct policy *policy, const char *path, struct diagnostics *warnings);

void policy_decide(const struct policy *policy, const struct policy_facts *facts,
                   struct policy_decision *decision);

/* The limit that `rule` sets (NULL: the whole policy). 0: none, or there is no such rule. */
uint64_t policy_limit_of(const struct policy *policy, const char *rule, enum policy_limit which);

/* What is not known yet of an image that does not exist yet. */
struct policy_unknown {
    bool formats; /* its formats are found in its data */
    bool names;   /* its name and visibility may come in a form */
};

/* Whether the decision by these facts counts already: whatever the unknown facts turn out to be,
 * the same rule applies; or every rule that may apply denies the upload, and none of them is in
 * audit mode. A size that is not known is no unknown fact here: see size_ceiling. */
bool policy_is_settled(const struct policy *policy, const struct policy_facts *facts,
                       const struct policy_unknown *unknown);

/* Which rules are in audit mode (`mode: audit`). With SOME, the decision tells it for each rule,
 * and `doors` are enforced. */
enum policy_audit_scope { POLICY_AUDITS_NONE, POLICY_AUDITS_SOME, POLICY_AUDITS_ALL };
enum policy_audit_scope policy_audits(const struct policy *policy);

/* --- imports ----------------------------------------------------------------------------- */

/* The stores that an import requests, in any of the three ways. Borrowed. */
struct import_stores_requested {
    const char *header; /* as from requested_store(); NULL: none */
    bool listed;        /* the body has `stores`, which may be empty */
    const char *const *stores;
    size_t store_count;
    bool all;                         /* the body has `all_stores` */
    const char *const *glance_stores; /* Glance's stores, for `all`; NULL: not known */
    size_t glance_store_count;
};

/* How the request is changed. */
enum import_change {
    IMPORT_KEEP,       /* not at all */
    IMPORT_SET_HEADER, /* the body is kept; one X-Image-Meta-Store replaces the client's, if any */
    IMPORT_SET_BODY    /* the body's `stores` has one store; header and `all_stores` are removed */
};

struct import_decision {
    struct policy_decision policy; /* `store`: the new store, or the only one that was requested;
                                    * NULL: several stores, which are kept */
    enum import_change change;
    const char *refused; /* with STORE_NOT_ALLOWED: the refused store, or "all stores" */
};

/* Decides an import. The rules apply as for an upload. Unless Glance has the data already, the size
 * is not known: `facts->size` is ignored, no `larger_than` holds, and no max_size applies.
 *
 * `mode: default`: each requested store must be allowed. Without a requested store, the rule's
 * store is used. `mode: force`: the rule's store replaces any requested store. But copy-image,
 * which only adds stores to an image, is refused if it requests another store. `all_stores`
 * requests every store of Glance. `force` always replaces it, because Glance may have got another
 * store meanwhile. If Glance's stores are not known, `all_stores` passes only if the rule allows
 * any store. */
void policy_decide_import(const struct policy *policy, const struct policy_facts *facts,
                          const struct import_stores_requested *requested,
                          struct import_decision *decision);

/* True: with this method Glance has the data already, as staged data or as an image. */
bool policy_import_has_data(const char *method);

/* --- other ingest operations ------------------------------------------------------------- */

/* Operations that bring image data into a store without an upload or an import. */
enum policy_ingest {
    POLICY_INGEST_LOCATIONS, /* PATCH of /locations, POST .../locations */
    POLICY_INGEST_TASKS,     /* POST /v2/tasks */
    POLICY_INGEST_COUNT
};

/* `client`: numeric address. False unless the policy opens the operation, or exempts the client. */
bool policy_ingest_open(const struct policy *policy, enum policy_ingest ingest, const char *client);

/* --- decisions as text, for `explain` ---------------------------------------------------- */

/* Appends one fact a line: why the previous rules do not apply, "rule: ...", "store: ...", "refused
 * (REASON): ...". `decision` is the decision for these facts. If it is accepted and has no store,
 * it is for staged data. */
void policy_explain(const struct policy *policy, const struct policy_facts *facts,
                    const struct policy_decision *decision, struct buffer *out);
void policy_explain_import(const struct policy *policy, const struct policy_facts *facts,
                           const struct import_stores_requested *requested,
                           const struct import_decision *decision, struct buffer *out);
void policy_explain_ingest(const struct policy *policy, enum policy_ingest ingest,
                           const char *client, struct buffer *out);

/* The number of rules without `default`. */
size_t policy_rule_count(const struct policy *policy);

/* --- facts about stores ------------------------------------------------------------------ */

/* The S3 bucket of a store. The key files are read each time a key is used. policy_load() only
 * checks that they can be read. */
struct policy_bucket {
    char *endpoint; /* "http://192.0.2.71:8080": no path after host and port */
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
    uint64_t capacity; /* bytes of all objects in the bucket; UINT64_MAX: no limit */
    bool has_unknown_length;
    enum unknown_length unknown_length; /* valid where `has_unknown_length` is true */
};

/* NULL: the policy has no facts about this store. */
const struct policy_store *policy_store(const struct policy *policy, const char *name);

/* What happens to an upload of unknown length. */
struct policy_length {
    enum unknown_length rule;
    const char *store; /* borrowed: the store whose rule it is. NULL: it is that of [upload] */
};

/* The rule of the store where it has one, else `everywhere`, the one of [upload]. `store` NULL:
 * there is no store yet. */
struct policy_length policy_unknown_length(const struct policy *policy, const char *store,
                                           enum unknown_length everywhere);

/* The first store that has uploads of unknown length spooled. NULL: none. */
const char *policy_spooling_store(const struct policy *policy);

/* Visits every store that a rule uses or allows, in the order of the file. A store that is named
 * several times is visited several times. */
void policy_each_store(const struct policy *policy, void (*visit)(const char *name, void *context),
                       void *context);

void policy_free(struct policy *policy); /* NULL is fine */

#endif
