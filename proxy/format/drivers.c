/* SPDX-License-Identifier: Apache-2.0 */
/* Data that a hypervisor accepts under the name of another format. disk_format is sometimes the
 * name of a hypervisor's driver and not the format of the data. */
#include "format/format_priv.h"

#include <string.h>

bool evidence_one_of(const char *word, const char *const *words)
{
    while (*words && strcmp(word, *words) != 0)
        words++;
    return *words;
}

bool evidence_seen_is(const struct evidence *evidence, const char *name)
{
    return evidence->seen && !strcmp(evidence->seen->name, name);
}

bool evidence_declares(const struct evidence *evidence, const char *disk_format)
{
    return !strcmp(evidence->declaration->disk_format, disk_format);
}

/* VMware reads a vmdk without a header if vmware_disktype says so, or if it is not set. */
static bool flat_vmdk(const struct evidence *evidence)
{
    static const char *const flat[] = {"preallocated", "thin", "thick", "eagerZeroedThick", NULL};
    const struct format_declaration *declaration = evidence->declaration;
    bool vmware = declaration->hypervisor && !strcmp(declaration->hypervisor, "vmware");
    return evidence_declares(evidence, "vmdk") && (!evidence->seen || !evidence->seen->disk) &&
           (declaration->vmware_disktype ? evidence_one_of(declaration->vmware_disktype, flat)
                                         : vmware);
}

/* Xen reads a compressed tar of vhd files. */
static bool vhd_in_tgz(const struct evidence *evidence)
{
    const struct format_declaration *declaration = evidence->declaration;
    bool xen = declaration->hypervisor && !strcmp(declaration->hypervisor, "xen");
    return evidence_declares(evidence, "vhd") && evidence_seen_is(evidence, "gzip") &&
           (xen || !strcmp(declaration->container_format, "ovf"));
}

static bool vhdx_as_vhd(const struct evidence *evidence)
{
    return evidence_declares(evidence, "vhd") && evidence_seen_is(evidence, "vhdx");
}

bool driver_qcow2_as_ami(const struct evidence *evidence)
{
    return evidence_declares(evidence, "ami") && evidence_seen_is(evidence, "qcow2");
}

/* A hybrid ISO has a boot sector, and also boots as a disk, for example from a USB stick. */
static bool hybrid_iso_as_raw(const struct evidence *evidence)
{
    return evidence_declares(evidence, "raw") && evidence_seen_is(evidence, "iso") &&
           (!evidence->opening.count || view_is(&evidence->opening, 510, "\x55\xAA", 2));
}

bool driver_accepts(const struct evidence *evidence)
{
    return flat_vmdk(evidence) || vhd_in_tgz(evidence) || vhdx_as_vhd(evidence) ||
           driver_qcow2_as_ami(evidence) || hybrid_iso_as_raw(evidence);
}

bool driver_remark(const struct evidence *evidence, char *why)
{
    if (vhdx_as_vhd(evidence))
        format_explain(why,
                       "declared vhd, but this is vhdx: Hyper-V takes it so, and for any other "
                       "hypervisor it needs --disk-format vhdx");
    else if (driver_qcow2_as_ami(evidence))
        format_explain(why, "declared ami, but this is qcow2, as in a snapshot of such a server: "
                            "elsewhere it needs --disk-format qcow2");
    else if (hybrid_iso_as_raw(evidence))
        format_explain(why,
                       "declared raw, but this is an ISO that boots as a disk, too: as a disc it "
                       "needs --disk-format iso");
    return *why;
}
