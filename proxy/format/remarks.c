/* SPDX-License-Identifier: Apache-2.0 */
/* Judgements that are worth a warning, but no reason to refuse a file. Warnings about data that
 * hypervisors accept under the name of another format are in drivers.c. */
#include "format/format_priv.h"

enum { SECTOR = 512 };

/* The Linux kernel's variant of lz4, which is used for an initramfs. */
bool evidence_is_kernel_lz4(const struct evidence *evidence)
{
    return evidence_seen_is(evidence, "lz4") &&
           view_is(&evidence->opening, 0, "\x02\x21\x4C\x18", 4);
}

bool remark_maybe_an_initramfs(const struct evidence *evidence, char *why)
{
    if (!evidence_declares(evidence, "raw") || evidence->contained ||
        (!evidence_seen_is(evidence, "gzip") && !evidence_is_kernel_lz4(evidence)))
        return false;
    format_explain(why, "declared raw, but this is %s: unless it is an initramfs, %s",
                   evidence->seen->words, evidence->seen->advice);
    return true;
}

/* True: a valid disk format with a header at its beginning. A fixed VHD has a footer only, and the
 * disk before it may have any size. */
static bool is_sound_disk(const struct evidence *evidence)
{
    static const char *const names[] = {"qcow2", "qed", "vmdk", "vhd", "vhdx", "vdi", NULL};
    const struct format_examination *examination = evidence->examination;
    bool named = evidence->seen && evidence_one_of(evidence->seen->name, names) &&
                 evidence_declares(evidence, evidence->seen->name) && !evidence->contained;
    bool fixed =
        evidence_seen_is(evidence, "vhd") && !view_is(&evidence->opening, 0, "conectix", 8);
    return named && !fixed && examination->virtual_size_known && !*examination->broken &&
           !*examination->unsafe && !*examination->truncated;
}

/* Such files have whole sectors, or end where one of their tables ends. Files of an old Virtual PC
 * lack the last byte. If a program has changed line ends in the data, the size may be the only
 * sign, because the tables are before the data. A few bytes after the last sector do no harm, so
 * this is no reason to refuse. */
bool remark_no_whole_sectors(const struct evidence *evidence, char *why)
{
    const struct format_examination *examination = evidence->examination;
    uint64_t length = examination->length, remainder = length % SECTOR;
    bool plausible = length == FORMAT_LENGTH_UNKNOWN || remainder == 0 ||
                     length == examination->needed ||
                     (remainder == SECTOR - 1 && evidence_seen_is(evidence, "vhd"));
    if (plausible || examination->next.length || !is_sound_disk(evidence))
        return false;
    format_explain(
        why,
        "this is %s of %llu bytes, and such a file has whole sectors of 512: a program may "
        "have taken it for text and changed its line ends",
        evidence->seen->words, (unsigned long long)length);
    return true;
}
