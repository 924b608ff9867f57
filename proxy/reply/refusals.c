/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the rows of include/intake/refusal.h a table. */
#include "intake/refusal.h"

#include <stddef.h>

static const struct refusal_row ROWS[] = {[REFUSAL_NONE] = {0},
#define REFUSAL_ROW(constant, name, status, message, hint)                                         \
    [REFUSAL_##constant] = {name, status, message, hint},
                                          REFUSALS(REFUSAL_ROW)
#undef REFUSAL_ROW
};

const struct refusal_row *refusal_row(enum refusal refusal)
{
    return &ROWS[refusal];
}
