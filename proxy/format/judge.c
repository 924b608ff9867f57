/* SPDX-License-Identifier: Apache-2.0 */
/* Compares the declared formats with what the body is. The checks run in order, and the first
 * violation decides. Checks for damage come first, because a damaged header may contain anything.
 * Then follow checks for data that is unsafe under any declared format. */
#include "format/format_priv.h"

#include <string.h>

enum { SECTOR = 512, SMALL = 4 * 1024, LINE = 256 };

static struct evidence gather(const struct format_declaration *declaration,
                              const struct format_examination *examination)
{
    static const char *const stored_raw[] = {"raw", "ami", "ari", "aki", NULL};
    static const char *const containers[] = {"ova", "docker", "compressed", NULL};
    const struct format *declared = format_named(declaration->disk_format);
    return (struct evidence){
        .declaration = declaration,
        .examination = examination,
        .seen = examination->seen ? format_named(examination->seen) : NULL,
        .declared = declared && declared->disk ? declared : NULL,
        .declared_raw = evidence_one_of(declaration->disk_format, stored_raw),
        .contained = evidence_one_of(declaration->container_format, containers),
    };
}

static bool same_format(const struct format *a, const struct format *b)
{
    return a && b && !strcmp(a->name, b->name);
}

/* --- the checks: true is a violation, and `why` says what is wrong --------------------- */

/* A file that is recognised as a disk format is not searched for a prefix: some formats have unused
 * space at their beginning. */
static bool prefixed_file(const struct evidence *evidence, char *why)
{
    const char *words;
    const struct format *file = evidence->seen && evidence->seen->disk
                                    ? NULL
                                    : format_after_prefix(&evidence->opening, &words);
    if (file)
        format_explain(why, "this is %s with %s in front of it", file->words, words);
    return file;
}

static bool damaged(const struct evidence *evidence, char *why)
{
    const struct format_examination *examination = evidence->examination;
    if (!*examination->broken || evidence->contained ||
        (!evidence->declared && !evidence->declared_raw))
        return false;
    format_explain(why, "it begins like %s, but its header is damaged (curl -d strips bytes): %s",
                   examination->seen, examination->broken);
    return true;
}

static bool unsafe(const struct evidence *evidence, char *why)
{
    if (!*evidence->examination->unsafe)
        return false;
    format_explain(why, "%s", evidence->examination->unsafe);
    return true;
}

static bool is_path_text(const struct evidence *evidence, char *why)
{
    char text[TEXT_PATH_MAX + 1];
    if (!evidence->whole || !text_is_path(&evidence->opening, text))
        return false;
    format_explain(why, "this is the text of a file path, not the file: %s", text);
    return true;
}

static bool not_an_ova(const struct evidence *evidence, char *why)
{
    if (strcmp(evidence->declaration->container_format, "ova") != 0 ||
        (evidence->seen && !strcmp(evidence->seen->name, "ova")))
        return false;
    const char *form = "a tar whose first file is its .ovf";
    if (evidence->seen && evidence->seen->disk)
        format_explain(why,
                       "declared an OVA, %s, but this is %s: create the image with "
                       "--container-format bare",
                       form, evidence->seen->words);
    else
        format_explain(why, "declared an OVA, but this is %s, not %s",
                       evidence->seen ? evidence->seen->words : "something else", form);
    return true;
}

static bool disk_format_in_raw(const struct evidence *evidence, char *why)
{
    const struct format *seen = evidence->seen;
    if (!evidence->declared_raw || evidence->contained || !seen || !seen->disk ||
        driver_accepts(evidence))
        return false;
    format_explain(why, "declared %s, but this is %s: %s", evidence->declaration->disk_format,
                   seen->words, seen->advice);
    return true;
}

static bool raw_advice(const struct format *seen)
{
    return strstr(seen->advice, "--disk-format raw");
}

/* True: the body begins with the letters of a magic whose other bytes are wrong, or has a magic a
 * little after its beginning. So it is not a raw disk. */
static bool begins_damaged(const struct evidence *evidence)
{
    enum { NEAR = 512 };
    static const char *const magics[] = {"QFI", "KDMV", "conectix", "vhdxfile", "QED", "<<< "};
    const struct view *opening = &evidence->opening;
    size_t near = opening->count < NEAR ? opening->count : NEAR;
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
        if (memmem(opening->bytes, near, magics[i], strlen(magics[i])))
            return true;
    return false;
}

static bool other_disk_format(const struct evidence *evidence, char *why)
{
    const struct format *seen = evidence->seen;
    const struct format *declared = evidence->declared;
    bool still_looking =
        evidence->examination->next.length && same_format(evidence->examination->format, declared);
    if (!declared || evidence->contained || same_format(seen, declared) || still_looking ||
        driver_accepts(evidence))
        return false;
    const char *words;
    bool raw_misleads = evidence->declaration->hypervisor || begins_damaged(evidence) ||
                        format_after_prefix(&evidence->opening, &words);
    if (seen && !(raw_advice(seen) && raw_misleads))
        format_explain(why, "declared %s, but this is %s: %s", declared->name, seen->words,
                       seen->advice);
    else if (raw_misleads)
        format_explain(
            why,
            "declared %s, but it does not begin or end like one: compare the file with its "
            "original, which may be whole",
            declared->name);
    else
        format_explain(why,
                       "declared %s, but this is none: if it is the bare disk, create the image "
                       "with --disk-format raw",
                       declared->name);
    return true;
}

/* A short line of text is not a disk, but may be stored as raw. A longer line is a text that has
 * lost its line feeds. Headers that begin with a text do not count: only that text may be left of
 * them. */
static bool is_a_line(const struct view *body)
{
    static const char *const headers[] = {"QED", "<<< "}; /* QED, VDI */
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        if (view_is(body, 0, headers[i], strlen(headers[i])))
            return false;
    return body->count <= LINE && text_is_plain(body);
}

