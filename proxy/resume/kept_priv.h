/* SPDX-License-Identifier: Apache-2.0 */
/* The state file of a kept upload.
 *
 *   kept_files.c  opens, makes, saves and removes the two files of an upload
 *   kept_scan.c   looks at all of them
 *   kept_state.c  the state as JSON */
#ifndef KEPT_PRIV_H
#define KEPT_PRIV_H

#include "intake/kept_files.h"

#include <stdio.h>

enum { KEPT_NAME_MAX = KEPT_IMAGE_MAX + sizeof ".state", KEPT_BOOT_MAX = 64 };

#define KEPT_DATA  ".data"
#define KEPT_STATE ".state"
#define KEPT_NEW   ".new" /* a state that is being written */

static inline void kept_name(const char *image, const char *ending, char out[KEPT_NAME_MAX])
{
    snprintf(out, KEPT_NAME_MAX, "%s%s", image, ending);
}

/* What the file has besides the facts. */
struct kept_saved {
    uint64_t synced;              /* bytes that were on the disk when the state was written */
    char boot[KEPT_BOOT_MAX + 1]; /* the id of that boot */
};

/* The id of this boot; "" if it is not known. */
void kept_boot_id(char out[KEPT_BOOT_MAX + 1]);

/* Reads the state of the image into `facts`, which the caller frees, without the offset. NULL, or
 * why it is not valid. */
const char *kept_state_read(int directory, const char *image, struct kept_facts *facts,
                            struct kept_saved *saved);

/* Replaces the state, so that a reader finds either the old or the new one. */
bool kept_state_write(int directory, const struct kept_facts *facts, uint64_t synced);

#endif
