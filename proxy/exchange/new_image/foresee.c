/* SPDX-License-Identifier: Apache-2.0 */
/* What can be judged before the image exists, so before 100 Continue: by Glance, which must accept
 * the token, and by the policy, if the formats that are still to be found cannot change what it
 * decides. After the image was created, the policy decides by what Glance says of it in any case.
 */
#include "exchange/new_image/new_image_flow.h"

#include "intake/client.h"
#include "intake/login.h"
#include "intake/snapshot.h"

#include <string.h>

/* --- Glance ---------------------------------------------------------------------------------- */

/* Any answer but 401 would do: the list is short. */
static const char LISTING[] = "/v2/images?limit=1";

static bool ask_all(struct new_image_flow *flow)
{
    struct exchange *x = &flow->upload.x;
    struct image_check *check = &flow->upload.check;
    return image_check_begin(x, check) &&
           image_check_ask(x, &check->fields, &flow->listing, LISTING, FETCH_TIMEOUT_MS) &&
           quota_answer_begin(&flow->upload) && image_check_ask_stores(x, check);
}

static enum step_result judge_listing(struct new_image_flow *flow)
{
    struct exchange *x = &flow->upload.x;
    if (fetch_answered(&flow->listing) && flow->listing.answer.status == 401)
        login_token_refused(flow->login);
    enum step_result result = image_check_judge(x, &flow->listing);
    fetch_end(&flow->listing);
    return result;
}

enum step_result new_image_preflight(struct exchange *x)
{
    struct new_image_flow *flow = new_image_of(x);
    if (x->entering) {
        bool asked = ask_all(flow);
        hash_algorithm_ask(&flow->upload);
        return asked ? STEP_WAIT : exchange_no_memory(x);
    }
    if (!flow->listing.over || !image_check_take_stores(x, &flow->upload.check))
        return STEP_WAIT;
    return judge_listing(flow);
}

/* --- the policy ------------------------------------------------------------------------------ */

/* False: no memory. */
static bool copy(const char *text, char **out)
{
    *out = text ? strdup(text) : NULL;
    return !text || *out;
}

static bool is_opened(const struct new_image_flow *flow)
{
    return flow->found.disk_format != NULL;
}

/* NULL: not known yet, because the fields of a form have not been read. */
static const char *visibility_of(const struct new_image_flow *flow)
{
    bool comes = flow->upload.head.declared_form && !is_opened(flow);
    return flow->wanted.visibility || comes ? flow->wanted.visibility : "shared";
}

/* The image as Glance is going to describe it. Its visibility is `shared` where none is asked for
 * (glance/domain/__init__.py, ImageFactory.new_image()). False: no memory. */
static bool describe(struct new_image_flow *flow)
{
    const struct new_image *wanted = &flow->wanted;
    const struct format_found *found = &flow->found;
    struct image *image = &flow->upload.check.image;
    bool opened = is_opened(flow);
    image_free(image);
    return copy(opened ? found->disk_format : wanted->disk_format, &image->disk_format) &&
           copy(opened ? found->container_format : wanted->container_format,
                &image->container_format) &&
           copy(wanted->name, &image->name) && copy(visibility_of(flow), &image->visibility) &&
           copy(login_project(flow->login), &image->owner);
}

static bool is_settled(const struct new_image_flow *flow)
{
    const struct upload_flow *upload = &flow->upload;
    const struct policy_unknown unknown = {
        .formats = !flow->wanted.disk_format || !flow->wanted.container_format,
        .names = upload->head.declared_form,
    };
    struct policy_facts facts = image_check_facts(&upload->x, &upload->check);
    facts.size_known = upload->size.known;
    facts.size = upload->size.bytes;
    return policy_is_settled(upload->x.snapshot->policy, &facts, &unknown);
}

enum step_result new_image_foresee(struct exchange *x)
{
    struct new_image_flow *flow = new_image_of(x);
    const struct headers *headers = &client_head(x->client)->headers;
    if (!describe(flow) || !requested_store(headers, &flow->upload.check.requested_store))
        return exchange_no_memory(x);
    return is_settled(flow) ? upload_decide(x) : STEP_NEXT;
}

/* The format was found in decompressed data, and the data is to stay compressed. */
static enum step_result refuse_compressed(struct exchange *x)
{
    return exchange_refuse_for(x, REFUSAL_COMPRESSED, "the rule %s does not have it decompressed%s",
                               upload_of(x)->check.decision.rule,
                               audit_only(x) ? ", because it is in audit mode" : "");
}

enum step_result new_image_decide(struct exchange *x)
{
    struct new_image_flow *flow = new_image_of(x);
    if (!describe(flow))
        return exchange_no_memory(x);
    enum step_result result = upload_decide(x);
    bool needed = flow->decompressed && !flow->wanted.disk_format;
    bool done = !audit_only(x) && upload_checks(&flow->upload).compressed == CHECK_DECOMPRESS;
    return result == STEP_NEXT && needed && !done ? refuse_compressed(x) : result;
}
