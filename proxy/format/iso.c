/* SPDX-License-Identifier: Apache-2.0 */
/* A CD or DVD: the first volume descriptor in sector 16 (ECMA-119 8.1, ECMA-167 2/9.1):
 *
 *     0 type   1 "CD001", or "BEA01" where there is UDF only   6 version 1
 *
 * A primary descriptor gives the size of a block twice, in both byte orders (ECMA-119 8.4.12). */
#include "format_priv.h"

enum { SECTOR_16 = 16 * 2048, AT_VERSION = SECTOR_16 + 6, AT_BLOCK_SIZE = SECTOR_16 + 128 };
enum { TYPE_PRIMARY = 1, TYPE_PARTITION = 3, TYPE_TERMINATOR = 255 };

bool iso_holds(const struct view *opening)
{
    struct view view = *opening;
    uint8_t type = view_u8(&view, SECTOR_16);
    if (view_u8(&view, AT_VERSION) != 1 || (type > TYPE_PARTITION && type != TYPE_TERMINATOR))
        return false;
    uint16_t little = view_le16(&view, AT_BLOCK_SIZE);
    uint16_t big = view_be16(&view, AT_BLOCK_SIZE + 2);
    return type != TYPE_PRIMARY || (little && little == big);
}
