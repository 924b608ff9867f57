/* SPDX-License-Identifier: Apache-2.0 */
/* What is no reason to refuse a file, and worth a warning. What hypervisors take under another name
 * is in drivers.c. */
#include "format/format_priv.h"

enum { SECTOR = 512 };

/* The kernel's own form of lz4, in which an initramfs may be. */
bool evidence_is_kernel_lz4(const struct evidence *evidence)
{
    return evidence_seen_is(evidence, "lz4") &&
           view_is(&evidence->opening, 0, "\x02\x21\x4C\x18", 4);
}

bool remark_maybe_an_initramfs(const struct evidence *evidence, char *why)
{
    if (!evidence_claims(evidence, "raw") || evidence->contained ||
        (!evidence_seen_is(evidence, "gzip") && !evidence_is_kernel_lz4(evidence)))
        return false;
    words_say(why, "declared raw, but this is %s: unless it is an initramfs, %s",
              evidence->seen->words, evidence->seen->advice);
    return true;
}

/* What has a header at its beginning: a fixed VHD is a disk of any size with a footer. */
static bool is_sound_disk(const struct evidence *evidence)
{
    static const char *const names[] = {"qcow2", "qed", "vmdk", "vhd", "vhdx", "vdi", NULL};
    const struct format_examination *examination = evidence->examination;
    bool named = evidence->seen && evidence_one_of(evidence->seen->name, names) &&
                 evidence_claims(evidence, evidence->seen->name) && !evidence->contained;
    bool fixed =
        evidence_seen_is(evidence, "vhd") && !view_is(&evidence->opening, 0, "conectix", 8);
    return named && !fixed && examination->virtual_size_known && !*examination->broken &&
           !*examination->unsafe && !*examination->truncated;
}

/* Such files have whole sectors, or end where a table of theirs ends (those of an old Virtual PC
 * lack the last byte). Where line ends were changed, nothing else may tell, since the tables stand
 * before the data. A few bytes behind the last sector do no harm, so this is no reason to refuse.
 */
bool remark_no_whole_sectors(const struct evidence *evidence, char *why)
{
    const struct format_examination *examination = evidence->examination;
    uint64_t length = examination->length, rest = length % SECTOR;
    bool as_it_should = length == FORMAT_LENGTH_UNKNOWN || rest == 0 ||
                        length == examination->needed ||
                        (rest == SECTOR - 1 && evidence_seen_is(evidence, "vhd"));
    if (as_it_should || examination->next.length || !is_sound_disk(evidence))
        return false;
    words_say(why,
              "this is %s of %llu bytes, and such a file has whole sectors of 512: a program may "
              "have taken it for text and changed its line ends",
              evidence->seen->words, (unsigned long long)length);
    return true;
}
