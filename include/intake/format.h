/* SPDX-License-Identifier: Apache-2.0 */
/* What a body is, read from its bytes, and whether that is what the image says it is.
 *
 * An examination begins with the opening of the body and may ask for one more look after another,
 * each further on. It is a pure function of the bytes: nothing here knows where they come from. */
#ifndef INTAKE_FORMAT_H
#define INTAKE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct format;

enum {
    FORMAT_OPENING = 64 * 1024,  /* bytes of the first look, fewer if the body is smaller */
    FORMAT_LOOK_MAX = 64 * 1024, /* bytes of any further one */
    FORMAT_WORDS = 192
};

/* Counted from the end of the body, for a look at its last bytes. */
#define FORMAT_FROM_END (UINT64_C(1) << 63)

#define FORMAT_LENGTH_UNKNOWN UINT64_MAX

/* Where to look next: `length` bytes at `offset`, or, with FORMAT_FROM_END set, the body's last
 * `length` bytes. length 0: nothing more to see. Looks never go back: each begins at or after the
 * end of the one before; only a first one from the end may begin within the opening. */
struct format_look {
    uint64_t offset;
    size_t length;
};

/* What was found out so far. Texts are clauses without a full stop, "" where there is nothing to
 * say; bytes of the body never stand in them but for printable ASCII. */
struct format_examination {
    const char *seen;        /* "qcow2", "iso", ...: the format's name; NULL: none that is known */
    bool virtual_size_known; /* of every disk format that has one of its own */
    uint64_t virtual_size;   /* bytes */
    uint64_t length;         /* of the whole body; FORMAT_LENGTH_UNKNOWN: nobody has said it yet */
    uint64_t needed; /* bytes that its own header says it has, or more; 0: it does not say */
    char broken[FORMAT_WORDS];    /* it begins like `seen`, and cannot be that */
    char unsafe[FORMAT_WORDS];    /* it would have others read files that are not its own */
    char truncated[FORMAT_WORDS]; /* a part of it is missing at its end */
    struct format_look next;
    const struct format *format; /* whose looks they are */
    uint64_t step;               /* the format's own, between its looks */
    uint64_t kept[4];            /* likewise */
};

/* `count` is FORMAT_OPENING, or less, and then all of the body. `disk_format` is the image's: some
 * formats (fixed vhd) cannot be told from raw but at their end. `length`: of the whole body, or
 * FORMAT_LENGTH_UNKNOWN. */
void format_examine(const void *opening, size_t count, const char *disk_format, uint64_t length,
                    struct format_examination *out);

/* The bytes that `next` asked for; `count` less than that: the body ended before. */
void format_examine_more(struct format_examination *examination, const void *bytes, size_t count);

/* The body is over, and had `length` bytes. True: only now it is clear that it is truncated. */
bool format_examine_end(struct format_examination *examination, uint64_t length);

enum format_judgement {
    FORMAT_GOOD,
    FORMAT_MISMATCH,  /* not what the image says */
    FORMAT_UNSAFE,    /* CVE-2024-32498 and its kind */
    FORMAT_DAMAGED,   /* changed on its way */
    FORMAT_TRUNCATED, /* the end is missing */
    FORMAT_COMPRESSED,
    FORMAT_JUDGEMENTS
};

/* What the image says of itself: disk_format and container_format (neither NULL), and which of the
 * judgements count: one that does not is passed over, and the others are looked for. */
struct format_claim {
    const char *disk_format;
    const char *container_format;
    bool counts[FORMAT_JUDGEMENTS];
    const char *vmware_disktype; /* properties, as struct image has them; NULL: none */
    const char *hypervisor;
};

/* `why` gets a clause that says what the body looks like and what to do about it: "declared raw,
 * but this is qcow2: create the image with --disk-format qcow2". Called after the opening and after
 * each further look; `opening` and `count` as before (the opening is kept until the last look).
 * After the end `count` may be 0: what only the opening tells was judged before. */
enum format_judgement format_judge(const struct format_claim *claim,
                                   const struct format_examination *examination,
                                   const void *opening, size_t count, bool whole,
                                   char why[FORMAT_WORDS]);

/* The same for what is only worth a warning, where nothing is objected to: data that some
 * hypervisor takes under this name, and others do not. */
enum format_judgement format_remark(const struct format_claim *claim,
                                    const struct format_examination *examination,
                                    const void *opening, size_t count, bool whole,
                                    char why[FORMAT_WORDS]);

/* What Glance 2025.1 and later refuses after its store has everything, told from the opening alone.
 * Glance's configuration switches some of it, so each kind counts by itself (glance/location.py,
 * set_data(); glance/common/config.py, [image_format]):
 *
 *     GLANCE_MISMATCH     what its inspectors see is not disk_format; require_image_format_match
 *     GLANCE_UNSAFE       one of their safety checks fails; no switch
 *     GLANCE_BOOT_SECTOR  the one of a boot sector fails; gpt_safety_checks_nonfatal = mbr */
enum glance_objection {
    GLANCE_TAKES_IT,
    GLANCE_MISMATCH,
    GLANCE_UNSAFE,
    GLANCE_BOOT_SECTOR,
    GLANCE_OBJECTIONS
};

/* For sets of them. */
#define GLANCE_OBJECTION_BIT(violation) (1U << (violation))

/* Every kind of objection. */
#define GLANCE_OBJECTIONS_ALL                                                                      \
    (GLANCE_OBJECTION_BIT(GLANCE_MISMATCH) | GLANCE_OBJECTION_BIT(GLANCE_UNSAFE) |                 \
     GLANCE_OBJECTION_BIT(GLANCE_BOOT_SECTOR))

/* `opening` and `count` as for format_examine(). `why` gets a clause that says what Glance sees and
 * what to do about it, "" where it takes the data. A command in it has FILE and COPY in place of
 * the file's name and that of what is made of it. */
enum glance_objection format_glance_objects(const struct format_claim *claim, const void *opening,
                                            size_t count, char why[FORMAT_WORDS]);

#endif
