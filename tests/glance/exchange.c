/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange.h"

#include "glance.h"
#include "upload.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uuid/uuid.h>

struct exchange *exchange_new(struct glance *glance, const char *target)
{
    struct exchange *exchange = calloc(1, sizeof *exchange);
    if (!exchange)
        return NULL;
    exchange->glance = glance;
    exchange->method = "";
    exchange->image_id = "";
    exchange->target = strdup(target);
    if (!exchange->target) {
        free(exchange);
        return NULL;
    }
    return exchange;
}

void exchange_free(struct exchange *exchange)
{
    if (!exchange)
        return;
    answer_free(&exchange->answer);
    free(exchange->target);
    free(exchange->path);
    free(exchange->body);
    free(exchange);
}

/* %XX in place; what is no escape stays. A NUL becomes 0x01, which matches no route either. */
static void unquote(char *text)
{
    char *to = text;
    for (const char *from = text; *from; to++) {
        if (*from == '%' && isxdigit((unsigned char)from[1]) && isxdigit((unsigned char)from[2])) {
            const char hex[] = {from[1], from[2], '\0'};
            long value = strtol(hex, NULL, 16);
            *to = (char)(value ? value : 1);
            from += 3;
        } else {
            *to = *from++;
        }
    }
    *to = '\0';
}

static void add_segment(struct exchange *exchange, const char *segment)
{
    if (exchange->segment_count < SEGMENTS_MAX)
        exchange->segments[exchange->segment_count] = segment;
    if (exchange->segment_count <= SEGMENTS_MAX)
        exchange->segment_count++;
}

/* "v2" for every version that is offered: v2.0 to v2.13 and v2.15. */
static const char *version_segment(const char *segment)
{
    if (strncmp(segment, "v2.", 3) != 0)
        return segment;
    char *end;
    unsigned long minor = strtoul(segment + 3, &end, 10);
    char canonical[32];
    snprintf(canonical, sizeof canonical, "v2.%lu", minor);
    bool offered = minor <= 15 && minor != 14 && !*end && strcmp(canonical, segment) == 0;
    return offered ? "v2" : segment;
}

/* A client may name the version in Accept instead of in the path. */
static bool version_is_in_accept(const struct exchange *exchange)
{
    static const char media[] = "application/vnd.openstack.images-v2";
    char *accept = exchange_header(exchange, "Accept");
    bool is = accept && strncmp(accept, media, sizeof media - 1) == 0;
    free(accept);
    return is;
}

bool exchange_read_path(struct exchange *exchange)
{
    exchange->path = strndup(exchange->target, strcspn(exchange->target, "?"));
    if (!exchange->path)
        return false;
    unquote(exchange->path);
    size_t length = strlen(exchange->path);
    if (length && exchange->path[length - 1] == '\n') /* Python's '$' matches before it, too */
        exchange->path[--length] = '\0';
    bool slash_ends = length > 1 && exchange->path[length - 1] == '/';
    if (version_is_in_accept(exchange))
        add_segment(exchange, "v2");
    char *rest = NULL;
    for (char *segment = strtok_r(exchange->path, "/", &rest); segment;
         segment = strtok_r(NULL, "/", &rest))
        add_segment(exchange, segment);
    if (exchange->segment_count)
        exchange->segments[0] = version_segment(exchange->segments[0]);
    if (slash_ends) /* an empty segment at the end counts */
        add_segment(exchange, "");
    return true;
}

bool exchange_read_request_id(struct exchange *exchange)
{
    char *given = exchange_header(exchange, "X-Openstack-Request-Id");
    bool fits = !given || strlen(given) <= 64;
    if (given && *given && fits) {
        const char *prefix = strncmp(given, "req-", 4) == 0 ? "" : "req-";
        snprintf(exchange->request_id, sizeof exchange->request_id, "%s%s", prefix, given);
    } else if (fits) {
        uuid_t uuid;
        char text[UUID_STR_LEN];
        uuid_generate_random(uuid);
        uuid_unparse_lower(uuid, text);
        snprintf(exchange->request_id, sizeof exchange->request_id, "req-%s", text);
    }
    free(given);
    return fits;
}

struct wanted {
    const char *name;
    char *joined;
};

static int folded(char c)
{
    return c == '-' ? '_' : tolower((unsigned char)c);
}

static bool same_name(const char *a, const char *b)
{
    while (*a && folded(*a) == folded(*b)) {
        a++;
        b++;
    }
    return !*a && !*b;
}

static enum MHD_Result join_header(void *context, enum MHD_ValueKind kind, const char *name,
                                   const char *value)
{
    (void)kind;
    struct wanted *wanted = context;
    if (!same_name(name, wanted->name))
        return MHD_YES;
    char *joined;
    int length = wanted->joined ? asprintf(&joined, "%s,%s", wanted->joined, value ? value : "")
                                : asprintf(&joined, "%s", value ? value : "");
    if (length < 0)
        return MHD_NO;
    free(wanted->joined);
    wanted->joined = joined;
    return MHD_YES;
}

char *exchange_header(const struct exchange *exchange, const char *name)
{
    struct wanted wanted = {.name = name};
    MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, join_header, &wanted);
    return wanted.joined;
}

bool exchange_header_is(const struct exchange *exchange, const char *name, const char *value)
{
    char *found = exchange_header(exchange, name);
    bool is = found && strcasecmp(found, value) == 0;
    free(found);
    return is;
}

bool exchange_has_body(const struct exchange *exchange)
{
    char *coding = exchange_header(exchange, "Transfer-Encoding");
    char *length = exchange_header(exchange, "Content-Length");
    bool has = coding || (length && strtoull(length, NULL, 10) > 0);
    free(coding);
    free(length);
    return has;
}

bool exchange_expects_continue(const struct exchange *exchange)
{
    return exchange_has_body(exchange) && exchange_header_is(exchange, "Expect", "100-continue");
}

int exchange_socket(const struct exchange *exchange)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
}

json_t *exchange_json(struct exchange *exchange)
{
    json_error_t error;
    json_t *json = exchange->body
                       ? json_loadb(exchange->body, exchange->body_length, JSON_DECODE_ANY, &error)
                       : NULL;
    if (!json)
        answer_error(exchange, 400, "Malformed JSON in request body.");
    return json;
}
