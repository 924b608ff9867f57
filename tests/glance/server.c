/* SPDX-License-Identifier: Apache-2.0 */
/* A request's life, as libmicrohttpd tells it:
 *
 *     on_target    the request line is here
 *     on_request   first without a body (on_head), then per piece of it, at last at its end
 *     on_over      answered, cut or lost
 *
 * An answer that is made before the body is: queued, if the client waits for 100 Continue, which it
 * then never gets; else written at once, and the body read and dropped, as eventlet does. */
#include "server.h"

#include "exchange.h"
#include "glance.h"
#include "journal.h"
#include "route.h"
#include "upload.h"

#include <stdlib.h>
#include <string.h>

enum { MEMORY_PER_CONNECTION = 256 * 1024, CONNECTIONS_MAX = 2000 };

static void *on_target(void *context, const char *target, struct MHD_Connection *connection)
{
    struct exchange *exchange = exchange_new(context, target);
    if (exchange)
        exchange->connection = connection;
    return exchange;
}

static void authenticate(struct exchange *exchange)
{
    const struct glance *glance = exchange->glance;
    char *token = exchange_header(exchange, "X-Auth-Token");
    for (size_t i = 0; token && i < glance->principal_count; i++)
        if (strcmp(glance->principals[i].token, token) == 0)
            exchange->caller = &glance->principals[i];
    free(token);
    if (exchange->caller)
        return;
    exchange->request_id[0] = '\0'; /* it does not get as far as having one */
    answer_error(exchange, 401,
                 "This server could not verify that you are authorized to access "
                 "the document you requested.");
    answer_header(exchange, "Www-Authenticate", "Keystone uri=\"http://127.0.0.1:5000\"");
}

/* Everything that may be refused before the body. An answer is left in the exchange. */
static void examine(struct exchange *exchange)
{
    struct glance *glance = exchange->glance;
    bool id_fits = exchange_read_request_id(exchange);
    route_find(exchange);
    if (exchange->route->traits & ROUTE_OPEN)
        exchange->request_id[0] = '\0';
    else
        authenticate(exchange);
    if (!(exchange->route->traits & ROUTE_OPEN) && exchange->caller && !id_fits)
        answer_error(exchange, 500,
                     "The server has either erred or is incapable of performing "
                     "the requested operation.");
    if (exchange->answer.status)
        return;
    pthread_mutex_lock(&glance->lock);
    fault_meet(exchange);
    if (!exchange->answer.status && exchange->route->begin)
        exchange->route->begin(exchange);
    pthread_mutex_unlock(&glance->lock);
}

static void abandon_upload(struct exchange *exchange)
{
    pthread_mutex_lock(&exchange->glance->lock);
    upload_abandon(exchange);
    pthread_mutex_unlock(&exchange->glance->lock);
}

static enum MHD_Result cut(struct exchange *exchange)
{
    fault_cut_socket(&exchange->fault, exchange_socket(exchange));
    return MHD_NO;
}

/* An answer that libmicrohttpd would not take now. */
static enum MHD_Result answer_now(struct exchange *exchange)
{
    abandon_upload(exchange);
    exchange->answered = true;
    if (!answer_write(exchange) || exchange->fault.cut)
        return cut(exchange);
    return MHD_YES;
}

static enum MHD_Result answer_at_head(struct exchange *exchange)
{
    abandon_upload(exchange);
    if (!exchange_has_body(exchange))
        return MHD_YES; /* on_end sends it, and the connection lives on */
    if (!exchange_expects_continue(exchange) || exchange->fault.cut)
        return answer_now(exchange);
    journal_write(exchange);
    return answer_queue(exchange);
}

static enum MHD_Result on_head(struct exchange *exchange)
{
    if (!exchange_read_path(exchange))
        return MHD_NO;
    examine(exchange);
    const struct fault *fault = &exchange->fault;
    if (!exchange->answer.status && fault->set && fault->point == FAULT_AT_HEAD &&
        fault_strike(exchange) == FAULT_CUT)
        return cut(exchange);
    return exchange->answer.status ? answer_at_head(exchange) : MHD_YES;
}

