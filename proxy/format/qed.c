/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the header of QED (QEMU's docs/interop/qed_spec.txt). All numbers are little-endian:
 *
 *      0 "QED" NUL   4 cluster size   16 features   48 image size
 *     56 backing file: offset (4), length (4)
 */
#include "format/format_priv.h"

enum { AT_CLUSTER_SIZE = 4, AT_FEATURES = 16, AT_SIZE = 48, AT_BACKING_OFFSET = 56 };
enum { CLUSTER_MIN = 4 * 1024, CLUSTER_MAX = 64 * 1024 * 1024, HAS_BACKING_FILE = 1 };

void qed_examine(struct view *opening, struct format_examination *out)
{
    uint32_t cluster = view_le32(opening, AT_CLUSTER_SIZE);
    uint64_t features = view_le64(opening, AT_FEATURES);
    uint32_t offset = view_le32(opening, AT_BACKING_OFFSET);
    uint32_t length = view_le32(opening, AT_BACKING_OFFSET + 4);
    if (cluster < CLUSTER_MIN || cluster > CLUSTER_MAX || (cluster & (cluster - 1)))
        format_explain(out->broken, "its clusters have an impossible size");
    if (features & HAS_BACKING_FILE && length && view_has(opening, offset, length))
        format_explain(out->unsafe, "it has a backing file, %.*s", (int)length,
                       (const char *)opening->bytes + offset);
    else if (features & HAS_BACKING_FILE)
        format_explain(out->unsafe, "it has a backing file");
    examination_set_size(out, view_le64(opening, AT_SIZE), 1);
}
