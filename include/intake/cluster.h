/* SPDX-License-Identifier: Apache-2.0 */
/* The other proxies before the same Glance ([cluster] of the configuration).
 *
 * A thread asks their admin listeners once a second what they have in flight, and tells capacity.h
 * and quota_reservations.h. A peer has PEER_PATIENCE_MS to answer. One that does not answer is
 * silent: what it has told last counts for PEER_KEPT_MS more, and then nothing of it.
 *
 * Questions and answers are signed with the key that all share: HMAC-SHA256 over the path, the time
 * and a random number, and over the answer and that number. The key itself is never sent, as it
 * would be with a bearer key: admin listeners speak plain HTTP. A question that is repeated by
 * somebody else within PEER_CLOCKS_S only shows him an answer that he could have read already. An
 * answer counts only for its own question. */
#ifndef INTAKE_CLUSTER_H
#define INTAKE_CLUSTER_H

#include "intake/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct capacity;
struct cluster;
struct quota_reservations;
struct snapshot;

enum {
    PEERS_MAX = 64,
    PEER_PATIENCE_MS = 50,
    PEER_UPLOADS_PATIENCE_MS = 250,
    PEER_INTERVAL_MS = 1000,
    PEER_KEPT_MS = 5000,
    PEER_CLOCKS_S = 60, /* how far the clocks of two proxies may differ */
    PEER_SIGNATURE_MAX = 160
};

#define PEER_COUNTS_PATH  "/cluster/counts"
#define PEER_UPLOADS_PATH "/cluster/uploads"
#define PEER_FIELD        "X-Intake-Peer"

/* What the thread uses. All pointers are borrowed until cluster_stop(). */
struct cluster_parts {
    struct capacity *capacity;
    struct quota_reservations *quota_reservations;
    /* The snapshot in force, with a reference for the caller. Thread-safe. */
    struct snapshot *(*snapshot)(void *context);
    void *context;
};

/* Starts the thread. It only sleeps while there are no peers. NULL: no memory, or no thread. */
struct cluster *cluster_start(const struct cluster_parts *parts);
void cluster_reload(struct cluster *cluster); /* there is another snapshot */
void cluster_stop(struct cluster *cluster);   /* NULL is fine */

/* --- for the admin listener --------------------------------------------------------------- */

enum peer_state {
    PEER_UNASKED, /* yet */
    PEER_ANSWERS,
    PEER_SILENT,
    PEER_SELF /* it is this proxy */
};

struct peer_view {
    char name[PEER_MAX + 1]; /* "host:port" */
    enum peer_state state;
    uint64_t failures; /* questions without an answer that counts, so far */
    uint64_t bytes;    /* in flight there to stores with a known capacity, as it counts here */
};

/* Copies the peers. Returns how many there are. */
size_t cluster_look(struct cluster *cluster, struct peer_view out[PEERS_MAX]);

/* What a peer says of its uploads. All is borrowed until the visit ends. */
struct peer_uploads {
    const char *peer;     /* "host:port" */
    const char *document; /* what records_json() has written there; NULL: no answer that counts */
    const char *problem;  /* NULL, or a clause that says why there is no document */
};

/* Asks all peers but this proxy itself for their uploads, visits one after the other, and blocks
 * for PEER_UPLOADS_PATIENCE_MS at most. Call it in a thread that may block. */
void cluster_ask_uploads(struct cluster *cluster,
                         void (*visit)(const struct peer_uploads *uploads, void *context),
                         void *context);

/* Appends what this proxy has in flight, as JSON. False: no memory. */
bool cluster_write_counts(struct cluster *cluster, struct buffer *out);

enum peer_question {
    PEER_QUESTION_GOOD,
    PEER_QUESTION_OFF, /* there is no [cluster] key_file that can be read */
    PEER_QUESTION_FORGED
};

/* Whether `field` (of PEER_FIELD; NULL: there is none) signs a question for `path`. */
enum peer_question cluster_check_question(struct cluster *cluster, const char *path,
                                          const char *field);

/* The value of PEER_FIELD for the answer to that question. False: the key cannot be read. */
bool cluster_sign_answer(struct cluster *cluster, const char *field, const void *body, size_t size,
                         char out[PEER_SIGNATURE_MAX]);

#endif