static bool collect(struct exchange *exchange, const char *bytes, size_t count)
{
    if (exchange->body_length + count > JSON_BODY_MAX)
        return false;
    char *body = realloc(exchange->body, exchange->body_length + count);
    if (!body)
        return false;
    memcpy(body + exchange->body_length, bytes, count);
    exchange->body = body;
    exchange->body_length += count;
    return true;
}

static bool take(struct exchange *exchange, const char *bytes, size_t count)
{
    const struct fault *fault = &exchange->fault;
    exchange->received += count;
    if (exchange->answered || exchange->answer.status)
        return true;
    if (fault->rate && !glance_pause(exchange->glance, exchange_socket(exchange),
                                     (double)count / (double)fault->rate))
        return false;
    if (!exchange->upload)
        return collect(exchange, bytes, count);
    upload_take(exchange, bytes, count);
    return true;
}

static enum MHD_Result on_piece(struct exchange *exchange, const char *bytes, size_t *size)
{
    while (*size) {
        size_t count = fault_room(&exchange->fault, exchange->received, *size);
        if (count == 0) {
            enum fault_outcome outcome = fault_strike(exchange);
            if (outcome == FAULT_CUT || (outcome == FAULT_ANSWER && answer_now(exchange) == MHD_NO))
                return cut(exchange);
            continue;
        }
        if (!take(exchange, bytes, count))
            return MHD_NO;
        bytes += count;
        *size -= count;
    }
    return MHD_YES;
}

static bool strikes_at_end(const struct exchange *exchange)
{
    const struct fault *fault = &exchange->fault;
    if (!fault->set || fault->struck || exchange->answer.status)
        return false;
    return fault->point == FAULT_AT_END ||
           (!(exchange->route->traits & ROUTE_SENDS) && fault->point == FAULT_AT_BYTES &&
            fault->bytes <= exchange->received);
}

static enum MHD_Result on_end(struct exchange *exchange)
{
    struct glance *glance = exchange->glance;
    exchange->whole = true;
    if (exchange->answered)
        return MHD_NO; /* libmicrohttpd must not answer again: the connection ends here */
    if (strikes_at_end(exchange) && fault_strike(exchange) == FAULT_CUT)
        return cut(exchange);
    if (exchange->answer.status) {
        abandon_upload(exchange);
    } else {
        pthread_mutex_lock(&glance->lock);
        exchange->route->finish(exchange);
        pthread_mutex_unlock(&glance->lock);
    }
    journal_write(exchange);
    if (exchange->fault.struck && exchange->fault.answer && exchange->fault.cut)
        return answer_now(exchange);
    return answer_queue(exchange);
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload_data,
                                  size_t *upload_data_size, void **connection_context)
{
    (void)context, (void)connection, (void)url, (void)version;
    struct exchange *exchange = *connection_context;
    if (!exchange)
        return MHD_NO;
    if (!*exchange->method) {
        exchange->method = method;
        return on_head(exchange);
    }
    return *upload_data_size ? on_piece(exchange, upload_data, upload_data_size) : on_end(exchange);
}

static void on_over(void *context, struct MHD_Connection *connection, void **connection_context,
                    enum MHD_RequestTerminationCode code)
{
    (void)context, (void)connection, (void)code;
    struct exchange *exchange = *connection_context;
    if (!exchange)
        return;
    abandon_upload(exchange);
    journal_write(exchange);
    exchange_free(exchange);
    *connection_context = NULL;
}

struct MHD_Daemon *server_start(struct glance *glance, const struct sockaddr_in *address)
{
    return MHD_start_daemon(
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0, NULL,
        NULL, on_request, glance, MHD_OPTION_SOCK_ADDR, address, MHD_OPTION_URI_LOG_CALLBACK,
        on_target, glance, MHD_OPTION_NOTIFY_COMPLETED, on_over, glance,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)MEMORY_PER_CONNECTION, MHD_OPTION_CONNECTION_MEMORY_INCREMENT,
        (size_t)MEMORY_PER_CONNECTION, MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_END);
}
