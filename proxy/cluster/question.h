/* SPDX-License-Identifier: Apache-2.0 */
/* Asks several peers the same question at once, each with a signature of its own. */
#ifndef CLUSTER_QUESTION_H
#define CLUSTER_QUESTION_H

#include "intake/buffer.h"
#include "intake/cluster.h"

#include <curl/curl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* One peer, and its answer. */
struct question {
    const char *peer; /* "host:port"; borrowed. NULL: it is not asked */
    char signature[PEER_SIGNATURE_MAX];
    char answer_signature[PEER_SIGNATURE_MAX]; /* as it came */
    struct curl_slist *fields;
    CURL *easy; /* NULL: over, or not begun */
    struct buffer answer;
    const char *fault; /* NULL: it has answered, and the signature fits. Else a clause */
};

/* Asks all of them for `path`, and waits for `patience_ms` at most, or until `*stopping`. `multi`
 * keeps connections for the next time. The caller frees the questions. */
void questions_ask(CURLM *multi, const char *key, const char *path, uint64_t patience_ms,
                   const atomic_bool *stopping, struct question *questions, size_t count);
void questions_free(struct question *questions, size_t count);

#endif
