/* SPDX-License-Identifier: Apache-2.0 */
/* The upload lock of an image, and the statuses in which an image takes data. */
#include "exchange/upload/image_check.h"

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

/* The lock is for the id in Glance's answer: its database may find an image by an id in capital
 * letters, too. */
static bool make_lock(struct exchange *x, struct image_check *check, const struct upload_size *size)
{
    const char *image = check->image.id ? check->image.id : x->request.route.image_id;
    const struct upload_lock_facts facts = {
        .began_wall_ms = x->record->began_wall_ms, .size_known = size->known, .size = size->bytes};
    check->lock = upload_lock_new(x->parts->upload_locks, image, &facts, &x->record->bytes);
    return check->lock != NULL;
}

/* Data is going into the image. An image that was staged completely has a size. */
static bool is_being_filled(const struct image *image)
{
    return strcmp(image->status, "saving") == 0 ||
           (strcmp(image->status, "uploading") == 0 && !image->size_known);
}

enum step_result image_check_lock(struct exchange *x, struct image_check *check,
                                  const struct upload_size *size)
{
    struct upload_lock_facts other;
    if (!check->lock && !make_lock(x, check, size))
        return exchange_no_memory(x);
    if (is_being_filled(&check->image) && upload_lock_other(check->lock, &other))
        return report_second(x, &other);
    return STEP_NEXT;
}

void image_check_unlock(struct image_check *check)
{
    upload_lock_release(check->lock);
    check->lock = NULL;
}

static bool has_text(const char *text)
{
    return text && *text;
}

/* Glance 2025.1 and later checks the format when the store has everything. An image that it refuses
 * then is `queued` again, but keeps the hash and the object, and every other upload to it fails. */
static enum step_result check_queued(struct exchange *x, const struct image *image)
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

enum step_result image_check_status(struct exchange *x, const struct image_check *check,
                                    const struct image *image)
{
    struct upload_lock_facts other;
    if (strcmp(image->status, "queued") == 0)
        return check_queued(x, image);
    if (is_being_filled(image) && upload_lock_other(check->lock, &other))
        return report_second(x, &other);
    bool saving = strcmp(image->status, "saving") == 0;
    return report_violation_for(x, REFUSAL_IMAGE_NOT_QUEUED, "its status is %s%s", image->status,
                                saving ? ", and this proxy is not uploading it" : "");
}
