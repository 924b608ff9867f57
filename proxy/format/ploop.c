/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the expandable image of Virtuozzo and Parallels (QEMU's docs/interop/parallels.txt). All
 * numbers are little-endian:
 *
 *      0 "WithoutFreeSpace" or "WithouFreSpacExt"
 *     16 version   28 cluster, in sectors   36 sectors
 *
 * With the first magic the number of sectors has only 32 bits. */
#include "format/format_priv.h"

enum { AT_MAGIC_END = 13, AT_VERSION = 16, AT_CLUSTER = 28, AT_SECTORS = 36 };
enum { VERSION = 2, SECTOR = 512 };

void ploop_examine(struct view *opening, struct format_examination *out)
{
    bool extended = view_is(opening, AT_MAGIC_END, "Ext", 3);
    if (view_le32(opening, AT_VERSION) != VERSION)
        format_explain(out->broken, "its version is %u", view_le32(opening, AT_VERSION));
    else if (!view_le32(opening, AT_CLUSTER))
        format_explain(out->broken, "its clusters have an impossible size");
    examination_set_size(
        out, extended ? view_le64(opening, AT_SECTORS) : view_le32(opening, AT_SECTORS), SECTOR);
}
