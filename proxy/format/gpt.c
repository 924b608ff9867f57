/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a disk with a GUID partition table (UEFI 2.10, 5.3). The table's header is in the second
 * sector, and its copy in the last one. All numbers are little-endian:
 *
 *      0 "EFI PART"   8 revision   24 this sector   32 the copy's sector
 */
#include "format/format_priv.h"

enum { AT_REVISION = 8, AT_THIS_SECTOR = 24, AT_COPY_SECTOR = 32, REVISION_1 = 0x00010000 };

void gpt_examine(struct view *opening, struct format_examination *out)
{
    struct view header = *opening;
    size_t sector = view_is(opening, 512, "EFI PART", 8) ? 512 : 4096;
    uint64_t copy = view_le64(&header, sector + AT_COPY_SECTOR);
    if (view_le32(&header, sector + AT_REVISION) == REVISION_1 &&
        view_le64(&header, sector + AT_THIS_SECTOR) == 1 && copy < INT64_MAX)
        examination_set_need(out, copy + 1, sector);
}
