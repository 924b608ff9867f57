/* SPDX-License-Identifier: Apache-2.0 */
/* What the log says about a request: lines in between, and with access_log = all a line at its end.
 * Uploads and imports have the line of their record instead. */
#include "exchange/core/exchange_priv.h"

#include "intake/client.h"
#include "intake/clock.h"
#include "intake/settings.h"
#include "intake/snapshot.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

void request_say(const struct request_facts *request, enum log_level level, const char *format, ...)
{
    char message[PIPE_BUF];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    const struct log_subject subject = {
        .request_id = request->id, .trace_id = request->trace_id, .image = request->route.image_id};
    log_say_about(level, &subject, message);
}

/* --- the line of a request ----------------------------------------------------------------- */

static const char *known(const char *text)
{
    return text && *text ? text : NULL;
}

/* Whether the client had the whole answer comes first: a refusal may not have reached it. */
static enum record_verdict verdict_of(const struct exchange *x)
{
    if (!x->answer.whole)
        return VERDICT_ABORTED;
    return x->refused.reason ? exchange_verdict_of_refusal(x->refused.reason) : VERDICT_ANSWERED;
}

/* The query is left out: it may have names and words that are not for a log. A malformed head has
 * no method and no path. What a client can make long comes last, since it may not fit. */
static void say_request(const struct exchange *x)
{
    const struct request_head *head = client_head(x->client);
    enum record_verdict verdict = verdict_of(x);
    const struct log_field fields[] = {
        {.name = "request_id", .text = x->request.id},
        {.name = "trace_id", .text = known(x->request.trace_id)},
        {.name = "client", .text = known(x->request.origin.address)},
        {.name = "method", .text = client_fault(x->client) ? NULL : head->method},
        {.name = "status", .is_number = x->answer.status != 0, .number = x->answer.status},
        {.name = "sent", .is_number = true, .number = (double)x->answer.sent},
        {.name = "seconds", .is_number = true, .number = (double)(clock_ms() - x->began) / 1000},
        {.name = "verdict", .text = record_verdict_name(verdict)},
        {.name = "reason", .text = refusal_row(x->refused.reason)->name},
        {.name = "path", .text = x->request.target.path},
        {.name = "user_agent", .text = headers_get(&head->headers, "User-Agent")},
    };
    log_event(record_verdict_level(verdict), "request", fields, sizeof fields / sizeof *fields);
}

void exchange_say_end(const struct exchange *x)
{
    bool all = x->snapshot->settings->access_log == ACCESS_LOG_ALL;
    if (all && x->client && !x->recorded)
        say_request(x);
}
