/* SPDX-License-Identifier: Apache-2.0 */
/* Which images are decompressed, and why one cannot be. */
#include "body/decompress_checks.h"

#include <string.h>

static bool is(const char *text, const char *word)
{
    return text && strcmp(text, word) == 0;
}

/* A kernel and its initramfs are stored compressed, and so is what these containers are for. */
bool decompress_wanted(const struct body_plan *plan)
{
    return plan->decompresses && !is(plan->disk_format, "aki") && !is(plan->disk_format, "ari") &&
           !is(plan->container_format, "compressed") && !is(plan->container_format, "docker");
}

/* As format/drivers.c: Xen reads a gzip tar of vhd files. */
bool decompress_leaves(const struct body_plan *plan, enum compression compression)
{
    return compression == COMPRESSION_GZIP && is(plan->disk_format, "vhd") &&
           (is(plan->hypervisor, "xen") || is(plan->container_format, "ovf"));
}

bool decompress_keeps_tar(const struct body_plan *plan)
{
    return is(plan->container_format, "ova");
}

struct fault_words {
    enum refusal reason;
    const char *words;
};

static const struct fault_words WORDS[] = {
    [DECOMPRESS_TRUNCATED] = {REFUSAL_TRUNCATED, "ends in the middle"},
    [DECOMPRESS_DAMAGED] = {REFUSAL_DAMAGED_BODY, "cannot be decompressed"},
    [DECOMPRESS_TRAILING] = {REFUSAL_DAMAGED_BODY, "has something else behind it"},
    [DECOMPRESS_MEMORY] = {REFUSAL_COMPRESSED, "takes more than 128 MiB of memory to decompress"},
    [DECOMPRESS_RATIO] = {REFUSAL_COMPRESSED, "becomes more than 2000 times as large"},
    [DECOMPRESS_LENGTH] = {REFUSAL_COMPRESSED,
                           "has several parts, of which the first announces a length"},
    [DECOMPRESS_NO_FILE] = {REFUSAL_COMPRESSED, "is a tar without a file"},
    [DECOMPRESS_FILES] = {REFUSAL_COMPRESSED, "is a tar with more than one disk in it"},
};

int decompress_refuse(struct filter *filter, enum compression compression,
                      enum decompress_fault fault)
{
    if (fault == DECOMPRESS_NO_MEMORY)
        return filter_no_memory(filter);
    return filter_refuse(filter, WORDS[fault].reason, "its %s data %s",
                         compression_name(compression), WORDS[fault].words);
}
