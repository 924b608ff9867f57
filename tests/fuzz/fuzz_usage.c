/* SPDX-License-Identifier: Apache-2.0 */
/* Glance's answer about quotas: a smaller upload fits if a larger one does, and a refusal has a
 * reason. */
#include "input.h"

#include "intake/usage.h"

#include <string.h>

static void check(const struct usage *usage, bool stage)
{
    static const uint64_t sizes[] = {
        0, 1, UINT64_C(1) << 20, (UINT64_C(1) << 20) + 1, UINT64_C(1) << 40, UINT64_MAX};
    bool fitted = true;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char why[USAGE_WORDS];
        bool fits = usage_allows(usage, stage, 0, sizes[i], why);
        property(fitted || !fits);
        property(fits == !*why);
        property(strlen(why) < USAGE_WORDS - 1);
        fitted = fits;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct usage usage;
    bool parsed = usage_parse((const char *)data, size, &usage);
    property(parsed || (!usage.image_size_total.known && !usage.image_stage_total.known &&
                        !usage.image_count_uploading.known));
    check(&usage, false);
    check(&usage, true);
    return 0;
}
