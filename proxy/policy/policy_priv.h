/* SPDX-License-Identifier: Apache-2.0 */
/* How policy.yaml becomes a decision.
 *
 *     document.c  the file -> a checked YAML tree with line numbers (libyaml)
 *     values.c    single values of it
 *     read.c      the tree -> rules
 *     stores.c    the tree -> facts about stores
 *     ingest.c    the tree -> which of Glance's other doors are open, and to whom
 *     checks.c    how strict a look at the data a rule wants
 *     check.c     what makes a rule good as a whole
 *     warnings.c  what is allowed, and hardly meant
 *     texts.c     lists of texts, and which names are good
 *     match.c     does a rule hold for these facts? One table of conditions
 *     policy.c    the whole: made and ended
 *     decide.c    facts -> decision
 *     import.c    facts and the stores an import asks for -> decision
 *     explain.c   the same in words
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
    POLICY_DEPTH_MAX = 8,      /* the deepest that makes sense is a list in `when`: 5 */
    POLICY_RULES_MAX = 1000,
    POLICY_LIST_MAX = 1000,
    POLICY_STORES_MAX = 256, /* with facts */
    POLICY_TEXT_MAX = 1024   /* of any one value, in bytes */
};

/* --- rules ----------------------------------------------------------------------------- */

/* Zero-initialised is empty. Owns its items. */
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

struct rule {
    char *name;
    int line;
    bool set[CONDITION_COUNT];
    struct strings wanted[CONDITION_COUNT]; /* as written; of larger_than, the one size */
    struct networks clients;
    uint64_t larger_than;

    char *deny; /* set: the operator's reason, and everything below is unset */
    char *store;
    enum store_mode mode;
    bool mode_set;        /* in so many words: `default` or `force` */
    bool audit;           /* `mode: audit`; `mode` is then the one it is judged by */
    struct strings allow; /* empty: any store but reserved ones */
    char *allow_text;     /* "file, test"; NULL when `allow` is empty */
    uint64_t max_size;    /* UINT64_MAX: none */
    uint64_t max_virtual_size;
    struct policy_checks checks;
};

struct store_facts {
    struct policy_store store;
    int line;
};

struct ingest {
    bool methods_set;              /* else every import method may be used */
    struct strings import_methods; /* may be empty: none may */
    bool open[POLICY_INGEST_COUNT];
    struct networks exempt; /* to whom everything is open */
};

/* The last rule is the one for everything that no other took. */
struct policy {
    bool audit; /* `mode: audit` of the whole */
    struct rule *rules;
    size_t count;
    struct store_facts *stores;
    size_t store_count;
    struct ingest ingest;
};

/* --- texts.c --------------------------------------------------------------------------- */

/* Adds a copy. False: no memory, or POLICY_LIST_MAX is reached. */
bool strings_add(struct strings *strings, const char *text);
bool strings_have(const struct strings *strings, const char *text);
/* "a, b or c", where `last` is what stands before the last one: " or " or ", ". NULL: no memory. */
char *strings_join(const struct strings *strings, const char *last);
void strings_free(struct strings *strings);

/* Of rules and stores: 1 to POLICY_NAME_MAX of A-Z a-z 0-9 . _ -, because they go into headers. */
bool policy_name_valid(const char *name);

/* Of import methods, which Glance takes as plugins: 1 to POLICY_NAME_MAX of a-z 0-9 -. */
bool policy_method_valid(const char *name);

/* Glance's own stores (os_glance_staging_store, ...), into which it lets any user write. */
bool policy_store_reserved(const char *store);

/* --- document.c ------------------------------------------------------------------------ */

struct document {
    const char *path;
    struct diagnostics *diagnostics;
    yaml_document_t tree;
};

/* False, with the problems told: not one YAML document within the bounds above, or one with
 * anchors, aliases or tags. True: yaml_document_delete(&document->tree) is the caller's. */
bool document_open(struct document *document);

/* A mapping whose keys are known. */
struct mapping {
    const char *what; /* "a rule", for messages */
    const char *const *keys;
    size_t key_count;
    void (*visit)(struct document *document, size_t key, const yaml_node_t *value, void *target);
};