/* Detects what curl -d has stripped in a body that is too short for stripped(), and whose declared
 * format has no header, or no header that is checked. A disk has whole sectors. */
static bool lost_bytes(const struct evidence *evidence, char *why)
{
    const struct view *body = &evidence->opening;
    bool unmarked = evidence->declared_raw || evidence->contained;
    if (!unmarked || !evidence->whole || body->count >= SMALL || body->count % SECTOR == 0 ||
        is_a_line(body))
        return false;
    for (size_t i = 0; i < body->count; i++)
        if (body->bytes[i] == '\0' || body->bytes[i] == '\n' || body->bytes[i] == '\r')
            return false;
    format_explain(why,
                   "fewer than 4 KiB, no whole sectors and none of the bytes 0x00, 0x0A, 0x0D: "
                   "curl -d strips those");
    return true;
}

/* A header that can name other files, although another format was declared. A program that detects
 * the format from the content would open these files. */
static bool undeclared_header(const struct evidence *evidence, char *why)
{
    const struct format *seen = evidence->seen;
    if (!seen || !seen->names_files || same_format(seen, evidence->declared) ||
        driver_qcow2_as_ami(evidence) || (!evidence->declared && !evidence->declared_raw))
        return false;
    format_explain(why, "declared %s, but it has a %s header", evidence->declaration->disk_format,
                   seen->name);
    return true;
}

/* Applies to an OVA, and to a disk that is not in another container. */
static bool truncated(const struct evidence *evidence, char *why)
{
    const struct format *seen = evidence->seen;
    if (!*evidence->examination->truncated || !seen ||
        (evidence->contained && strcmp(seen->name, "ova") != 0))
        return false;
    format_explain(why, "this is %s, and %s", seen->words, evidence->examination->truncated);
    return true;
}

/* Text is not a disk. A disk may begin with text, but it has NUL bytes after it. */
static bool never_a_disk(const struct evidence *evidence, char *why)
{
    static const char *const texts[] = {"html", "xml", "json", "lfs", "checksums", NULL};
    const struct format *seen = evidence->seen;
    const struct view *opening = &evidence->opening;
    if (!evidence->declared_raw || evidence->contained || !seen ||
        !evidence_one_of(seen->name, texts) || memchr(opening->bytes, '\0', opening->count))
        return false;
    format_explain(why, "declared %s, but this is %s: %s", evidence->declaration->disk_format,
                   seen->words, seen->advice);
    return true;
}

static bool compressed(const struct evidence *evidence, char *why)
{
    static const char *const names[] = {"xz", "zstd", "bzip2", "lz4", "7z", "zip", NULL};
    const struct format *seen = evidence->seen;
    if (!evidence_declares(evidence, "raw") || evidence->contained || !seen ||
        !evidence_one_of(seen->name, names) || evidence_is_kernel_lz4(evidence))
        return false;
    format_explain(why, "declared raw, but this is %s: %s", seen->words, seen->advice);
    return true;
}

struct check {
    enum format_judgement judgement;
    bool (*violates)(const struct evidence *evidence, char *why);
};

static const struct check CHECKS[] = {
    {FORMAT_DAMAGED, prefixed_file},
    {FORMAT_MISMATCH, damaged},
    {FORMAT_UNSAFE, unsafe},
    {FORMAT_MISMATCH, is_path_text},
    {FORMAT_MISMATCH, not_an_ova},
    {FORMAT_MISMATCH, disk_format_in_raw},
    {FORMAT_MISMATCH, other_disk_format},
    {FORMAT_MISMATCH, lost_bytes},
    {FORMAT_MISMATCH, never_a_disk},
    {FORMAT_COMPRESSED, compressed},
    {FORMAT_UNSAFE, undeclared_header},
    {FORMAT_TRUNCATED, truncated},
};

/* --- remarks --------------------------------------------------------------------------- */

static const struct check REMARKS[] = {
    {FORMAT_DAMAGED, remark_no_whole_sectors},
    {FORMAT_MISMATCH, driver_remark},
    {FORMAT_COMPRESSED, remark_maybe_an_initramfs},
};

/* --- all of them ----------------------------------------------------------------------- */

static enum format_judgement first_of(const struct check *checks, size_t check_count,
                                      const struct evidence *evidence, char why[FORMAT_WORDS])
{
    *why = '\0';
    for (size_t i = 0; i < check_count; i++)
        if (evidence->declaration->counts[checks[i].judgement] && checks[i].violates(evidence, why))
            return checks[i].judgement;
    return FORMAT_GOOD;
}

static struct evidence gather_all(const struct format_declaration *declaration,
                                  const struct format_examination *examination, const void *opening,
                                  size_t count, bool whole)
{
    struct evidence evidence = gather(declaration, examination);
    evidence.opening = (struct view){count ? opening : "", count, false};
    evidence.whole = whole;
    return evidence;
}

enum format_judgement format_judge(const struct format_declaration *declaration,
                                   const struct format_examination *examination,
                                   const void *opening, size_t count, bool whole,
                                   char why[FORMAT_WORDS])
{
    struct evidence evidence = gather_all(declaration, examination, opening, count, whole);
    return first_of(CHECKS, sizeof CHECKS / sizeof *CHECKS, &evidence, why);
}

enum format_judgement format_remark(const struct format_declaration *declaration,
                                    const struct format_examination *examination,
                                    const void *opening, size_t count, bool whole,
                                    char why[FORMAT_WORDS])
{
    struct evidence evidence = gather_all(declaration, examination, opening, count, whole);
    return first_of(REMARKS, sizeof REMARKS / sizeof *REMARKS, &evidence, why);
}
