/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the header of VDI, version 1.1, as VirtualBox writes it. All numbers are little-endian:
 *
 *      0 text   64 0xbeda107f   68 version   72 header size   76 type   344 offset of the blocks
 *    368 disk size   376 block size   388 blocks in the file
 */
#include "format/format_priv.h"

enum {
    AT_VERSION = 68,
    AT_TYPE = 76,
    AT_DATA = 344,
    AT_DISK_SIZE = 368,
    AT_BLOCK_SIZE = 376,
    AT_BLOCKS_THERE = 388
};
enum { VERSION_1_1 = 0x00010001 };
enum { TYPE_DYNAMIC = 1, TYPE_STATIC, TYPE_UNDO, TYPE_DIFFERENCING };

void vdi_examine(struct view *opening, struct format_examination *out)
{
    uint32_t version = view_le32(opening, AT_VERSION);
    uint32_t type = view_le32(opening, AT_TYPE);
    if (version != VERSION_1_1)
        format_explain(out->broken, "its version is %u.%u", version >> 16, version & 0xFFFF);
    else if (type < TYPE_DYNAMIC || type > TYPE_DIFFERENCING)
        format_explain(out->broken, "there is no image type %u", type);
    else if (!view_le32(opening, AT_BLOCK_SIZE))
        format_explain(out->broken, "its blocks have an impossible size");
    if (type == TYPE_UNDO || type == TYPE_DIFFERENCING)
        format_explain(out->unsafe, "it holds only the differences to a parent image");
    examination_set_size(out, view_le64(opening, AT_DISK_SIZE), 1);
    examination_set_need(out, view_le32(opening, AT_BLOCKS_THERE),
                         view_le32(opening, AT_BLOCK_SIZE));
    if (out->needed)
        out->needed += view_le32(opening, AT_DATA);
}