/* Visits each known key once, in the order of the file; tells of any other. */
void document_walk(struct document *document, const struct mapping *mapping,
                   const yaml_node_t *node, void *target);

/* The text of a scalar, or NULL with a problem: `what` is not a single text, is empty, too long, or
 * has a control character. Lives as long as the tree. */
const char *document_text(struct document *document, const yaml_node_t *node, const char *what);

typedef void document_take(struct document *document, const yaml_node_t *node, const char *text,
                           void *target);

/* Each text of a list, or the one of a scalar. */
void document_each_text(struct document *document, const yaml_node_t *node, const char *what,
                        document_take *take, void *target);

/* Nothing, "null" or "~": what a key with only comments below it has. */
bool document_is_null(const yaml_node_t *node);

/* Line of the node, counted from 1. */
int document_line(const yaml_node_t *node);

/* --- values.c -------------------------------------------------------------------------- */

void document_complain(struct document *document, const yaml_node_t *node, const char *what);
void document_no_memory(struct document *document, const yaml_node_t *node);

/* Which of the words the text is; `count`, with a problem: none of them. */
size_t word_find(struct document *document, const yaml_node_t *node, const char *what,
                 const char *text, const char *const *words, size_t count);

/* The same of a scalar. */
size_t word_read(struct document *document, const yaml_node_t *node, const char *what,
                 const char *const *words, size_t count);

/* Adds a network; a problem if it is none. */
void network_read(struct document *document, const yaml_node_t *node, const char *what,
                  const char *text, struct networks *networks);

/* A copy, or NULL with a problem. */
char *text_read(struct document *document, const yaml_node_t *node, const char *what);

/* False, with a problem: not a size. */
bool size_read(struct document *document, const yaml_node_t *node, const char *what,
               uint64_t *size);

/* A size that lets something through. */
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
void store_facts_free(struct store_facts *facts); /* what it owns */

/* --- ingest.c --------------------------------------------------------------------------- */

void ingest_read(struct document *document, const yaml_node_t *node, struct ingest *ingest);
void ingest_free(struct ingest *ingest); /* what it owns */
bool ingest_exempt(const struct ingest *ingest, const char *client);
bool ingest_takes_method(const struct ingest *ingest, const char *method, const char *client);

/* --- checks.c -------------------------------------------------------------------------- */

void checks_read(struct document *document, const yaml_node_t *node, struct policy_checks *checks);
bool checks_any(const struct policy_checks *checks);
/* Of all but emptiness, which no size can change. */
bool checks_equal(const struct policy_checks *a, const struct policy_checks *b);
void checks_explain(const struct policy_checks *checks, struct buffer *out); /* a line, or none */

/* --- check.c --------------------------------------------------------------------------- */

/* What no single value shows to be wrong. */
void policy_check(const struct policy *policy, const char *path, struct diagnostics *diagnostics);

/* --- match.c --------------------------------------------------------------------------- */

/* How a fact is held against what the rule wants. Patterns are the shell's; only names of
 * programs (user_agent) are taken in any case. */
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

/* The fact as text, NULL when it is not known; for any condition but larger_than. */
const char *condition_fact(enum condition condition, const struct policy_facts *facts);

/* CONDITION_COUNT: every condition holds; else the first that does not. With `but_size`
 * larger_than is left out of it. */
enum condition rule_mismatch(const struct rule *rule, const struct policy_facts *facts,
                             bool but_size);

/* The rule that applies; never NULL. */
const struct rule *policy_find_rule(const struct policy *policy, const struct policy_facts *facts);

/* --- decide.c -------------------------------------------------------------------------- */

/* Whether a client that asks for this store may have it: with `force` only the rule's own. What is
 * no name at all (two stores joined by a comma, say) names no store. */
bool rule_lets_have(const struct rule *rule, const char *requested);

/* --- import.c -------------------------------------------------------------------------- */

/* What the rules are held against: a size only where Glance has the data. */
struct policy_facts import_facts(const struct policy_facts *facts);

#endif
