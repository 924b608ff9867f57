/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that are sent once more (curl --retry): whether the same one is running in this process,
 * or has made an image before. A request is known by a key, which the caller makes so that
 * different requests have different ones. At most REPETITIONS_KEPT that have ended are remembered,
 * the latest ones; a restart forgets them. Thread-safe. */
#ifndef INTAKE_REPETITIONS_H
#define INTAKE_REPETITIONS_H

#include <stdint.h>

enum { REPETITION_KEY_MAX = 2048, REPETITION_IMAGE_MAX = 63, REPETITIONS_KEPT = 1024 };

struct repetitions;
struct repetition;

enum repetition_state {
    REPETITION_FIRST,   /* none is known: this one is running from now on */
    REPETITION_RUNNING, /* another one is */
    REPETITION_DONE,    /* one has made the image; this one is running from now on */
    REPETITION_NO_MEMORY
};

/* What a request has made. */
struct repetition_made {
    char image[REPETITION_IMAGE_MAX + 1]; /* "": nothing yet */
    uint64_t sent; /* bytes of its body, which may be compressed; REPETITION_SENT_UNKNOWN */
};
#define REPETITION_SENT_UNKNOWN UINT64_MAX

/* NULL: no memory. Owned by the caller. */
struct repetitions *repetitions_new(void);
void repetitions_free(struct repetitions *repetitions); /* NULL is fine */

/* `key` has at most REPETITION_KEY_MAX bytes. With FIRST and DONE `*out` is owned by the caller
 * until repetition_end(). With DONE `made` is filled in. */
enum repetition_state repetition_begin(struct repetitions *repetitions, const char *key,
                                       struct repetition **out, struct repetition_made *made);

/* Ends it. `made` is copied and remembered; NULL: it has made no image, and it is as if it had
 * never come. A NULL repetition is fine. */
void repetition_end(struct repetitions *repetitions, struct repetition *repetition,
                    const struct repetition_made *made);

#endif
