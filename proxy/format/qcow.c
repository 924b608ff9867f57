/* SPDX-License-Identifier: Apache-2.0 */
/* Reads qcow, the first version, as QEMU's block/qcow.c does. All numbers are big-endian:
 *
 *      0 "QFI" 0xfb   4 version 1   8 backing file: offset (8), length (4)   24 size
 *     32 cluster bits (1), L2 bits (1)
 */
#include "format/format_priv.h"

enum { AT_VERSION = 4, AT_BACKING_OFFSET = 8, AT_SIZE = 24, AT_CLUSTER_BITS = 32, AT_L2_BITS = 33 };

bool qcow_matches(const struct view *opening)
{
    return view_is(opening, AT_VERSION, "\0\0\0\1", 4);
}

void qcow_examine(struct view *opening, struct format_examination *out)
{
    uint8_t cluster_bits = view_u8(opening, AT_CLUSTER_BITS);
    uint8_t l2_bits = view_u8(opening, AT_L2_BITS);
    if (cluster_bits < 9 || cluster_bits > 16 || l2_bits < 6 || l2_bits > 13)
        format_explain(out->broken, "its clusters have an impossible size");
    if (view_be64(opening, AT_BACKING_OFFSET))
        format_explain(out->unsafe, "it has a backing file");
    examination_set_size(out, view_be64(opening, AT_SIZE), 1);
}
