/* SPDX-License-Identifier: Apache-2.0 */
/* Remembers what this Glance refuses after storing it, that is with 415 after every byte was sent,
 * as Glance 2025.1 and later does (format.h, enum glance_objection). Shared by all workers, and
 * kept as long as the process runs. */
#ifndef INTAKE_INSPECTION_H
#define INTAKE_INSPECTION_H

#include "intake/format.h"

#include <stdatomic.h>
#include <stdbool.h>

/* Two sets of GLANCE_OBJECTION_BIT(). Zero-initialised: nothing is known. Thread-safe. */
struct inspection {
    _Atomic unsigned refused;
    _Atomic unsigned taken; /* Glance has accepted such data, and has not refused any since */
};

/* The set of kinds that Glance refuses. */
unsigned inspection_refuses(const struct inspection *inspection);

/* Glance has refused data of that kind. GLANCE_TAKES_IT: refused for an unknown reason. Kinds that
 * Glance cannot switch off, or that are on by default, are learned with it, unless Glance has
 * accepted such data. A mismatch is learned only from a mismatch, because operators do switch that
 * check off. True: something new was learned. */
bool inspection_learn_refused(struct inspection *inspection, enum glance_objection objection);

/* Glance has accepted data of that kind. */
void inspection_learn_taken(struct inspection *inspection, enum glance_objection objection);

#endif
