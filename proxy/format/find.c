/* SPDX-License-Identifier: Apache-2.0 */
/* Finds which formats an image is to declare, from the opening of its data alone. */
#include "format/format_priv.h"

#include <string.h>

/* What a file of each format is declared as. A fixed vhd has its mark at its end only: its opening
 * is that of a raw disk. */
static const struct {
    const char *seen;
    const char *disk_format;
    const char *container_format;
} FOUND[] = {
    {"qcow2", "qcow2", "bare"}, {"vmdk", "vmdk", "bare"},   {"vhd", "vhd", "bare"},
    {"vhdx", "vhdx", "bare"},   {"ploop", "ploop", "bare"}, {"vdi", "vdi", "bare"},
    {"iso", "iso", "bare"},     {"gpt", "raw", "bare"},     {"mbr", "raw", "bare"},
    {"luks", "raw", "bare"},    {"ova", "vmdk", "ova"},
};

const char FORMATS_LOOKED_FOR[] = "qcow2, vmdk, vhd, vhdx, vdi, ploop, iso, ova, and raw with a "
                                  "partition table, a boot sector or LUKS";

static bool find(const char *seen, struct format_found *out)
{
    for (size_t i = 0; seen && i < sizeof FOUND / sizeof *FOUND; i++) {
        if (strcmp(seen, FOUND[i].seen) != 0)
            continue;
        out->disk_format = FOUND[i].disk_format;
        out->container_format = FOUND[i].container_format;
        return true;
    }
    return false;
}

static bool is_compression(const char *name)
{
    static const char *const names[] = {"gzip", "bzip2", "xz", "zstd", "lz4", "7z", "zip", NULL};
    return evidence_one_of(name, names);
}

bool format_find(const void *opening, size_t count, uint64_t length, struct format_found *out)
{
    struct format_examination examination;
    format_examine(opening, count, "", length, &examination);
    *out = (struct format_found){.virtual_size_known = examination.virtual_size_known,
                                 .virtual_size = examination.virtual_size};
    if (find(examination.seen, out))
        return true;
    const struct format *seen = examination.seen ? format_named(examination.seen) : NULL;
    out->compressed = seen && is_compression(seen->name);
    if (seen)
        format_explain(out->seen, "it looks like %s: %s", seen->words, seen->advice);
    return false;
}
