/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the header of qcow2, versions 2 and 3 (QEMU's docs/interop/qcow2.txt). All numbers are
 * big-endian. Extensions (type, length, data padded to 8 bytes) follow the header; an extension of
 * type 0 ends them. Extensions and the name of the backing file are in the first cluster. */
#include "format/format_priv.h"

enum {
    AT_VERSION = 4,
    AT_BACKING_OFFSET = 8,
    AT_BACKING_LENGTH = 16,
    AT_CLUSTER_BITS = 20,
    AT_SIZE = 24,
    AT_CRYPT_METHOD = 32,
    AT_L1_ENTRIES = 36,
    AT_L1_OFFSET = 40,
    AT_REFCOUNT_OFFSET = 48,
    AT_REFCOUNT_CLUSTERS = 56,
    AT_SNAPSHOTS = 60,
    AT_SNAPSHOTS_OFFSET = 64,
    V2_LENGTH = 72,
    AT_INCOMPATIBLE = 72, /* this and all further members: version 3 only */
    AT_REFCOUNT_ORDER = 96,
    AT_LENGTH = 100,
    V3_LENGTH = 104
};

enum {
    CLUSTER_BITS_MIN = 9,
    CLUSTER_BITS_MAX = 21,
    CRYPT_METHOD_MAX = 2,
    REFCOUNT_ORDER_MAX = 6,
    SNAPSHOT_MIN = 40,                    /* bytes of one snapshot at least */
    L1_ENTRIES_MAX = 32 * 1024 * 1024 / 8 /* QEMU's limit */
};

/* Incompatible features. Bits 0 (dirty), 1 (corrupt) and 3 (compression type) are harmless. */
#define DATA_FILE      (UINT64_C(1) << 2)
#define EXTENDED_L2    (UINT64_C(1) << 4)
#define KNOWN_FEATURES UINT64_C(0x1F)

#define EXTENSION_DATA_FILE 0x44415441 /* "DATA" */

struct header {
    uint32_t version;
    uint32_t cluster_bits;
    uint64_t size;
    uint64_t features;
    uint32_t length;
};

static void read_header(struct view *opening, struct header *header)
{
    *header = (struct header){.version = view_be32(opening, AT_VERSION),
                              .cluster_bits = view_be32(opening, AT_CLUSTER_BITS),
                              .size = view_be64(opening, AT_SIZE),
                              .length = V2_LENGTH};
    if (header->version >= 3) {
        header->features = view_be64(opening, AT_INCOMPATIBLE);
        header->length = view_be32(opening, AT_LENGTH);
    }
}

/* False: QEMU could not open it, and `broken` says why. */
static bool header_sound(struct view *opening, const struct header *header, char *broken)
{
    if (header->version != 2 && header->version != 3)
        format_explain(broken, "its version is %u", header->version);
    else if (header->cluster_bits < CLUSTER_BITS_MIN || header->cluster_bits > CLUSTER_BITS_MAX)
        format_explain(broken, "its clusters have an impossible size");
    else if (header->version == 3 &&
             (header->length < V3_LENGTH || header->length > 1U << header->cluster_bits ||
              view_be32(opening, AT_REFCOUNT_ORDER) > REFCOUNT_ORDER_MAX))
        format_explain(broken,
                       "its header has an impossible length, or counts what is used impossibly");
    else if (view_be32(opening, AT_CRYPT_METHOD) > CRYPT_METHOD_MAX)
        format_explain(broken, "it is encrypted in a way that does not exist");
    return !*broken;
}

static bool aligned(uint64_t offset, uint32_t cluster_bits)
{
    return offset && !(offset & ((UINT64_C(1) << cluster_bits) - 1));
}

static void check_tables(struct view *opening, const struct header *header, char *broken)
{
    uint32_t bits = header->cluster_bits;
    uint32_t entry_bits = header->features & EXTENDED_L2 ? 4 : 3;
    uint32_t covered_bits = bits + bits - entry_bits; /* by one L1 entry */
    uint32_t l1_entries = view_be32(opening, AT_L1_ENTRIES);
    uint64_t needed = header->size ? ((header->size - 1) >> covered_bits) + 1 : 0;
    if (l1_entries > L1_ENTRIES_MAX || l1_entries < needed ||
        (l1_entries && !aligned(view_be64(opening, AT_L1_OFFSET), bits)))
        format_explain(broken, "its L1 table cannot be where it is said to be");
    if (!view_be32(opening, AT_REFCOUNT_CLUSTERS) ||
        !aligned(view_be64(opening, AT_REFCOUNT_OFFSET), bits))
        format_explain(broken, "its reference counts cannot be where they are said to be");
}

/* The file must contain the tables that QEMU reads when it opens the file. */
static void need_tables(struct view *opening, struct format_examination *out)
{
    uint32_t l1_entries = view_be32(opening, AT_L1_ENTRIES);
    uint64_t snapshots = view_be32(opening, AT_SNAPSHOTS);
    if (l1_entries)
        examination_set_need(out, view_be64(opening, AT_L1_OFFSET) + 8 * (uint64_t)l1_entries, 1);
    examination_set_need(out, view_be64(opening, AT_REFCOUNT_OFFSET) + 8, 1);
    if (snapshots)
        examination_set_need(out,
                             view_be64(opening, AT_SNAPSHOTS_OFFSET) + SNAPSHOT_MIN * snapshots, 1);
}

static void follow_tables(struct view *opening, const struct header *header,
                          struct format_examination *out)
{
    const struct qcow2_tables tables = {.cluster_bits = header->cluster_bits,
                                        .extended = header->features & EXTENDED_L2,
                                        .l1_offset = view_be64(opening, AT_L1_OFFSET),
                                        .l1_entries = view_be32(opening, AT_L1_ENTRIES)};
    need_tables(opening, out);
    if (tables.l1_entries && tables.l1_offset <= INT64_MAX && !(header->features & DATA_FILE))
        qcow2_examine_tables(opening, &tables, out);
}

static void find_backing_file(struct view *opening, char *unsafe)
{
    uint64_t offset = view_be64(opening, AT_BACKING_OFFSET);
    uint32_t length = view_be32(opening, AT_BACKING_LENGTH);
    if (offset && length && view_has(opening, offset, length))
        format_explain(unsafe, "it has a backing file, %.*s", (int)length,
                       (const char *)opening->bytes + offset);
    else if (offset)
        format_explain(unsafe, "it has a backing file");
}

static void find_data_file(struct view *opening, const struct header *header, char *unsafe)
{
    uint64_t at = header->length;
    while (view_has(opening, at, 8)) {
        uint32_t type = view_be32(opening, at);
        uint32_t length = view_be32(opening, at + 4);
        if (type == EXTENSION_DATA_FILE && view_has(opening, at + 8, length))
            format_explain(unsafe, "it keeps its data in another file, %.*s", (int)length,
                           (const char *)opening->bytes + at + 8);
        if (!type || type == EXTENSION_DATA_FILE)
            break;
        at += 8 + ((UINT64_C(7) + length) & ~UINT64_C(7));
    }
    if (header->features & DATA_FILE)
        format_explain(unsafe, "it keeps its data in another file");
}

static void find_unknown_features(const struct header *header, char *unsafe)
{
    uint64_t unknown = header->features & ~KNOWN_FEATURES;
    if (unknown)
        format_explain(unsafe, "it needs an unknown feature (incompatible bit %d)",
                       __builtin_ctzll(unknown));
}

void qcow2_examine(struct view *opening, struct format_examination *out)
{
    struct header header;
    read_header(opening, &header);
    if (header_sound(opening, &header, out->broken))
        check_tables(opening, &header, out->broken);
    if (!*out->broken)
        follow_tables(opening, &header, out);
    find_backing_file(opening, out->unsafe);
    find_data_file(opening, &header, out->unsafe);
    find_unknown_features(&header, out->unsafe);
    examination_set_size(out, header.size, 1);
}
