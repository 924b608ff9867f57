/* SPDX-License-Identifier: Apache-2.0 */
/* Predicts whether Glance 2025.1 and later refuses a body. Glance stores the data first. Then it
 * answers 415; the image keeps the hash and the object, and takes no other data.
 *
 * The rules are those of set_data() in glance/location.py (the same from stable/2025.1 to
 * stable/2026.1) with the inspectors of oslo_utils/imageutils/format_inspector.py (8.2 to 10):
 *
 * - Only an image with container_format `bare` is inspected.
 * - Every inspector sees the data, independent of the declared format. If none recognises it, the
 *   format is `raw`.
 * - ISO and boot sector together are an ISO. Any other two together are refused.
 * - The recognised format must be the declared one. Declared `raw`, the data may be anything except
 *   an ISO with a boot sector: for that, Glance fails in its own warning. A format without an
 *   inspector (ami, aki, ari, ploop) is accepted if no inspector recognises the data.
 * - The safety checks of the recognised format must pass.
 *
 * Glance looks for the header of a VHD at its beginning. So a fixed VHD is `raw`, or a boot
 * sector. */
#include "format/format_priv.h"

#include <string.h>

enum { SECTOR = 512, ISO_SEEN = 34 * 1024 };

/* A row matches if the body has at least `least` bytes and the magic at `at`. The rows are in the
 * order in which Glance names the formats. A format may have several rows. */
static const struct inspector {
    const char *name;
    size_t at;
    const char *magic;
    size_t length;
    size_t least;
} INSPECTORS[] = {
    {"qcow2", 0, "QFI\xFB", 4, SECTOR},
    {"vhd", 0, "conectix", 8, 0},
    {"vhdx", 0, "vhdxfile", 8, 0},
    {"vmdk", 0, "KDMV", 4, 0},
    {"vdi", 64, "\x7F\x10\xDA\xBE", 4, SECTOR},
    {"qed", 0, "QED\0", 4, SECTOR},
    {"iso", 32769, "CD001", 5, ISO_SEEN},
    {"iso", 32769, "NSR02", 5, ISO_SEEN},
    {"iso", 32769, "NSR03", 5, ISO_SEEN},
    {"luks", 0, "LUKS\xBA\xBE", 6, 0},
};

enum { SEEN_MAX = 8 };

struct detection {
    const char *names[SEEN_MAX];
    size_t count;
};

static void detect(const struct view *opening, struct detection *out)
{
    out->count = 0;
    for (size_t i = 0; i < sizeof INSPECTORS / sizeof *INSPECTORS; i++) {
        const struct inspector *row = &INSPECTORS[i];
        if (opening->count >= row->least && view_is(opening, row->at, row->magic, row->length))
            out->names[out->count++] = row->name;
    }
    if (glance_boot_sector(opening))
        out->names[out->count++] = "gpt";
}

static bool has_detected(const struct detection *detection, const char *name)
{
    for (size_t i = 0; i < detection->count; i++)
        if (!strcmp(detection->names[i], name))
            return true;
    return false;
}

/* --- messages for a mismatch ----------------------------------------------------------- */

static void say_several(const struct detection *detection, char *why)
{
    format_explain(why,
                   "Glance sees several formats in it at once, %s and %s, and takes no such data",
                   detection->names[0], detection->names[1]);
}

/* No inspector recognises the data, or it begins with a boot sector: it may be a raw disk. */
static void say_unrecognised(const char *declared, char *why)
{
    if (!strcmp(declared, "vhd"))
        format_explain(
            why,
            "declared vhd, and Glance takes a VHD only if it begins with its header, "
            "which a fixed one does not: convert it with qemu-img convert -f vpc -O vpc FILE COPY");
    else if (!strcmp(declared, "vmdk"))
        format_explain(
            why, "declared vmdk, and Glance takes no flat data under that name: convert it "
                 "with qemu-img convert -f raw -O vmdk -o subformat=streamOptimized FILE COPY");
    else if (!strcmp(declared, "iso"))
        format_explain(why, "declared iso, and Glance sees none in it: " GLANCE_AS_QCOW2);
    else
        format_explain(
            why,
            "declared %s, and Glance does not see that in it: if it is the bare disk, create "
            "the image with --disk-format raw",
            declared);
}

/* Glance does not inspect data in an ami, aki or ari container, such as a kernel with a boot
 * sector. */
static void say_boot_sector(const char *declared, char *why)
{
    static const char *const with_container[] = {"ami", "aki", "ari", NULL};
    if (evidence_one_of(declared, with_container))
        format_explain(why,
                       "declared %s, and Glance sees a boot sector in it: create the image with "
                       "--container-format %s, which Glance does not look into",
                       declared, declared);
    else
        say_unrecognised(declared, why);
}

static void say_seen(const char *declared, const char *seen, char *why)
{
    if (!strcmp(seen, "raw"))
        say_unrecognised(declared, why);
    else if (!strcmp(seen, "gpt"))
        say_boot_sector(declared, why);
    else if (!strcmp(seen, "luks") || !strcmp(seen, "qed"))
        format_explain(why, "declared %s, and Glance sees %s in it: " GLANCE_AS_QCOW2, declared,
                       seen);
    else
        format_explain(
            why, "declared %s, and Glance sees %s in it: create the image with --disk-format %s",
            declared, seen, seen);
}

/* --- the comparison -------------------------------------------------------------------- */

/* True: Glance has an inspector for the format. For others it accepts data that it does not
 * recognise. */
static bool is_inspected(const char *disk_format)
{
    static const char *const names[] = {"raw", "qcow2", "vhd", "vhdx", "vmdk", "vdi",
                                        "iso", "qed",   "gpt", "luks", NULL};
    return evidence_one_of(disk_format, names);
}

/* Glance's name for the recognised format. NULL: several formats at once. */
static const char *seen_as(const struct detection *detection)
{
    if (detection->count == 2 && has_detected(detection, "iso") && has_detected(detection, "gpt"))
        return "iso";
    return detection->count == 0 ? "raw" : detection->count == 1 ? detection->names[0] : NULL;
}

static bool matches(const struct detection *detection, const char *seen, const char *declared)
{
    if (!strcmp(declared, "raw"))
        return detection->count < 2;
    return !strcmp(seen, declared) || (detection->count == 0 && !is_inspected(declared));
}

enum glance_objection format_glance_objects(const struct format_declaration *declaration,
                                            const void *opening, size_t count,
                                            char why[FORMAT_WORDS])
{
    const struct view view = {count ? opening : "", count, false};
    const char *declared = declaration->disk_format;
    struct detection detection;
    *why = '\0';
    if (strcmp(declaration->container_format, "bare") != 0)
        return GLANCE_TAKES_IT;
    detect(&view, &detection);
    const char *seen = seen_as(&detection);
    if (!seen) {
        say_several(&detection, why);
        return GLANCE_MISMATCH;
    }
    if (!matches(&detection, seen, declared)) {
        say_seen(declared, seen, why);
        return GLANCE_MISMATCH;
    }
    return glance_safety(seen, &view, why);
}
