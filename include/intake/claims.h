/* SPDX-License-Identifier: Apache-2.0 */
/* Which images are being uploaded through this process now: one upload each, over all workers. */
#ifndef INTAKE_CLAIMS_H
#define INTAKE_CLAIMS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct claim;
struct claims;

/* Shared by all workers. NULL: no memory. */
struct claims *claims_new(void);
void claims_free(struct claims *claims); /* every claim was released. NULL is fine */

/* What can be told of an upload that is under way. */
struct claim_facts {
    uint64_t began_wall_ms;
    uint64_t bytes; /* handed to Glance so far */
    bool size_known;
    uint64_t size;
};

enum claim_outcome { CLAIM_TAKEN, CLAIM_HELD, CLAIM_NO_MEMORY };

/* Takes the image: `out` is the caller's, to be released. `bytes` is read for as long as the claim
 * is held. CLAIM_HELD: another upload has it, and `facts` says how far that is. */
enum claim_outcome claims_take(struct claims *claims, const char *image_id,
                               const struct claim_facts *facts_of_this,
                               const _Atomic uint64_t *bytes, struct claim **out,
                               struct claim_facts *facts);

void claim_release(struct claim *claim); /* NULL is fine */

#endif
