/* SPDX-License-Identifier: Apache-2.0 */
/* What Glance has said of itself, kept for all workers: its stores, and how it hashes. Glance tells
 * only callers with a token, so it is learned from uploads as they come. */
#ifndef INTAKE_STORES_H
#define INTAKE_STORES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct policy;
struct stores;

enum { STORES_FRESH_MS = 60000, STORES_BELIEVED_MS = 600000, STORES_MAX = 256, ALGORITHM_MAX = 16 };

/* Shared by all workers; every call is thread-safe. NULL: no memory. */
struct stores *stores_new(void);
void stores_free(struct stores *stores); /* NULL is fine */

/* Whether Glance need not be asked now. One caller at a time is told "no" while the answer is not
 * there (for at most FETCH_TIMEOUT_MS). */
bool stores_fresh(struct stores *stores);

/* The answer to GET /v2/info/stores. False: it cannot be read, or names no store; what was known
 * stays. */
bool stores_learn(struct stores *stores, const char *json, size_t length);

/* The answer did not come, or says nothing (no 200, no 404): what was known stays, and the next
 * caller of stores_fresh() may ask. */
void stores_unanswered(struct stores *stores);

/* Glance has no such resource (404: one store only, without a name): nothing can be said. */
void stores_learn_nothing(struct stores *stores);

enum store_known { STORE_UNHEARD, STORE_THERE, STORE_MISSING };
enum store_known stores_look(struct stores *stores, const char *name);

/* "file, test": those that a client may have; false: no memory. */
bool stores_list(struct stores *stores, struct buffer *out);

/* How many stores the policy names that Glance does not have; 0 while nothing is known, or all that
 * is known is older than STORES_BELIEVED_MS: a proxy that is not ready may get no more uploads, and
 * would never learn that the store is there now. `out` (NULL is fine) gets it in words: "the policy
 * names the store gold, which Glance does not have". */
size_t stores_missing(struct stores *stores, const struct policy *policy, struct buffer *out);

/* To be called when an answer or a policy is new: what is missing goes to the log, once. */
void stores_tell_missing(struct stores *stores, const struct policy *policy);

/* The os_hash_algo that Glance reported last ("sha512"), or "" before it has reported one. */
void stores_learn_algorithm(struct stores *stores, const char *algorithm);
void stores_algorithm(struct stores *stores, char out[ALGORITHM_MAX + 1]);

/* Whether Glance sets the size of an image at the end of its stage. Old ones do not, which shows
 * after the first stage that ends well; until then it is taken for granted. */
void stores_learn_stage_size(struct stores *stores, bool told);
bool stores_tell_stage_sizes(struct stores *stores);

#endif
