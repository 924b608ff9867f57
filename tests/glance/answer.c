/* SPDX-License-Identifier: Apache-2.0 */
/* libmicrohttpd refuses a response in the middle of a body, and drops the unread rest of one that
 * it answers early. Glance does both: it answers at once and reads what still comes. So such
 * answers are written here, with a head of our own. */
#include "answer.h"

#include "exchange.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

void answer_free(struct answer *answer)
{
    for (size_t i = 0; i < answer->header_count; i++)
        free(answer->headers[i].value);
    free(answer->body);
    if (answer->stream)
        MHD_destroy_response(answer->stream);
    *answer = (struct answer){0};
}

void answer_header(struct exchange *exchange, const char *name, const char *format, ...)
{
    struct answer *answer = &exchange->answer;
    char *value = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&value, format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    if (answer->header_count == ANSWER_HEADERS_MAX) {
        free(value);
        return;
    }
    answer->headers[answer->header_count].name = name;
    answer->headers[answer->header_count++].value = value;
}

/* The first answer a request gets is dropped for a later one: a fault's, say. */
static void begin(struct exchange *exchange, unsigned status)
{
    answer_free(&exchange->answer);
    exchange->answer.status = status;
    if (*exchange->request_id)
        answer_header(exchange, "X-Openstack-Request-Id", "%s", exchange->request_id);
}

/* Takes over `body`. */
static void set_body(struct exchange *exchange, const char *type, char *body)
{
    exchange->answer.body = body;
    exchange->answer.length = body ? strlen(body) : 0;
    answer_header(exchange, "Content-Type", "%s", type);
}

void answer_empty(struct exchange *exchange, unsigned status)
{
    begin(exchange, status);
}

void answer_json(struct exchange *exchange, unsigned status, json_t *body)
{
    begin(exchange, status);
    set_body(exchange, "application/json", json_dumps(body, 0));
    json_decref(body);
}

void answer_text(struct exchange *exchange, unsigned status, const char *text)
{
    begin(exchange, status);
    set_body(exchange, "text/plain; charset=UTF-8", strdup(text));
}

static char *escape_html(const char *text)
{
    static const char *const entities[256] = {
        ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['\''] = "&#x27;"};
    char *escaped = NULL;
    size_t size;
    FILE *out = open_memstream(&escaped, &size);
    if (!out)
        return NULL;
    for (; *text; text++) {
        const char *entity = entities[(unsigned char)*text];
        if (entity)
            fputs(entity, out);
        else
            fputc(*text, out);
    }
    fclose(out);
    return escaped;
}

static void error_json(struct exchange *exchange, unsigned status, const char *message)
{
    const char *title = MHD_get_reason_phrase_for(status);
    answer_json(exchange, status,
                json_pack("{s:s+, s:o, s:s}", "message", message, "<br /><br />\n\n\n", "code",
                          json_sprintf("%u %s", status, title), "title", title));
}

static void error_html(struct exchange *exchange, unsigned status, const char *message)
{
    const char *title = MHD_get_reason_phrase_for(status);
    char *escaped = escape_html(message);
    char *page = NULL;
    if (asprintf(&page,
                 "<html>\n <head>\n  <title>%u %s</title>\n </head>\n <body>\n  <h1>%u %s</h1>\n"
                 "  %s<br /><br />\n </body>\n</html>",
                 status, title, status, title, escaped ? escaped : "") < 0)
        page = NULL;
    begin(exchange, status);
    set_body(exchange, "text/html; charset=UTF-8", page);
    free(escaped);
}

static void error_plain(struct exchange *exchange, unsigned status, const char *message)
{
    char *page = NULL;
    if (asprintf(&page, "%u %s\n\n%s\n\n", status, MHD_get_reason_phrase_for(status), message) < 0)
        page = NULL;
    begin(exchange, status);
    set_body(exchange, "text/plain; charset=UTF-8", page);
}

void answer_error(struct exchange *exchange, unsigned status, const char *format, ...)
{
    char *message = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&message, format, arguments) < 0)
        message = NULL;
    va_end(arguments);
    char *accept = exchange_header(exchange, "Accept");
    const char *text = message ? message : "";
    if (accept && strstr(accept, "application/json"))
        error_json(exchange, status, text);
    else if (accept && (strstr(accept, "html") || strstr(accept, "*/*")))
        error_html(exchange, status, text);
    else
        error_plain(exchange, status, text);
    free(accept);
    free(message);
}

enum MHD_Result answer_queue(struct exchange *exchange)
{
    struct answer *answer = &exchange->answer;
    struct MHD_Response *response = answer->stream;
    answer->stream = NULL;
    if (!response)
        response = MHD_create_response_from_buffer(answer->length, answer->body ? answer->body : "",
                                                   MHD_RESPMEM_MUST_COPY);
    if (!response)
        return MHD_NO;
    for (size_t i = 0; i < answer->header_count; i++)
        MHD_add_response_header(response, answer->headers[i].name, answer->headers[i].value);
    enum MHD_Result queued = MHD_queue_response(exchange->connection, answer->status, response);
    MHD_destroy_response(response);
    return queued;
}

static bool send_all(int connection, const char *bytes, size_t count)
{
    while (count) {
        ssize_t sent = send(connection, bytes, count, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR)
            return false;
        if (sent > 0) {
            bytes += sent;
            count -= (size_t)sent;
        }
    }
    return true;
}

bool answer_write(struct exchange *exchange)
{
    const struct answer *answer = &exchange->answer;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return false;
    fprintf(out, "HTTP/1.1 %u %s\r\n", answer->status, MHD_get_reason_phrase_for(answer->status));
    for (size_t i = 0; i < answer->header_count; i++)
        fprintf(out, "%s: %s\r\n", answer->headers[i].name, answer->headers[i].value);
    fprintf(out, "Content-Length: %zu\r\n\r\n", answer->length);
    if (answer->body)
        fwrite(answer->body, 1, answer->length, out);
    bool sent = fclose(out) == 0 && send_all(exchange_socket(exchange), text, size);
    free(text);
    return sent;
}
