/* SPDX-License-Identifier: Apache-2.0 */
/* What this Glance has shown to refuse after it had stored it: 415 to an upload whose every byte
 * was sent, as Glance 2025.1 and later answers (format.h, enum glance_objection). Kept for all
 * workers, and for as long as the process runs. */
#ifndef INTAKE_INSPECTION_H
#define INTAKE_INSPECTION_H

#include "intake/format.h"

#include <stdatomic.h>
#include <stdbool.h>

/* Sets of GLANCE_OBJECTION_BIT(). Zero-initialised: nothing is known. Thread-safe. */
struct inspection {
    _Atomic unsigned refused;
    _Atomic unsigned taken; /* it took such data, and has not refused any since */
};

/* The kinds that it refuses. */
unsigned inspection_refuses(const struct inspection *inspection);

/* It has refused data of that kind; GLANCE_TAKES_IT: for what cannot be told. What has no switch of
 * its own in Glance, or is on by default, is learned with it, unless Glance was seen to take it; a
 * mismatch, whose switch operators do use, is learned by itself alone. True: it is news. */
bool inspection_learn_refused(struct inspection *inspection, enum glance_objection violation);

/* It has taken data of that kind. */
void inspection_learn_taken(struct inspection *inspection, enum glance_objection violation);

#endif
