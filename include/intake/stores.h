/* SPDX-License-Identifier: Apache-2.0 */
/* Caches what Glance says about itself, for all workers: its stores, and its hash algorithm. Glance
 * tells that only to callers with a token, so the cache is filled during uploads. */
#ifndef INTAKE_STORES_H
#define INTAKE_STORES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct policy;
struct stores;

enum { STORES_FRESH_MS = 60000, STORES_TRUSTED_MS = 600000, STORES_MAX = 256, ALGORITHM_MAX = 16 };

/* Shared by all workers; every call is thread-safe. NULL: no memory. */
struct stores *stores_new(void);
void stores_free(struct stores *stores); /* NULL is fine */

/* False: the caller should ask Glance for its stores. True: what is known is recent enough, or
 * another caller is asking (for at most FETCH_TIMEOUT_MS). */
bool stores_fresh(struct stores *stores);

/* Learns from the answer to GET /v2/info/stores. False: it cannot be read, or has no store; what
 * was known is kept. */
bool stores_learn(struct stores *stores, const char *json, size_t length);

/* There was no answer, or none that helps (neither 200 nor 404). What was known is kept. The next
 * caller of stores_fresh() is told to ask. */
void stores_unanswered(struct stores *stores);

/* Glance has no such resource (404: it has one store without a name). Then no store is known. */
void stores_learn_nothing(struct stores *stores);

enum store_known { STORE_UNKNOWN, STORE_EXISTS, STORE_MISSING };
enum store_known stores_look(struct stores *stores, const char *name);

/* Appends the stores that a client may use: "file, test". False: no memory. */
bool stores_list(struct stores *stores, struct buffer *out);

/* The number of stores that the policy names and Glance does not have. 0 if nothing is known, or if
 * what is known is older than STORES_TRUSTED_MS: with missing stores the proxy is not ready. Then
 * it may get no more uploads, and would never learn about a new store. `out` (NULL is fine) gets a
 * text: "the policy names the store gold, which Glance does not have". */
size_t stores_missing(struct stores *stores, const struct policy *policy, struct buffer *out);

/* Logs missing stores, if they have changed since the last call. To be called after a new answer,
 * and after a new policy. */
void stores_tell_missing(struct stores *stores, const struct policy *policy);

/* The os_hash_algo that Glance has reported last ("sha512"), or "" before the first report. */
void stores_learn_algorithm(struct stores *stores, const char *algorithm);

/* Whether the caller should ask Glance for an active image, because the algorithm is not known. One
 * caller a minute is told to. */
bool stores_ask_algorithm(struct stores *stores);

/* Learns it from the answer to GET /v2/images, which lists the newest image first. False: no image
 * there has one. */
bool stores_learn_from_list(struct stores *stores, const char *json, size_t length);
void stores_algorithm(struct stores *stores, char out[ALGORITHM_MAX + 1]);

/* Whether Glance sets the size of an image after a stage. Old versions do not, which is learned
 * from the first successful stage. Until then it is assumed that Glance does. */
void stores_learn_stage_size(struct stores *stores, bool told);
bool stores_tell_stage_sizes(struct stores *stores);

#endif
