/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the image of a CD or DVD. The first volume descriptor is in sector 16 (ECMA-119 8.1,
 * ECMA-167 2/9.1):
 *
 *     0 type   1 "CD001", or "BEA01" for UDF alone   6 version 1
 *
 * A primary descriptor has the number of blocks and the block size twice, in both byte orders
 * (ECMA-119 8.4.8 and 8.4.12). Tools pad a disc by up to 150 empty sectors, and copies sometimes
 * lack them. So an image without these sectors is not truncated. */
#include "format/format_priv.h"

enum {
    SECTOR_16 = 16 * 2048,
    AT_VERSION = SECTOR_16 + 6,
    AT_BLOCKS = SECTOR_16 + 80,
    AT_BLOCK_SIZE = SECTOR_16 + 128
};
enum { SPARE = 150 * 2048 };
enum { TYPE_PRIMARY = 1, TYPE_PARTITION = 3, TYPE_TERMINATOR = 255 };

bool iso_matches(const struct view *opening)
{
    struct view view = *opening;
    uint8_t type = view_u8(&view, SECTOR_16);
    if (view_u8(&view, AT_VERSION) != 1 || (type > TYPE_PARTITION && type != TYPE_TERMINATOR))
        return false;
    uint16_t little = view_le16(&view, AT_BLOCK_SIZE);
    uint16_t big = view_be16(&view, AT_BLOCK_SIZE + 2);
    return type != TYPE_PRIMARY || (little && little == big);
}

void iso_examine(struct view *opening, struct format_examination *out)
{
    if (view_u8(opening, SECTOR_16) != TYPE_PRIMARY)
        return;
    uint64_t bytes = (uint64_t)view_le32(opening, AT_BLOCKS) * view_le16(opening, AT_BLOCK_SIZE);
    bool part_of_a_sector = out->length != FORMAT_LENGTH_UNKNOWN && out->length % 2048 != 0;
    uint64_t spare = part_of_a_sector ? 0 : SPARE;
    examination_set_need(out, bytes > spare ? bytes - spare : 0, 1);
}
