/* SPDX-License-Identifier: Apache-2.0 */
/* The pages for machines. */
#include "admin/admin_priv.h"
#include "intake/admin.h"
#include "intake/metrics.h"
#include "intake/spool.h"
#include "intake/upload.h"
#include "intake/utf8.h"

#include <stdlib.h>
#include <string.h>

bool page_healthz(const struct page_context *context, struct buffer *out)
{
    (void)context;
    return buffer_append(out, "ok\n", 3);
}

/* What is wrong, one string each. */
static json_t *list_problems(const struct readiness_answer *answer)
{
    json_t *problems = json_array();
    struct buffer why;
    buffer_init(&why, 3 * sizeof answer->why);
    bool listed = true;
    if (!answer->glance)
        listed = utf8_clean(answer->why, &why) &&
                 !json_array_append_new(problems, json_string(buffer_text(&why)));
    if (answer->draining)
        listed = listed && !json_array_append_new(problems, json_string(READINESS_DRAINING));
    buffer_free(&why);
    if (listed)
        return problems;
    json_decref(problems);
    return NULL;
}

bool page_readyz(const struct page_context *context, struct buffer *out)
{
    json_t *document = json_pack("{s:b, s:o}", "ready", readiness_ready(context->readiness),
                                 "problems", list_problems(context->readiness));
    char *text = document ? json_dumps(document, 0) : NULL;
    bool written = text && buffer_append(out, text, strlen(text)) && buffer_append(out, "\n", 1);
    free(text);
    json_decref(document);
    return written;
}

bool page_metrics(const struct page_context *context, struct buffer *out)
{
    const struct admin_sources *sources = context->sources;
    return metrics_text(sources->metrics, sources->workers, spools_used(sources->spools), out);
}

bool page_uploads(const struct page_context *context, struct buffer *out)
{
    return uploads_json(context->sources->uploads, context->sources->workers, out);
}
