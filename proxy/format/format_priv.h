/* SPDX-License-Identifier: Apache-2.0 */
/* Declarations shared by the files that recognise and judge formats.
 *
 *     table.c        THE table: one row per format, in the order in which they are tried
 *     qcow2.c, ...   reads the header of one format: one file per format that has a structure
 *     texts.c        recognises text
 *     front.c        recognises a file with a prefix, such as HTTP headers
 *     view.c         reads numbers from the bytes of a look
 *     examination.c  writes the results into an examination
 *     examine.c      table + look -> examination
 *     judge.c        declaration + examination -> judgement and words
 *     drivers.c      data that a hypervisor accepts under the name of another format
 *     remarks.c      judgements that are only worth a warning
 *     find.c         opening -> what an image is to declare for it
 *
 * These files are independent of the others, and do what Glance does:
 *
 *     glance_checks.c   compares what Glance's inspectors see with what was declared
 *     glance_safety.c   the inspectors' safety checks
 *     glance_vmdk.c     the safety check of a VMDK's descriptor
 */
#ifndef FORMAT_PRIV_H
#define FORMAT_PRIV_H

#include "intake/format.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- view.c ---------------------------------------------------------------------------- */

/* The bytes of one look. A read past the end returns 0 and sets `out_of_bounds`, which stays set.
 * So a caller can read all fields first, and check `out_of_bounds` once. */
struct view {
    const unsigned char *bytes;
    size_t count;
    bool out_of_bounds;
};

uint8_t view_u8(struct view *view, size_t at);
uint16_t view_be16(struct view *view, size_t at);
uint32_t view_be32(struct view *view, size_t at);
uint64_t view_be64(struct view *view, size_t at);
uint16_t view_le16(struct view *view, size_t at);
uint32_t view_le32(struct view *view, size_t at);
uint64_t view_le64(struct view *view, size_t at);

/* True: all of these bytes are in the view. Does not set `out_of_bounds`. */
bool view_has(const struct view *view, uint64_t at, uint64_t length);

/* True: the view has these bytes at this position. Does not set `out_of_bounds`. */
bool view_is(const struct view *view, uint64_t at, const void *bytes, size_t length);

/* --- examination.c --------------------------------------------------------------------  */

/* Writes the text to `out`, unless `out` has a text already: the first cause is kept. Bytes that
 * are not printable ASCII become '?'. A text that does not fit ends in "...". */
void format_explain(char out[FORMAT_WORDS], const char *text, ...)
    __attribute__((format(printf, 2, 3)));

/* Sets the virtual size to `count` times `unit` bytes. If that is too large, sets `broken`. */
void examination_set_size(struct format_examination *out, uint64_t count, uint64_t unit);

/* By its header the body has at least `count` times `unit` bytes: raises `needed`. */
void examination_set_need(struct format_examination *out, uint64_t count, uint64_t unit);

/* --- table.c --------------------------------------------------------------------------- */

struct format {
    const char *name;   /* Glance's name, if it has one */
    const char *words;  /* follows "this is" in messages */
    const char *advice; /* what to do if another format was declared */
    bool disk;          /* a disk format: must not be declared raw */
    bool names_files;   /* its header can name other files: CVE-2024-32498 */

    size_t at; /* offset of the magic */
    const char *magic;
    size_t length;                                    /* of the magic; 0: it has none */
    bool (*also_matches)(const struct view *opening); /* a further condition; NULL: none */

    /* Examines the opening. NULL: nothing to examine. */
    void (*examine)(struct view *opening, struct format_examination *out);
    /* Examines a further look; `look` is its position. */
    void (*examine_more)(struct view *view, const struct format_look *look,
                         struct format_examination *out);
    /* Examines an opening that was declared to have this format, and was not recognised as it. */
    void (*examine_unmarked)(const struct format *declared, struct view *opening,
                             struct format_examination *out);
};

/* The first row that matches the opening. NULL: none. */
const struct format *format_recognised(const struct view *opening);

/* The first row with that name. NULL: none. */
const struct format *format_named(const char *name);

/* --- the formats ----------------------------------------------------------------------- */

bool qcow_matches(const struct view *opening); /* version 1 */
void qcow_examine(struct view *opening, struct format_examination *out);
void qcow2_examine(struct view *opening, struct format_examination *out);
void qcow2_examine_more(struct view *view, const struct format_look *look,
                        struct format_examination *out);
