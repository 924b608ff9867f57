/* SPDX-License-Identifier: Apache-2.0 */
/* What Glance 2025.1 and later makes of a body. Its store gets the data first; then the upload is
 * answered 415, and the image keeps the hash and the object and takes no other data.
 *
 * The rules are those of set_data() in glance/location.py (stable/2025.1 to stable/2026.1 have the
 * same) with the inspectors of oslo_utils/imageutils/format_inspector.py (8.2 to 10):
 *
 *   - Only an image with container_format `bare` is inspected.
 *   - Every inspector sees the data, whatever was declared. What none of them knows is `raw`.
 *   - ISO and boot sector at once are an ISO; any other two at once are refused.
 *   - What is seen must be what was declared. `raw` may be anything, but for an ISO with a boot
 *     sector: there Glance's own warning about it fails. A format that has no inspector (ami, aki,
 *     ari, ploop) may be what none of them knows.
 *   - The safety checks of what was seen must hold.
 *
 * A VHD has its header at its beginning for Glance: a fixed one is `raw`, or a boot sector. */
#include "format/format_priv.h"

#include <string.h>

enum { SECTOR = 512, ISO_SEEN = 34 * 1024 };

/* A row matches by its magic, in a body of at least `least` bytes; in the order of Glance's names
 * for them. A format may have several rows. */
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

struct sight {
    const char *names[SEEN_MAX];
    size_t count;
};

static void look(const struct view *opening, struct sight *out)
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

static bool sees(const struct sight *sight, const char *name)
{
    for (size_t i = 0; i < sight->count; i++)
        if (!strcmp(sight->names[i], name))
            return true;
    return false;
}

/* --- what is said of a mismatch --------------------------------------------------------- */

static void say_several(const struct sight *sight, char *why)
{
    words_say(why, "Glance sees several formats in it at once, %s and %s, and takes no such data",
              sight->names[0], sight->names[1]);
}

/* No inspector knows it, or it begins with a boot sector: it can be a disk without any header. */
static void say_bare(const char *declared, char *why)
{
    if (!strcmp(declared, "vhd"))
        words_say(
            why,
            "declared vhd, and Glance takes a VHD only if it begins with its header, "
            "which a fixed one does not: convert it with qemu-img convert -f vpc -O vpc FILE COPY");
    else if (!strcmp(declared, "vmdk"))
        words_say(why,
                  "declared vmdk, and Glance takes no flat data under that name: convert it "
                  "with qemu-img convert -f raw -O vmdk -o subformat=streamOptimized FILE COPY");
    else if (!strcmp(declared, "iso"))
        words_say(why, "declared iso, and Glance sees none in it: " GLANCE_AS_QCOW2);
    else
        words_say(why,
                  "declared %s, and Glance does not see that in it: if it is the bare disk, create "
                  "the image with --disk-format raw",
                  declared);
}

/* Glance leaves what is in a container of its own alone, as a kernel is that has a boot sector. */
static void say_boot_sector(const char *declared, char *why)
{
    static const char *const with_container[] = {"ami", "aki", "ari", NULL};
    if (evidence_one_of(declared, with_container))
        words_say(why,
                  "declared %s, and Glance sees a boot sector in it: create the image with "
                  "--container-format %s, which Glance does not look into",
                  declared, declared);
    else
        say_bare(declared, why);
}

static void say_seen(const char *declared, const char *seen, char *why)
{
    if (!strcmp(seen, "raw"))
        say_bare(declared, why);
    else if (!strcmp(seen, "gpt"))
        say_boot_sector(declared, why);
    else if (!strcmp(seen, "luks") || !strcmp(seen, "qed"))
        words_say(why, "declared %s, and Glance sees %s in it: " GLANCE_AS_QCOW2, declared, seen);
    else
        words_say(why,
                  "declared %s, and Glance sees %s in it: create the image with --disk-format %s",
                  declared, seen, seen);
}

/* --- the comparison --------------------------------------------------------------------- */

/* What Glance can compare with; of the others it takes what it does not know. */
static bool is_inspected(const char *disk_format)
{
    static const char *const names[] = {"raw", "qcow2", "vhd", "vhdx", "vmdk", "vdi",
                                        "iso", "qed",   "gpt", "luks", NULL};
    return evidence_one_of(disk_format, names);
}

/* Glance's name of it; NULL: several at once. */
static const char *seen_as(const struct sight *sight)
{
    if (sight->count == 2 && sees(sight, "iso") && sees(sight, "gpt"))
        return "iso";
    return sight->count == 0 ? "raw" : sight->count == 1 ? sight->names[0] : NULL;
}

static bool matches(const struct sight *sight, const char *seen, const char *declared)
{
    if (!strcmp(declared, "raw"))
        return sight->count < 2;
    return !strcmp(seen, declared) || (sight->count == 0 && !is_inspected(declared));
}

enum glance_objection format_glance_objects(const struct format_claim *claim, const void *opening,
                                            size_t count, char why[FORMAT_WORDS])
{
    const struct view view = {count ? opening : "", count, false};
    const char *declared = claim->disk_format;
    struct sight sight;
    *why = '\0';
    if (strcmp(claim->container_format, "bare") != 0)
        return GLANCE_TAKES_IT;
    look(&view, &sight);
    const char *seen = seen_as(&sight);
    if (!seen) {
        say_several(&sight, why);
        return GLANCE_MISMATCH;
    }
    if (!matches(&sight, seen, declared)) {
        say_seen(declared, seen, why);
        return GLANCE_MISMATCH;
    }
    return glance_safety(seen, &view, why);
}
