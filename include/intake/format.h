/* SPDX-License-Identifier: Apache-2.0 */
/* Recognises the format of a body from its bytes, and compares it with the format that was
 * declared.
 *
 * An examination begins with the opening of the body. It may ask for further looks, each at a later
 * position. The result depends on the bytes only; this folder does no I/O. */
#ifndef INTAKE_FORMAT_H
#define INTAKE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct format;

enum {
    FORMAT_OPENING = 64 * 1024,  /* bytes of the first look, fewer if the body is smaller */
    FORMAT_LOOK_MAX = 64 * 1024, /* bytes of each further look */
    FORMAT_WORDS = 192
};

/* Set in an offset: the look is at the last bytes of the body. */
#define FORMAT_FROM_END (UINT64_C(1) << 63)

#define FORMAT_LENGTH_UNKNOWN UINT64_MAX

/* Where to look next: `length` bytes at `offset`, or with FORMAT_FROM_END the last `length` bytes
 * of the body. Length 0: no further look. Looks never go back: each begins at or after the end of
 * the previous one. Only the first look may begin within the opening, if it is from the end. */
struct format_look {
    uint64_t offset;
    size_t length;
};

/* The results so far. Texts are clauses without a full stop, or "". They contain no bytes of the
 * body except printable ASCII. */
struct format_examination {
    const char *seen;        /* name of the format: "qcow2", "iso", ...; NULL: not recognised */
    bool virtual_size_known; /* true for every disk format that has a virtual size */
    uint64_t virtual_size;   /* bytes */
    uint64_t length;         /* of the whole body; FORMAT_LENGTH_UNKNOWN: not known yet */
    uint64_t needed; /* the body has at least this many bytes by its own header; 0: unknown */
    char broken[FORMAT_WORDS];    /* it begins like `seen`, but is not valid */
    char unsafe[FORMAT_WORDS];    /* a program that opens it would read other files */
    char truncated[FORMAT_WORDS]; /* its end is missing */
    struct format_look next;
    const struct format *format; /* the format that asked for the look */
    uint64_t step;               /* private to the format, kept between its looks */
    uint64_t saved[5];           /* likewise */
};

/* `count` is FORMAT_OPENING, or less if that is the whole body. `disk_format` is the declared one:
 * some formats (fixed vhd) differ from raw only at their end. `length`: of the whole body, or
 * FORMAT_LENGTH_UNKNOWN. */
void format_examine(const void *opening, size_t count, const char *disk_format, uint64_t length,
                    struct format_examination *out);

/* Examines the bytes that `next` asked for. If `count` is smaller, the body ended there. */
void format_examine_more(struct format_examination *examination, const void *bytes, size_t count);

/* The body has ended with `length` bytes. True: it is truncated, which was not known before. */
bool format_examine_end(struct format_examination *examination, uint64_t length);

/* What an image is to declare for its data. The names are Glance's, and string literals. */
struct format_found {
    const char *disk_format; /* NULL: not found */
    const char *container_format;
    bool virtual_size_known;
    uint64_t virtual_size;   /* bytes, of the disk in the data */
    char seen[FORMAT_WORDS]; /* if not found: what it looks like instead, as a clause, or "" */
    bool compressed;         /* and that is compressed data */
};

/* The formats that format_find() knows, as a list for messages. */
extern const char FORMATS_LOOKED_FOR[];

/* `opening`, `count` and `length` are as for format_examine(). False: it is no format that an image
 * would declare. */
bool format_find(const void *opening, size_t count, uint64_t length, struct format_found *out);

enum format_judgement {
    FORMAT_GOOD,
    FORMAT_MISMATCH,  /* not the declared format */
    FORMAT_UNSAFE,    /* it refers to other files, as in CVE-2024-32498 */
    FORMAT_DAMAGED,   /* changed in transfer */
    FORMAT_TRUNCATED, /* the end is missing */
    FORMAT_COMPRESSED,
    FORMAT_JUDGEMENTS
};

/* What the image declares. disk_format and container_format are not NULL. `counts` says which
 * judgements may be returned; the others are skipped. */
struct format_declaration {
    const char *disk_format;
    const char *container_format;
    bool counts[FORMAT_JUDGEMENTS];
    const char *vmware_disktype; /* properties, as struct image has them; NULL: none */
    const char *hypervisor;
};

/* `why` gets a clause that says what the body looks like and what to do about it: "declared raw,
 * but this is qcow2: create the image with --disk-format qcow2". Call it after the opening and
 * after each further look, with the same `opening` and `count` (keep the opening until the last
 * look). `whole`: the opening is the whole body. After the end of the body `count` may be 0,
 * because checks of the opening have been done. */
enum format_judgement format_judge(const struct format_declaration *declaration,
                                   const struct format_examination *examination,
                                   const void *opening, size_t count, bool whole,
                                   char why[FORMAT_WORDS]);

/* As format_judge(), for judgements that are only worth a warning, such as data that only some
 * hypervisors accept under the declared name. Call it if format_judge() has found nothing. */
enum format_judgement format_remark(const struct format_declaration *declaration,
                                    const struct format_examination *examination,
                                    const void *opening, size_t count, bool whole,
                                    char why[FORMAT_WORDS]);

/* What Glance 2025.1 and later refuses after its store has the whole image. The opening alone is
 * enough to tell. Some of it can be switched off in Glance's configuration, so each kind is
 * separate (glance/location.py, set_data(); glance/common/config.py, [image_format]):
 *
 *     GLANCE_MISMATCH     the inspected format is not disk_format; require_image_format_match
 *     GLANCE_UNSAFE       a safety check fails; cannot be switched off
 *     GLANCE_BOOT_SECTOR  the check of a boot sector fails; gpt_safety_checks_nonfatal = mbr */
enum glance_objection {
    GLANCE_TAKES_IT,
    GLANCE_MISMATCH,
    GLANCE_UNSAFE,
    GLANCE_BOOT_SECTOR,
    GLANCE_OBJECTIONS
};

/* The bit of an objection in a set. */
#define GLANCE_OBJECTION_BIT(objection) (1U << (objection))

/* The set of all objections. */
#define GLANCE_OBJECTIONS_ALL                                                                      \
    (GLANCE_OBJECTION_BIT(GLANCE_MISMATCH) | GLANCE_OBJECTION_BIT(GLANCE_UNSAFE) |                 \
     GLANCE_OBJECTION_BIT(GLANCE_BOOT_SECTOR))

/* `opening` and `count` are as for format_examine(). `why` gets a clause that says what Glance sees
 * and what to do about it, or "" if Glance accepts the data. In commands FILE and COPY stand for
 * the name of the file and the name of the converted file. */
enum glance_objection format_glance_objects(const struct format_declaration *declaration,
                                            const void *opening, size_t count,
                                            char why[FORMAT_WORDS]);

#endif
