/* SPDX-License-Identifier: Apache-2.0 */
/* What the address and the head of an upload to /upload/ say. */
#include "exchange/core/log_in.h"
#include "exchange/new_image/new_image_flow.h"

#include "intake/client.h"
#include "intake/draft.h"
#include "intake/memory.h"

#include <stdio.h>
#include <string.h>

void new_image_read(struct new_image_flow *flow)
{
    struct exchange *x = &flow->upload.x;
    const struct target *target = &x->request.target;
    char text[NEW_IMAGE_FAULT_MAX];
    const char *fault = new_image_read_target(&flow->wanted, target->path, target->query, text);
    if (!fault)
        fault = new_image_read_headers(&flow->wanted, &client_head(x->client)->headers, text);
    flow->no_memory = fault == NO_MEMORY;
    snprintf(flow->fault, sizeof flow->fault, "%s", fault ? fault : "");
}

/* A page of another site can have a browser send a form here, with the password that the browser
 * remembers. It cannot add X-Auth-Token to that. */
static bool is_forged(const struct exchange *x)
{
    return exchange_is_from_another_site(x) &&
           !headers_get(&client_head(x->client)->headers, "X-Auth-Token");
}

/* A clause, or NULL. A form may name the image. */
static const char *method_fault(const struct new_image_flow *flow)
{
    const struct exchange *x = &flow->upload.x;
    const struct request_head *head = client_head(x->client);
    bool form = flow->upload.head.declared_form;
    if (strcmp(head->method, "POST") == 0 && !form)
        return "a POST has a form (multipart/form-data), and a bare file comes by PUT";
    if (form && is_forged(x))
        return "the form comes from a page of another site";
    if (!flow->wanted.name && !form)
        return "the address has no name for the image after /upload/";
    if (draft_spoken(&head->headers) && draft_completeness(&head->headers) == DRAFT_INCOMPLETE)
        return "the file comes in one request here: parts go to an image's own URL";
    return NULL;
}

enum step_result new_image_admit(struct exchange *x)
{
    struct new_image_flow *flow = new_image_of(x);
    if (flow->no_memory)
        return exchange_no_memory(x);
    if (*flow->fault)
        return exchange_refuse_for(x, REFUSAL_BAD_REQUEST, "%s", flow->fault);
    enum step_result admitted = upload_admit(x);
    if (admitted != STEP_NEXT)
        return admitted;
    const char *fault = method_fault(flow);
    if (fault)
        return exchange_refuse_for(x, REFUSAL_BAD_REQUEST, "%s", fault);
    if (flow->upload.head.empty && !flow->wanted.disk_format)
        return exchange_refuse(x, REFUSAL_EMPTY_BODY);
    return STEP_NEXT;
}
