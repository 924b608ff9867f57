/* SPDX-License-Identifier: Apache-2.0 */
/* Declarations shared by the files that read policy.yaml and decide by it.
 *
 *     document.c  the file -> a checked YAML tree with line numbers (libyaml)
 *     values.c    reads single values of the tree
 *     read.c      the tree -> rules
 *     stores.c    the tree -> facts about stores
 *     ingest.c    the tree -> which ingest operations are open, and to which clients
 *     checks.c    the levels of the checks that a rule sets
 *     limits.c    the limits of a project's or client's uploads
 *     validate.c  checks the policy as a whole
 *     warnings.c  warns about policies that are valid but probably wrong
 *     texts.c     lists of strings, and which names are valid
 *     match.c     whether a rule applies to the facts: the table of conditions
 *     policy.c    loads and frees a policy
 *     decide.c    facts -> decision
 *     import.c    facts and the stores that an import requests -> decision
 *     explain.c   decision -> text
 */
#ifndef INTAKE_POLICY_PRIV_H
#define INTAKE_POLICY_PRIV_H

#include "intake/networks.h"
#include "intake/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <yaml.h>

struct diagnostics;

#define POLICY_DEFAULT "default" /* the name of the last rule */

enum {
    POLICY_FILE_MAX = 1 << 20, /* bytes */
    POLICY_DEPTH_MAX = 8,      /* a valid policy needs 5 at most, for a list in `when` */
    POLICY_RULES_MAX = 1000,
    POLICY_LIST_MAX = 1000,
    POLICY_STORES_MAX = 256, /* with facts */
    POLICY_TEXT_MAX = 1024   /* bytes in one value */
};

/* --- rules ----------------------------------------------------------------------------- */

/* A list of strings. Zero-initialised: empty. It owns its items. */
struct strings {
    char **items;
    size_t count;
};

enum condition {
    CONDITION_DISK_FORMAT,
    CONDITION_CONTAINER_FORMAT,
    CONDITION_PROJECT,
    CONDITION_NAME,
    CONDITION_VISIBILITY,
    CONDITION_LARGER_THAN,
    CONDITION_CLIENT,
    CONDITION_USER_AGENT,
    CONDITION_IMPORT_METHOD,
    CONDITION_COUNT
};

enum store_mode { MODE_DEFAULT, MODE_FORCE };

enum enforcement {
    ENFORCED_BY_DEFAULT, /* the rule has no `mode` */
    ENFORCED,            /* `mode: default` or `mode: force` */
    AUDITED              /* `mode: audit` */
};

/* `limits` of a rule, or of the whole policy. */
struct policy_limits {
    bool set[POLICY_LIMIT_COUNT];
    uint64_t value[POLICY_LIMIT_COUNT]; /* valid where `set` is true; 0: no limit */
};

struct rule {
    char *name;
    int line;
    bool set[CONDITION_COUNT];
    struct strings values[CONDITION_COUNT]; /* as in the file; not used by larger_than */
    struct networks clients;
    uint64_t larger_than;

    char
        *deny; /* the operator's reason; then the members below are not set, except `enforcement` */
    char *store;
    enum store_mode mode;
    enum enforcement enforcement; /* AUDITED: `mode` is the mode that would be enforced */
    struct strings allow;         /* empty: any store except reserved ones */
    char *allow_text;             /* "file, test"; NULL if `allow` is empty */
    uint64_t max_size;            /* bytes; UINT64_MAX: none */
    uint64_t max_virtual_size;
    struct policy_checks checks;
    struct policy_limits limits;
};

struct store_facts {
    struct policy_store store;
    int line;
};

struct ingest {
    bool methods_set;              /* false: every import method is allowed */
    struct strings import_methods; /* allowed methods; empty: none */
    bool open[POLICY_INGEST_COUNT];
    struct networks exempt; /* clients that may do everything */
};

/* The last rule is `default`. It has no condition. */
struct policy {
    bool audit; /* `mode: audit` of the whole policy */
    struct rule *rules;
    size_t count;
    struct store_facts *stores;
    size_t store_count;
    struct ingest ingest;
    struct policy_limits limits; /* where the rule sets none */
};

/* --- texts.c --------------------------------------------------------------------------- */

/* Adds a copy. False: no memory, or POLICY_LIST_MAX is reached. */
bool strings_add(struct strings *strings, const char *text);
bool strings_have(const struct strings *strings, const char *text);
/* "a, b or c". `last` is the separator before the last item: " or " or ", ". NULL: no memory. The
 * caller frees the result. */
char *strings_join(const struct strings *strings, const char *last);
void strings_free(struct strings *strings);

/* Names of rules and stores: 1 to POLICY_NAME_MAX of A-Z a-z 0-9 . _ -, because they are sent in
 * headers. */
bool policy_name_valid(const char *name);

/* Names of import methods, which are plugins of Glance: 1 to POLICY_NAME_MAX of a-z 0-9 -. */
bool policy_method_valid(const char *name);

/* True: one of Glance's internal stores (os_glance_staging_store, ...). Glance lets any user write
 * to them, so clients must not request them. */
bool policy_store_reserved(const char *store);

/* --- document.c ------------------------------------------------------------------------ */

struct document {
    const char *path;
    struct diagnostics *diagnostics;
    yaml_document_t tree;
};

/* False: the file is not one YAML document within the limits above, or it has anchors, aliases or
 * tags; the faults were reported. True: the caller calls yaml_document_delete(&document->tree). */
bool document_open(struct document *document);

/* A YAML mapping with a fixed set of keys. */
struct mapping {
    const char *what; /* "a rule", for messages */
    const char *const *keys;
    size_t key_count;
    void (*visit)(struct document *document, size_t key, const yaml_node_t *value, void *target);
};