struct qcow2_tables {
    uint32_t cluster_bits;
    bool extended; /* extended L2 entries */
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
    uint64_t directory;       /* sector of the grain directory */
};
void vmdk_examine_tables(struct view *opening, const struct vmdk_tables *tables,
                         struct format_examination *out);
void vmdk_tables_more(struct view *view, const struct format_look *look,
                      struct format_examination *out);
void vmdk_cowd_examine(struct view *opening, struct format_examination *out);
bool vmdk_text_matches(const struct view *opening);
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
bool iso_matches(const struct view *opening);
void iso_examine(struct view *opening, struct format_examination *out);
void gpt_examine(struct view *opening, struct format_examination *out);
bool ova_matches(const struct view *opening);
bool ova_v7_matches(const struct view *opening);
void ova_examine(struct view *opening, struct format_examination *out);
void ova_examine_more(struct view *view, const struct format_look *look,
                      struct format_examination *out);

/* Examines the descriptor of a VMDK: `text` up to its first NUL. */
void vmdk_descriptor_examine(const char *text, size_t count, char unsafe[FORMAT_WORDS]);

/* --- texts.c --------------------------------------------------------------------------- */

bool text_is_html(const struct view *opening);
bool text_is_xml(const struct view *opening);
bool text_is_json(const struct view *opening);
bool text_is_lfs_pointer(const struct view *opening); /* Git LFS's placeholder for a large file */
bool text_is_checksums(const struct view *opening);   /* a list, as from sha256sum */

/* True: the opening is text (UTF-8, no control characters except white space), and not empty. */
bool text_is_plain(const struct view *opening);

/* True: the whole body is one line with the path or the name of a file. `path` then gets it,
 * without quotes and white space around it. */
enum { TEXT_PATH_MAX = 1024 };
bool text_is_path(const struct view *body, char path[TEXT_PATH_MAX + 1]);

/* --- front.c --------------------------------------------------------------------------- */

/* The format of a file that follows a prefix; `words` then describes the prefix. NULL: there is no
 * prefix, or no known format after it. */
const struct format *format_after_prefix(const struct view *opening, const char **words);

/* --- judge.c, drivers.c, remarks.c ----------------------------------------------------- */

/* The input of all checks. */
struct evidence {
    const struct format_declaration *declaration;
    const struct format_examination *examination;
    const struct format *seen;     /* NULL: not recognised */
    const struct format *declared; /* NULL: no disk format of the table */
    bool declared_raw;             /* or ami, ari, aki, which are stored like raw */
    bool contained;                /* disk_format describes what is inside the container */
    struct view opening;
    bool whole;
};

bool evidence_one_of(const char *word, const char *const *words);
bool evidence_seen_is(const struct evidence *evidence, const char *name);
bool evidence_declares(const struct evidence *evidence, const char *disk_format);
bool evidence_is_kernel_lz4(const struct evidence *evidence);

/* True: the data is not in disk_format, but a hypervisor's driver accepts it under that name. */
bool driver_accepts(const struct evidence *evidence);
bool driver_qcow2_as_ami(const struct evidence *evidence);
/* True: this is worth a warning, and `why` has its text. */
bool driver_remark(const struct evidence *evidence, char *why);
bool remark_maybe_an_initramfs(const struct evidence *evidence, char *why);
/* Returns false while the format asks for a further look. */
bool remark_no_whole_sectors(const struct evidence *evidence, char *why);

/* --- glance_checks.c, glance_safety.c and glance_vmdk.c -------------------------------- */

/* The advice for a raw disk that Glance does not accept as it is. Glance does not inspect the disk
 * inside a qcow2. */
#define GLANCE_AS_QCOW2                                                                            \
    "convert it with qemu-img convert -f raw -O qcow2 FILE COPY and create the image with "        \
    "--disk-format qcow2"

/* True: Glance's inspector of boot sectors ("gpt") recognises one. It ignores those of a FAT. */
bool glance_boot_sector(const struct view *opening);

/* Runs the safety checks of the inspector with that name in Glance. `why` is as for
 * format_glance_objects(). */
enum glance_objection glance_safety(const char *inspector, const struct view *opening, char *why);

/* False: Glance would not accept the descriptor after the header, and `why` says why. */
bool glance_accepts_descriptor(const struct view *opening, char *why);

#endif
