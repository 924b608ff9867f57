/* SPDX-License-Identifier: Apache-2.0 */
/* The head of an answer, and the part of the body that came with it. */
#ifndef BENCH_ANSWER_H
#define BENCH_ANSWER_H

#include "wire.h"

enum { ANSWER_MAX = 16 * 1024 };

struct answer {
    unsigned status;
    uint64_t length; /* of the body */
    char bytes[ANSWER_MAX + 1];
    const char *body;  /* in bytes */
    size_t body_there; /* of it */
};

/* Reads the head. Fails unless its status is `wanted`: the program ends, and shows it. */
void answer_read(struct answer *answer, struct wire *wire, unsigned wanted);

/* Reads a body that is small, and drops it. */
void answer_drop_body(struct answer *answer, struct wire *wire);

#endif
