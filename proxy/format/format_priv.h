/* SPDX-License-Identifier: Apache-2.0 */
/* How a body is recognised, and how what was recognised is judged.
 *
 *     table.c        THE table: one row per format, in the order they are tried
 *     qcow2.c, ...   what one format's header says: one file per format with a structure of its own
 *     texts.c        bodies that are text
 *     front.c        what a program has put in front of the file
 *     view.c         numbers out of the bytes of a look
 *     words.c        what is said of them
 *     examine.c      table + look -> examination
 *     judge.c        claim + examination -> judgement and words
 *     drivers.c      what a hypervisor takes under another name
 *     remarks.c      what is only worth a warning
 *
 * and, by itself, for what Glance makes of a body:
 *
 *     glance_checks.c   what its inspectors see, against what was declared
 *     glance_safety.c   their safety checks
 *     glance_vmdk.c     the one of a VMDK's descriptor
 */
#ifndef FORMAT_PRIV_H
#define FORMAT_PRIV_H

#include "intake/format.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- view.c ---------------------------------------------------------------------------- */

/* The bytes of one look. Reading where there are none gives 0 and sets `beyond`, which stays: read
 * straight through, ask once at the end. */
struct view {
    const unsigned char *bytes;
    size_t count;
    bool beyond;
};

uint8_t view_u8(struct view *view, size_t at);
uint16_t view_be16(struct view *view, size_t at);
uint32_t view_be32(struct view *view, size_t at);
uint64_t view_be64(struct view *view, size_t at);
uint16_t view_le16(struct view *view, size_t at);
uint32_t view_le32(struct view *view, size_t at);
uint64_t view_le64(struct view *view, size_t at);

/* Are all of these bytes in view? Does not set `beyond`. */
bool view_has(const struct view *view, uint64_t at, uint64_t length);

/* Do these bytes stand there? Not in view is no, and does not set `beyond`. */
bool view_is(const struct view *view, uint64_t at, const void *bytes, size_t length);

/* --- words.c --------------------------------------------------------------------------- */

/* Says it in `out`, unless something was said there before: the first cause is kept. What is not
 * printable ASCII becomes '?', and what does not fit ends in "...". */
void words_say(char out[FORMAT_WORDS], const char *text, ...) __attribute__((format(printf, 2, 3)));

/* Sets the virtual size, `count` times `unit` bytes, or says that there can be no such size. */
void words_size(struct format_examination *out, uint64_t count, uint64_t unit);

/* By its header the body has at least `count` times `unit` bytes. */
void words_need(struct format_examination *out, uint64_t count, uint64_t unit);

/* --- table.c --------------------------------------------------------------------------- */

struct format {
    const char *name;   /* Glance's, if it has one */
    const char *words;  /* stands behind "this is" */
    const char *advice; /* what to do about it, where something else was declared */
    bool disk;          /* a disk format: never welcome as raw */
    bool nests;         /* its header can name files of others: CVE-2024-32498 */

    size_t at; /* where the magic stands */
    const char *magic;
    size_t length;                             /* of the magic; 0: it has none */
    bool (*holds)(const struct view *opening); /* what else must hold; NULL: nothing */

    /* What the opening says; NULL: nothing that matters. */
    void (*examine)(struct view *opening, struct format_examination *out);
    /* What a further look says; `look` is where it was. */
    void (*examine_more)(struct view *view, const struct format_look *look,
                         struct format_examination *out);
    /* For an image that is declared to be this, and whose opening does not show it. */
    void (*examine_unmarked)(const struct format *declared, struct view *opening,
                             struct format_examination *out);
};

/* The first row that the opening fits; NULL: none. */
const struct format *format_recognised(const struct view *opening);

/* The first row of that name; NULL: none. */
const struct format *format_named(const char *name);

/* --- one format each ------------------------------------------------------------------- */

bool qcow_holds(const struct view *opening); /* version 1 */
void qcow_examine(struct view *opening, struct format_examination *out);
void qcow2_examine(struct view *opening, struct format_examination *out);
void qcow2_examine_more(struct view *view, const struct format_look *look,
                        struct format_examination *out);
struct qcow2_tables {
    uint32_t cluster_bits;
    bool extended; /* L2 */
    uint64_t l1_offset;
    uint32_t l1_entries;
};
void qcow2_examine_tables(struct view *opening, const struct qcow2_tables *tables,
                          struct format_examination *out);
void qed_examine(struct view *opening, struct format_examination *out);
void vmdk_examine(struct view *opening, struct format_examination *out);
void vmdk_examine_more(struct view *view, const struct format_look *look,
                       struct format_examination *out);
struct vmdk_tables {
    uint64_t capacity, grain; /* sectors */
    uint32_t entries;         /* grains in a table */
    uint64_t directory;       /* its sector */
};
void vmdk_examine_tables(struct view *opening, const struct vmdk_tables *tables,
                         struct format_examination *out);