/* Visits each known key once, in the order of the file. Reports unknown and repeated keys. */
void document_walk(struct document *document, const struct mapping *mapping,
                   const yaml_node_t *node, void *target);

/* The text of a scalar. NULL: `what` is not a single text, is empty, too long, or has a control
 * character; the fault was reported. The result is valid as long as the tree. */
const char *document_text(struct document *document, const yaml_node_t *node, const char *what);

typedef void document_take(struct document *document, const yaml_node_t *node, const char *text,
                           void *target);

/* Calls `take` for each text of a list, or for the text of a scalar. */
void document_each_text(struct document *document, const yaml_node_t *node, const char *what,
                        document_take *take, void *target);

/* True: empty, "null" or "~". A key with only comments below it has this value. */
bool document_is_null(const yaml_node_t *node);

/* The line of the node, counted from 1. */
int document_line(const yaml_node_t *node);

/* --- values.c -------------------------------------------------------------------------- */

void document_report(struct document *document, const yaml_node_t *node, const char *what);
void document_no_memory(struct document *document, const yaml_node_t *node);

/* The index of the text among the words. `count`: it is none of them; the fault was reported. */
size_t word_find(struct document *document, const yaml_node_t *node, const char *what,
                 const char *text, const char *const *words, size_t count);

/* As word_find(), for a scalar. */
size_t word_read(struct document *document, const yaml_node_t *node, const char *what,
                 const char *const *words, size_t count);

/* Adds a network. Reports a text that is not a network. */
void network_read(struct document *document, const yaml_node_t *node, const char *what,
                  const char *text, struct networks *networks);

/* A copy of the text; the caller frees it. NULL: the fault was reported. */
char *text_read(struct document *document, const yaml_node_t *node, const char *what);

/* False: it is not a size; the fault was reported. */
bool size_read(struct document *document, const yaml_node_t *node, const char *what,
               uint64_t *size);

/* Reads a size, and reports 0 as a fault. */
void limit_read(struct document *document, const yaml_node_t *node, const char *what,
                uint64_t *limit);

void name_check(struct document *document, const yaml_node_t *node, const char *name,
                const char *what);
void store_name_check(struct document *document, const yaml_node_t *node, const char *store);
void method_check(struct document *document, const yaml_node_t *node, const char *method);

/* --- read.c ---------------------------------------------------------------------------- */

void policy_read(struct document *document, struct policy *policy);

/* --- stores.c -------------------------------------------------------------------------- */

void stores_read(struct document *document, const yaml_node_t *node, struct policy *policy);
void store_facts_free(struct store_facts *facts); /* frees what it owns, not `facts` itself */

/* --- ingest.c -------------------------------------------------------------------------- */

void ingest_read(struct document *document, const yaml_node_t *node, struct ingest *ingest);
void ingest_free(struct ingest *ingest); /* frees what it owns, not `ingest` itself */
bool ingest_takes_method(const struct ingest *ingest, const char *method, const char *client);

/* --- checks.c -------------------------------------------------------------------------- */

void checks_read(struct document *document, const yaml_node_t *node, struct policy_checks *checks);
bool checks_any(const struct policy_checks *checks);
/* Ignores `empty_allowed`: an empty upload is not larger than anything, so its size cannot choose
 * another rule. */
bool checks_equal(const struct policy_checks *a, const struct policy_checks *b);
void checks_explain(const struct policy_checks *checks, struct buffer *out); /* one line or none */

/* --- limits.c -------------------------------------------------------------------------- */

void limits_read(struct document *document, const yaml_node_t *node, struct policy_limits *limits);
bool limits_any(const struct policy_limits *limits);
struct policy_share limits_share(const struct policy *policy, const struct rule *rule,
                                 enum policy_limit which);
/* One line for each limit that counts. */
void limits_explain(const struct policy_share shares[POLICY_LIMIT_COUNT], struct buffer *out);

/* --- validate.c --------------------------------------------------------------------------- */

/* Reports faults that concern more than one value. */
void policy_check(const struct policy *policy, const char *path, struct diagnostics *diagnostics);

/* --- match.c --------------------------------------------------------------------------- */

/* How a fact is compared with the values of a condition. Patterns are shell patterns. Only
 * user_agent is compared without regard to case. */
enum comparison {
    COMPARE_EQUAL,
    COMPARE_PATTERN,
    COMPARE_PATTERN_ANY_CASE,
    COMPARE_NETWORK,
    COMPARE_SIZE
};

struct condition_row {
    const char *name;
    enum comparison comparison;
    size_t fact; /* offset in struct policy_facts */
};

extern const struct condition_row condition_table[CONDITION_COUNT];

/* The fact as text. NULL: not known. Not for larger_than. */
const char *condition_fact(enum condition condition, const struct policy_facts *facts);

/* A condition on a fact that is not known does not hold. */
bool condition_holds(const struct rule *rule, enum condition condition,
                     const struct policy_facts *facts);

/* The first condition that does not hold. CONDITION_COUNT: all hold. With `ignore_size`,
 * larger_than is ignored. */
enum condition rule_mismatch(const struct rule *rule, const struct policy_facts *facts,
                             bool ignore_size);

/* The rule that applies; never NULL. */
const struct rule *policy_find_rule(const struct policy *policy, const struct policy_facts *facts);

/* --- decide.c -------------------------------------------------------------------------- */

/* True: the rule allows a client to use the requested store. With `mode: force` that is the rule's
 * own store only. An invalid name, such as two names with a comma between them, is not allowed. */
bool rule_allows_store(const struct rule *rule, const char *requested);

/* --- import.c -------------------------------------------------------------------------- */

/* The facts for the rules: the size is known only if Glance has the data already. */
struct policy_facts import_facts(const struct policy_facts *facts);

#endif
