/* SPDX-License-Identifier: Apache-2.0 */
/* The safety checks of Glance's inspectors (oslo_utils/imageutils/format_inspector.py). The checks
 * of qcow2, boot sectors, LUKS and QED are here, the check of VMDK is in glance_vmdk.c. VHD, VHDX,
 * VDI and ISO have none. */
#include "format/format_priv.h"

#include <string.h>

/* --- qcow2: QcowInspector -------------------------------------------------------------- */

enum { QCOW2_VERSION = 4, QCOW2_BACKING = 8, QCOW2_FEATURES = 72 };

/* Glance checks bit 2 in every version, although version 2 has other data there. */
#define QCOW2_DATA_FILE    (UINT64_C(1) << 2)
#define QCOW2_GLANCE_KNOWS UINT64_C(0xF)
#define QCOW2_MAKE_A_COPY  "convert it with qemu-img convert -O qcow2 FILE COPY"

static enum glance_objection qcow2_safety(struct view *opening, char *why)
{
    uint32_t version = view_be32(opening, QCOW2_VERSION);
    uint64_t features = view_be64(opening, QCOW2_FEATURES);
    uint64_t unknown = version == 2 ? 0 : features & ~QCOW2_GLANCE_KNOWS;
    if (view_be64(opening, QCOW2_BACKING))
        format_explain(why, "it has a backing file: " QCOW2_MAKE_A_COPY);
    else if (features & QCOW2_DATA_FILE)
        format_explain(why, "it keeps its data in another file: " QCOW2_MAKE_A_COPY);
    else if (version != 2 && version != 3)
        format_explain(why, "Glance does not know version %u of qcow2: " QCOW2_MAKE_A_COPY,
                       version);
    else if (unknown)
        format_explain(why, "Glance does not know the qcow2 feature %d%s: " QCOW2_MAKE_A_COPY,
                       __builtin_ctzll(unknown), unknown & 0x10 ? " (extended_l2)" : "");
    return *why ? GLANCE_UNSAFE : GLANCE_TAKES_IT;
}

/* --- boot sectors: GPTInspector -------------------------------------------------------- */

/* Offsets in a master boot record: 446 four partitions, 510 signature. Offsets in a partition: 0
 * boot flag, 1 first sector as CHS (3), 4 type, 8 first sector. A FAT has the signature, too; there
 * 16 is the number of tables, and 21 the kind of medium. */
enum { SECTOR = 512, AT_PARTITIONS = 446, PARTITION = 16, PARTITIONS = 4, AT_SIGNATURE = 510 };
enum { AT_START = 1, AT_TYPE = 4, AT_FIRST = 8, BOOTABLE = 0x80, PROTECTIVE = 0xEE };
enum { FAT_TABLES = 16, FAT_MEDIUM = 21, FIXED_DISK = 0xF8 };

bool glance_boot_sector(const struct view *opening)
{
    struct view view = *opening;
    bool fat = view_u8(&view, FAT_TABLES) == 2 && view_u8(&view, FAT_MEDIUM) == FIXED_DISK;
    return view.count >= SECTOR && view_is(&view, AT_SIGNATURE, "\x55\xAA", 2) && !fat;
}

/* A protective partition (the disk has a GPT) must begin at the sector after the boot sector, both
 * as CHS and as a sector number. */
static void check_partition(struct view *opening, size_t at, int number, char *why)
{
    uint8_t flag = view_u8(opening, at);
    bool protective = view_u8(opening, at + AT_TYPE) == PROTECTIVE;
    if (flag != 0 && flag != BOOTABLE)
        format_explain(
            why, "Glance sees a boot sector whose partition %d is none: " GLANCE_AS_QCOW2, number);
    else if (protective && (!view_is(opening, at + AT_START, "\0\2\0", 3) ||
                            view_le32(opening, at + AT_FIRST) != 1))
        format_explain(
            why, "Glance sees a GPT whose boot sector says it begins elsewhere: " GLANCE_AS_QCOW2);
}

static enum glance_objection boot_sector_safety(struct view *opening, char *why)
{
    unsigned used = 0;
    bool protective = false;
    for (int i = 0; i < PARTITIONS; i++) {
        size_t at = AT_PARTITIONS + (size_t)i * PARTITION;
        uint8_t type = view_u8(opening, at + AT_TYPE);
        check_partition(opening, at, i + 1, why);
        used |= type ? 1U << i : 0;
        protective |= type == PROTECTIVE;
    }
    if (protective && used != 1)
        format_explain(
            why, "Glance sees a GPT whose boot sector has other partitions: " GLANCE_AS_QCOW2);
    else if (!used)
        format_explain(why, "Glance sees a boot sector without a partition: " GLANCE_AS_QCOW2);
    return *why ? GLANCE_BOOT_SECTOR : GLANCE_TAKES_IT;
}

/* --- LUKS, QED ------------------------------------------------------------------------- */

enum { LUKS_VERSION = 6 };

static enum glance_objection luks_safety(struct view *opening, char *why)
{
    uint16_t version = view_be16(opening, LUKS_VERSION);
    if (version != 1)
        format_explain(why, "Glance does not know version %u of LUKS: " GLANCE_AS_QCOW2, version);
    return *why ? GLANCE_UNSAFE : GLANCE_TAKES_IT;
}

static enum glance_objection qed_safety(struct view *opening, char *why)
{
    (void)opening;
    format_explain(
        why, "Glance takes no QED: convert it with qemu-img convert -f qed -O qcow2 FILE COPY "
             "and create the image with --disk-format qcow2");
    return GLANCE_UNSAFE;
}

static enum glance_objection vmdk_safety(struct view *opening, char *why)
{
    return glance_accepts_descriptor(opening, why) ? GLANCE_TAKES_IT : GLANCE_UNSAFE;
}

/* --- all of them ----------------------------------------------------------------------- */

enum glance_objection glance_safety(const char *inspector, const struct view *opening, char *why)
{
    static const struct {
        const char *inspector;
        enum glance_objection (*check)(struct view *opening, char *why);
    } checks[] = {{"qcow2", qcow2_safety},
                  {"gpt", boot_sector_safety},
                  {"luks", luks_safety},
                  {"qed", qed_safety},
                  {"vmdk", vmdk_safety}};
    struct view view = *opening;
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        if (!strcmp(checks[i].inspector, inspector))
            return checks[i].check(&view, why);
    return GLANCE_TAKES_IT;
}