void vmdk_tables_more(struct view *view, const struct format_look *look,
                      struct format_examination *out);
void vmdk_cowd_examine(struct view *opening, struct format_examination *out);
bool vmdk_text_holds(const struct view *opening);
void vmdk_text_examine(struct view *opening, struct format_examination *out);
void vmdk_examine_unmarked(const struct format *declared, struct view *opening,
                           struct format_examination *out);
void vhd_examine(struct view *opening, struct format_examination *out);
void vhd_examine_more(struct view *view, const struct format_look *look,
                      struct format_examination *out);
void vhd_examine_unmarked(const struct format *declared, struct view *opening,
                          struct format_examination *out);
void vhdx_examine(struct view *opening, struct format_examination *out);
void vhdx_examine_more(struct view *view, const struct format_look *look,
                       struct format_examination *out);
void vdi_examine(struct view *opening, struct format_examination *out);
void ploop_examine(struct view *opening, struct format_examination *out);
bool iso_holds(const struct view *opening);
void iso_examine(struct view *opening, struct format_examination *out);
void gpt_examine(struct view *opening, struct format_examination *out);
bool ova_holds(const struct view *opening);
bool ova_v7_holds(const struct view *opening);
void ova_examine(struct view *opening, struct format_examination *out);
void ova_examine_more(struct view *view, const struct format_look *look,
                      struct format_examination *out);

/* The descriptor of a VMDK: `text` up to its first NUL. */
void vmdk_descriptor_examine(const char *text, size_t count, char unsafe[FORMAT_WORDS]);

/* --- texts.c --------------------------------------------------------------------------- */

bool text_is_html(const struct view *opening);
bool text_is_xml(const struct view *opening);
bool text_is_json(const struct view *opening);
bool text_is_lfs_pointer(const struct view *opening); /* what git has instead of a large file */
bool text_is_checksums(const struct view *opening);   /* a list, as of sha256sum */

/* Does it begin like text (UTF-8, no control characters but white space)? Not if it is empty. */
bool text_is_plain(const struct view *opening);

/* Is the whole body one line, the path or the name of a file? `path` then gets it, without what
 * stands around it; cut to its size. */
enum { TEXT_PATH_MAX = 1024 };
bool text_is_path(const struct view *body, char path[TEXT_PATH_MAX + 1]);

/* --- front.c --------------------------------------------------------------------------- */

/* The file that begins behind something which is no part of it; `words` then says what that is.
 * NULL: nothing stands there, or nothing known behind it. */
const struct format *front_of(const struct view *opening, const char **words);

/* --- judge.c, drivers.c, remarks.c -------------------------------------------------------------
 */

/* All that a check goes by. */
struct evidence {
    const struct format_claim *claim;
    const struct format_examination *examination;
    const struct format *seen;     /* NULL: nothing that is known */
    const struct format *declared; /* NULL: not in the table */
    bool declared_raw;             /* or what is kept like it */
    bool
        contained; /* the container format has its own form, and disk_format is of what is inside */
    struct view opening;
    bool whole;
};

bool evidence_one_of(const char *word, const char *const *words);
bool evidence_seen_is(const struct evidence *evidence, const char *name);
bool evidence_claims(const struct evidence *evidence, const char *disk_format);
bool evidence_is_kernel_lz4(const struct evidence *evidence);

/* The data is not what disk_format says in so many words, but some hypervisor's driver takes it. */
bool driver_takes_it(const struct evidence *evidence);
bool driver_qcow2_as_ami(const struct evidence *evidence);
/* The same in words, where it is worth a warning. */
bool driver_named(const struct evidence *evidence, char *why);
bool remark_maybe_an_initramfs(const struct evidence *evidence, char *why);
/* Once there is nothing more to look at. */
bool remark_no_whole_sectors(const struct evidence *evidence, char *why);

/* --- glance_checks.c, glance_safety.c and glance_vmdk.c --------------------------------- */

/* What to do with a bare disk that Glance does not take as it is: within a qcow2 it does not look
 * at what the disk holds. */
#define GLANCE_AS_QCOW2                                                                            \
    "convert it with qemu-img convert -f raw -O qcow2 FILE COPY and create the image with "        \
    "--disk-format qcow2"

/* Does Glance's inspector of boot sectors ("gpt") see one? Not in the sector of a FAT. */
bool glance_boot_sector(const struct view *opening);

/* The safety checks of that inspector, by Glance's name of it; `why` as for
 * format_glance_objects(). */
enum glance_objection glance_safety(const char *inspector, const struct view *opening, char *why);

/* False: Glance would not take the descriptor behind the header, and `why` says why not. */
bool glance_takes_descriptor(const struct view *opening, char *why);

#endif
