/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/inspection.h"

#define BIT GLANCE_OBJECTION_BIT

/* What a refusal shows besides itself. The safety checks run wherever anything is inspected; of a
 * mismatch Glance can be told to take no notice. */
static const unsigned SHOWN_BY[GLANCE_OBJECTIONS] = {
    [GLANCE_TAKES_IT] = BIT(GLANCE_UNSAFE) | BIT(GLANCE_BOOT_SECTOR),
    [GLANCE_MISMATCH] = BIT(GLANCE_MISMATCH) | BIT(GLANCE_UNSAFE) | BIT(GLANCE_BOOT_SECTOR),
    [GLANCE_UNSAFE] = BIT(GLANCE_UNSAFE) | BIT(GLANCE_BOOT_SECTOR),
    [GLANCE_BOOT_SECTOR] = BIT(GLANCE_UNSAFE) | BIT(GLANCE_BOOT_SECTOR),
};

unsigned inspection_refuses(const struct inspection *inspection)
{
    return atomic_load(&inspection->refused);
}

bool inspection_learn_refused(struct inspection *inspection, enum glance_objection violation)
{
    unsigned itself = violation == GLANCE_TAKES_IT ? 0 : BIT(violation);
    unsigned taken = atomic_fetch_and(&inspection->taken, ~itself) & ~itself;
    unsigned shown = SHOWN_BY[violation] & ~taken;
    return shown & ~atomic_fetch_or(&inspection->refused, shown);
}

void inspection_learn_taken(struct inspection *inspection, enum glance_objection violation)
{
    if (violation != GLANCE_TAKES_IT)
        atomic_fetch_or(&inspection->taken, BIT(violation));
}
