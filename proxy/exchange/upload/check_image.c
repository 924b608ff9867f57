/* SPDX-License-Identifier: Apache-2.0 */
/* Checks that the image waits for data, for no other upload's, and in which formats. Locks it. */
#include "exchange/upload/upload_steps.h"

#include <string.h>

static enum step_result lock(struct upload_flow *upload)
{
    return image_check_lock(&upload->x, &upload->check, &upload->size);
}

static enum step_result check_status(struct upload_flow *upload)
{
    return image_check_status(&upload->x, &upload->check, &upload->check.image);
}

static enum step_result check_formats(struct upload_flow *upload)
{
    const struct image *image = &upload->check.image;
    if (image->disk_format && image->container_format)
        return STEP_NEXT;
    return report_violation_for(&upload->x, REFUSAL_FORMATS_UNSET, "%s not set",
                                image->disk_format        ? "container_format is"
                                : image->container_format ? "disk_format is"
                                                          : "disk_format and container_format are");
}

/* Digests that openstacksdk has put into the image's properties. */
static void add_promises(struct promises *promises, const struct image *image)
{
    promises_add_hex(promises, "owner_specified.openstack.sha256", "sha256", image->sdk_sha256);
    promises_add_hex(promises, "owner_specified.openstack.md5", "md5", image->sdk_md5);
}

enum step_result upload_check_image(struct exchange *x)
{
    static enum step_result (*const checks[])(struct upload_flow *) = {lock, check_status,
                                                                       check_formats};
    struct upload_flow *upload = upload_of(x);
    const struct image *image = &upload->check.image;
    bool described = upload_makes_image(upload) || /* before its record was entered */
                     record_describe_image(x->record, image->owner, image->name);
    if (!described)
        return exchange_no_memory(x);
    add_promises(&upload->image_promises, image);
    enum step_result result = STEP_NEXT;
    for (size_t i = 0; i < sizeof checks / sizeof *checks && result == STEP_NEXT; i++)
        result = checks[i](upload);
    return result;
}
