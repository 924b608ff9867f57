/* SPDX-License-Identifier: Apache-2.0 */
/* The table of formats, in the order in which they are tried. Disk formats come first: a hypervisor
 * would recognise them, even if the file also looks like another format. Formats that may be
 * declared raw follow. */
#include "format/format_priv.h"

#include <string.h>

#define MAGIC(where, text) .at = (where), .magic = (text), .length = sizeof(text) - 1

#define DECLARE(format) "create the image with --disk-format " format
#define CONVERT         "convert it with qemu-img convert -O qcow2"
#define UNPACK          "decompress it first"
#define NO_IMAGE        "send the image file itself"

/* clang-format off */
static const struct format FORMATS[] = {
    {.name = "qcow", .words = "qcow (version 1)", .advice = CONVERT, .disk = true, .names_files = true,
     MAGIC(0, "QFI\xFB"), .also_matches = qcow_matches, .examine = qcow_examine},
    {.name = "qcow2", .words = "qcow2", .advice = DECLARE("qcow2"), .disk = true, .names_files = true,
     MAGIC(0, "QFI\xFB"), .examine = qcow2_examine, .examine_more = qcow2_examine_more},
    {.name = "qed", .words = "QED", .advice = CONVERT, .disk = true, .names_files = true,
     MAGIC(0, "QED\0"), .examine = qed_examine},
    {.name = "vmdk", .words = "vmdk", .advice = DECLARE("vmdk"), .disk = true, .names_files = true,
     MAGIC(0, "KDMV"), .examine = vmdk_examine, .examine_more = vmdk_examine_more,
     .examine_unmarked = vmdk_examine_unmarked},
    {.name = "vmdk", .words = "vmdk", .advice = DECLARE("vmdk"), .disk = true, .names_files = true,
     MAGIC(0, "COWD"), .examine = vmdk_cowd_examine},
    {.name = "vmdk", .words = "vmdk", .advice = DECLARE("vmdk"), .disk = true,
     .names_files = true, .also_matches = vmdk_text_matches, .examine = vmdk_text_examine},
    {.name = "vhd", .words = "vhd", .advice = DECLARE("vhd"), .disk = true,
     MAGIC(0, "conectix"), .examine = vhd_examine, .examine_more = vhd_examine_more,
     .examine_unmarked = vhd_examine_unmarked},
    {.name = "vhdx", .words = "vhdx", .advice = DECLARE("vhdx"), .disk = true,
     MAGIC(0, "vhdxfile"), .examine = vhdx_examine, .examine_more = vhdx_examine_more},
    {.name = "ploop", .words = "ploop", .advice = DECLARE("ploop"), .disk = true,
     MAGIC(0, "WithoutFreeSpace"), .examine = ploop_examine},
    {.name = "ploop", .words = "ploop", .advice = DECLARE("ploop"), .disk = true,
     MAGIC(0, "WithouFreSpacExt"), .examine = ploop_examine},
    {.name = "vdi", .words = "vdi", .advice = DECLARE("vdi"), .disk = true,
     MAGIC(64, "\x7F\x10\xDA\xBE"), .examine = vdi_examine},
    {.name = "iso", .words = "an ISO", .advice = DECLARE("iso"), .disk = true,
     MAGIC(32769, "CD001"), .also_matches = iso_matches, .examine = iso_examine},
    {.name = "iso", .words = "an ISO", .advice = DECLARE("iso"), .disk = true,
     MAGIC(32769, "BEA01"), .also_matches = iso_matches},

    {.name = "luks", .words = "a LUKS volume", .advice = DECLARE("raw"), MAGIC(0, "LUKS\xBA\xBE")},
    {.name = "gzip", .words = "gzip", .advice = UNPACK, MAGIC(0, "\x1F\x8B\x08")},
    {.name = "bzip2", .words = "bzip2", .advice = UNPACK, MAGIC(4, "1AY&SY")},
    {.name = "xz", .words = "xz", .advice = UNPACK, MAGIC(0, "\xFD" "7zXZ\0")},
    {.name = "zstd", .words = "zstd", .advice = UNPACK, MAGIC(0, "\x28\xB5\x2F\xFD")},
    {.name = "lz4", .words = "lz4", .advice = UNPACK, MAGIC(0, "\x04\x22\x4D\x18")},
    {.name = "lz4", .words = "lz4", .advice = UNPACK, MAGIC(0, "\x02\x21\x4C\x18")},
    {.name = "7z", .words = "a 7z archive", .advice = UNPACK, MAGIC(0, "7z\xBC\xAF\x27\x1C")},
    {.name = "zip", .words = "a zip archive", .advice = UNPACK, MAGIC(0, "PK\x03\x04")},
    {.name = "elf", .words = "an ELF program", .advice = DECLARE("raw"), MAGIC(0, "\x7F" "ELF")},
    {.name = "kernel", .words = "a Linux kernel", .advice = DECLARE("aki"), MAGIC(0x202, "HdrS")},
    {.name = "ova", .words = "an OVA", .advice = "create the image with --container-format ova",
     MAGIC(257, "ustar"), .also_matches = ova_matches, .examine = ova_examine,
     .examine_more = ova_examine_more},
    {.name = "tar", .words = "a tar archive", .advice = "unpack it first", MAGIC(257, "ustar")},
    {.name = "ova", .words = "an OVA", .advice = "create the image with --container-format ova",
     .also_matches = ova_v7_matches, .examine = ova_examine, .examine_more = ova_examine_more},
    {.name = "gpt", .words = "a raw disk (GPT)", .advice = DECLARE("raw"), MAGIC(512, "EFI PART"),
     .examine = gpt_examine},
    {.name = "gpt", .words = "a raw disk (GPT)", .advice = DECLARE("raw"), MAGIC(4096, "EFI PART"),
     .examine = gpt_examine},
    {.name = "mbr", .words = "a raw disk (MBR)", .advice = DECLARE("raw"), MAGIC(510, "\x55\xAA")},
    {.name = "html", .words = "an HTML page", .advice = NO_IMAGE, .also_matches = text_is_html},
    {.name = "xml", .words = "XML", .advice = NO_IMAGE, .also_matches = text_is_xml},
    {.name = "json", .words = "JSON", .advice = NO_IMAGE, .also_matches = text_is_json},
    {.name = "lfs", .words = "a pointer of Git LFS, not the file itself",
     .advice = "fetch the file with git lfs pull", .also_matches = text_is_lfs_pointer},
    {.name = "checksums", .words = "a list of checksums", .advice = NO_IMAGE,
     .also_matches = text_is_checksums},
    {.name = "text", .words = "plain text", .advice = NO_IMAGE, .also_matches = text_is_plain},
};
/* clang-format on */

enum { FORMAT_COUNT = sizeof FORMATS / sizeof *FORMATS };

const struct format *format_recognised(const struct view *opening)
{
    for (size_t i = 0; i < FORMAT_COUNT; i++) {
        const struct format *row = &FORMATS[i];
        if ((!row->length || view_is(opening, row->at, row->magic, row->length)) &&
            (!row->also_matches || row->also_matches(opening)))
            return row;
    }
    return NULL;
}

const struct format *format_named(const char *name)
{
    for (size_t i = 0; i < FORMAT_COUNT; i++)
        if (!strcmp(FORMATS[i].name, name))
            return &FORMATS[i];
    return NULL;
}
