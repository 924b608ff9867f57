/* SPDX-License-Identifier: Apache-2.0 */
/* What the policy and the texts of refusals get to know of an image, and violations that uploads
 * and imports share. */
#include "exchange/upload/image_check.h"

#include "intake/stores.h"

#include <inttypes.h>

struct policy_facts image_check_facts(const struct exchange *x, const struct image_check *check)
{
    const struct image *image = &check->image;
    return (struct policy_facts){
        .disk_format = image->disk_format,
        .container_format = image->container_format,
        .project = image->owner,
        .name = image->name,
        .visibility = image->visibility,
        .client = x->request.origin.address,
        .user_agent = check->user_agent,
    };
}

void image_check_describe(const struct image_check *check, struct refusal_context *out)
{
    out->disk_format = check->image.disk_format;
    out->container_format = check->image.container_format;
}

enum step_result report_too_large(struct exchange *x, uint64_t size, uint64_t max)
{
    return report_violation_for(x, REFUSAL_TOO_LARGE,
                                "it has %" PRIu64 " bytes, and the limit is %" PRIu64, size, max);
}

enum step_result report_missing_store(struct exchange *x, const char *store, bool was_requested)
{
    if (stores_look(x->parts->stores, store) != STORE_MISSING)
        return STEP_NEXT;
    struct buffer list;
    buffer_init(&list, 1024);
    stores_list(x->parts->stores, &list);
    enum step_result result =
        report_violation_for(x, was_requested ? REFUSAL_STORE_NOT_ALLOWED : REFUSAL_STORE_UNKNOWN,
                             "it %s %s, and Glance has %s", was_requested ? "asks for" : "names",
                             store, buffer_text(&list));
    buffer_free(&list);
    return result;
}
