/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures among peers: see intake/cluster.h. Pure functions of the key. */
#ifndef CLUSTER_SIGNATURE_H
#define CLUSTER_SIGNATURE_H

#include "intake/cluster.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes "TIME NONCE SIGNATURE" for a question. False: no memory, or no random numbers. */
bool signature_of_question(const char *key, const char *path, uint64_t now_s,
                           char out[PEER_SIGNATURE_MAX]);

bool signature_fits_question(const char *key, const char *path, uint64_t now_s, const char *field);

/* Writes the signature of the answer to the question that `question` signs. */
bool signature_of_answer(const char *key, const char *question, const void *body, size_t size,
                         char out[PEER_SIGNATURE_MAX]);

bool signature_fits_answer(const char *key, const char *question, const void *body, size_t size,
                           const char *field);

#endif
