/* SPDX-License-Identifier: Apache-2.0 */
/* Remembers what Glance refuses after storing it. */
#include "intake/inspection.h"

#define BIT GLANCE_OBJECTION_BIT

/* The kinds that a refusal of one kind proves. The safety checks run if Glance inspects at all. The
 * check for a mismatch can be switched off by itself. */
static const unsigned PROVEN_BY[GLANCE_OBJECTIONS] = {
    [GLANCE_TAKES_IT] = BIT(GLANCE_UNSAFE) | BIT(GLANCE_BOOT_SECTOR),
    [GLANCE_MISMATCH] = BIT(GLANCE_MISMATCH) | BIT(GLANCE_UNSAFE) | BIT(GLANCE_BOOT_SECTOR),
    [GLANCE_UNSAFE] = BIT(GLANCE_UNSAFE) | BIT(GLANCE_BOOT_SECTOR),
    [GLANCE_BOOT_SECTOR] = BIT(GLANCE_UNSAFE) | BIT(GLANCE_BOOT_SECTOR),
};

unsigned inspection_refuses(const struct inspection *inspection)
{
    return atomic_load(&inspection->refused);
}

bool inspection_learn_refused(struct inspection *inspection, enum glance_objection objection)
{
    unsigned itself = objection == GLANCE_TAKES_IT ? 0 : BIT(objection);
    unsigned taken = atomic_fetch_and(&inspection->taken, ~itself) & ~itself;
    unsigned proven = PROVEN_BY[objection] & ~taken;
    return proven & ~atomic_fetch_or(&inspection->refused, proven);
}

void inspection_learn_taken(struct inspection *inspection, enum glance_objection objection)
{
    if (objection != GLANCE_TAKES_IT)
        atomic_fetch_or(&inspection->taken, BIT(objection));
}
