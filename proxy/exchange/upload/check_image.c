/* SPDX-License-Identifier: Apache-2.0 */
/* Is the image waiting for data, for nobody else's, and of which format? From here on it is this
 * upload's, and what it promises of its data is held against what comes. */
#include "exchange/upload/upload_steps.h"

#include "intake/clock.h"
#include "intake/record.h"
#include "intake/upload_locks.h"

#include <inttypes.h>
#include <string.h>

static enum step_result report_second(struct exchange *x, const struct upload_lock_facts *other)
{
    unsigned long long ago = (clock_wall_ms() - other->began_wall_ms) / 1000;
    if (other->size_known)
        return report_violation_for(x, REFUSAL_UPLOAD_IN_PROGRESS,
                                    "it began %llu s ago, and Glance has %" PRIu64
                                    " of its %" PRIu64 " bytes",
                                    ago, other->bytes, other->size);
    return report_violation_for(x, REFUSAL_UPLOAD_IN_PROGRESS,
                                "it began %llu s ago, and Glance has %" PRIu64 " bytes of it", ago,
                                other->bytes);
}

/* By the id that Glance says the image has: its database may find it in capital letters, too. */
static bool enter_claim(struct exchange *x)
{
    const char *image = x->image.id ? x->image.id : x->request.route.image_id;
    const struct upload_lock_facts facts = {
        .began_wall_ms = x->record->began_wall_ms, .size_known = x->size_known, .size = x->size};
    x->upload_lock = upload_lock_new(x->parts->upload_locks, image, &facts, &x->record->bytes);
    return x->upload_lock != NULL;
}

/* Data is going into the image. What has been staged whole has a size. */
static bool is_being_filled(const struct image *image)
{
    return strcmp(image->status, "saving") == 0 ||
           (strcmp(image->status, "uploading") == 0 && !image->size_known);
}

enum step_result upload_lock_image(struct exchange *x)
{
    struct upload_lock_facts other;
    if (!x->upload_lock && !enter_claim(x))
        return exchange_no_memory(x);
    if (is_being_filled(&x->image) && upload_lock_other(x->upload_lock, &other))
        return report_second(x, &other);
    return STEP_NEXT;
}

static bool has_text(const char *text)
{
    return text && *text;
}

/* Glance 2025.1 and later looks at the format when the store has everything. What it refuses then
 * is `queued` again, but keeps the hash and the object, and every other upload to it fails. */
static enum step_result judge_queued(struct exchange *x, const struct image *image)
{
    if (!has_text(image->os_hash_value) && !has_text(image->stores))
        return STEP_NEXT;
    return report_violation_for(
        x, REFUSAL_IMAGE_NOT_QUEUED,
        "its status is queued, but it still has the %s of an upload that "
        "Glance refused after storing it, and takes no other: delete it and "
        "create a new one",
        has_text(image->os_hash_value) ? "os_hash_value" : "stores");
}

enum step_result upload_check_status(struct exchange *x, const struct image *image)
{
    struct upload_lock_facts other;
    if (strcmp(image->status, "queued") == 0)
        return judge_queued(x, image);
    if (is_being_filled(image) && upload_lock_other(x->upload_lock, &other))
        return report_second(x, &other);
    bool saving = strcmp(image->status, "saving") == 0;
    return report_violation_for(x, REFUSAL_IMAGE_NOT_QUEUED, "its status is %s%s", image->status,
                                saving ? ", and this proxy is not uploading it" : "");
}

static enum step_result judge_status(struct exchange *x)
{
    return upload_check_status(x, &x->image);
}

static enum step_result judge_formats(struct exchange *x)
{
    const struct image *image = &x->image;
    if (image->disk_format && image->container_format)
        return STEP_NEXT;
    return report_violation_for(x, REFUSAL_FORMATS_UNSET, "%s not set",
                                image->disk_format        ? "container_format is"
                                : image->container_format ? "disk_format is"
                                                          : "disk_format and container_format are");
}

enum step_result upload_check_image(struct exchange *x)
{
    static enum step_result (*const judges[])(struct exchange *) = {upload_lock_image, judge_status,
                                                                    judge_formats};
    const struct image *image = &x->image;
    if (image->owner && !(x->record->project = strdup(image->owner)))
        return exchange_no_memory(x);
    promises_add_hex(&x->image_promises, "owner_specified.openstack.sha256", "sha256",
                     image->sdk_sha256);
    promises_add_hex(&x->image_promises, "owner_specified.openstack.md5", "md5", image->sdk_md5);
    enum step_result result = STEP_NEXT;
    for (size_t i = 0; i < sizeof judges / sizeof *judges && result == STEP_NEXT; i++)
        result = judges[i](x);
    return result;
}
