/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

#include "exchange.h"
#include "glance.h"
#include "route.h"

#include <openssl/evp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

bool glance_pause(const struct glance *glance, int connection, double seconds)
{
    struct pollfd watched[] = {{.fd = glance->stopping, .events = POLLIN},
                               {.fd = connection, .events = POLLRDHUP}};
    return poll(watched, 2, (int)(seconds * 1000)) == 0;
}

static bool parse_point(const json_t *at, struct fault *fault)
{
    fault->point = FAULT_AT_END;
    if (json_is_integer(at) && json_integer_value(at) >= 0) {
        fault->point = FAULT_AT_BYTES;
        fault->bytes = (uint64_t)json_integer_value(at);
        return true;
    }
    const char *name = json_string_value(at);
    if (name && strcmp(name, "head") == 0)
        fault->point = FAULT_AT_HEAD;
    return !at || (name && (strcmp(name, "head") == 0 || strcmp(name, "end") == 0));
}

static bool parse_cut(const char *name, struct fault *fault)
{
    fault->cut = !name ? FAULT_NO_CUT : strcmp(name, "reset") == 0 ? FAULT_RESET : FAULT_CLOSE;
    return !name || fault->cut == FAULT_RESET || strcmp(name, "close") == 0;
}

static bool digest_known(const char *name)
{
    return !*name || EVP_get_digestbyname(name);
}

static bool copy_text(char *to, size_t size, const char *from)
{
    return snprintf(to, size, "%s", from) < (int)size;
}

bool fault_parse(json_t *json, struct fault *fault, char why[256])
{
    const char *image = "*", *on = "upload", *cut = NULL, *store = "", *hash = "sha512";
    json_t *at = NULL;
    int times = 0, answer = 0, stuck = 0, kept = 0, spoilt = 0, wrong = 0;
    json_int_t rate = 0, shorter = 0;
    json_error_t error;
    *fault = (struct fault){.set = true};
    if (json_unpack_ex(
            json, &error, JSON_STRICT,
            "{s?s, s?s, s?i, s?o, s?F, s?i, s?s, s?I, s?b, s?b, s?b, s?s, s?b, s?I, s?s}", "image",
            &image, "on", &on, "times", &times, "at", &at, "stall", &fault->stall, "answer",
            &answer, "cut", &cut, "rate", &rate, "stuck", &stuck, "kept", &kept, "spoilt", &spoilt,
            "hash", &hash, "wrong_checksum", &wrong, "short_by", &shorter, "store", &store) != 0) {
        snprintf(why, 256, "%s", error.text);
        return false;
    }
    if (!parse_point(at, fault) || !parse_cut(cut, fault) ||
        (answer && (answer < 200 || answer > 599)) || rate < 0 || shorter < 0 || times < 0 ||
        !(fault->stall >= 0 && fault->stall <= 86400) ||
        !copy_text(fault->image, sizeof fault->image, image) ||
        !copy_text(fault->on, sizeof fault->on, on) ||
        !copy_text(fault->hash, sizeof fault->hash, hash) || !digest_known(hash) ||
        !copy_text(fault->store, sizeof fault->store, store)) {
        snprintf(why, 256, "a value is out of bounds");
        return false;
    }
    fault->times = (unsigned)times;
    fault->answer = (unsigned)answer;
    fault->rate = (uint64_t)rate;
    fault->short_by = (uint64_t)shorter;
    fault->stuck = stuck;
    fault->kept = kept;
    fault->spoilt = spoilt;
    fault->wrong_checksum = wrong;
    return true;
}

static void meet_header(struct exchange *exchange, const char *text)
{
    json_t *json = json_loads(text, 0, NULL);
    char why[256] = "not JSON";
    struct fault fault;
    if (!json || !fault_parse(json, &fault, why))
        answer_error(exchange, 400, "X-Small-Glance-Fault: %s", why);
    else if (strcmp(fault.on, exchange->route->name) == 0)
        exchange->fault = fault;
    json_decref(json);
}

static bool fits(const struct fault *fault, const struct exchange *exchange)
{
    return strcmp(fault->on, exchange->route->name) == 0 &&
           (strcmp(fault->image, "*") == 0 || strcmp(fault->image, exchange->image_id) == 0);
}

static void forget(struct glance *glance, size_t index)
{
    glance->fault_count--;
    memmove(&glance->faults[index], &glance->faults[index + 1],
            (glance->fault_count - index) * sizeof glance->faults[0]);
}

static void meet_set(struct exchange *exchange)
{
    struct glance *glance = exchange->glance;
    for (size_t i = glance->fault_count; i-- > 0;) {
        struct fault *fault = &glance->faults[i];
        if (!fits(fault, exchange))
            continue;
        exchange->fault = *fault;
        if (fault->times && --fault->times == 0)
            forget(glance, i);
        return;
    }
}

void fault_meet(struct exchange *exchange)
{
    char *header = exchange_header(exchange, "X-Small-Glance-Fault");
    if (header)
        meet_header(exchange, header);
    else
        meet_set(exchange);
    free(header);
    /* Bytes buffered by the kernel would hide from the sender that nobody reads. */
    const int window = 65536;
    if (exchange->fault.rate || exchange->fault.stall > 0)
        setsockopt(exchange_socket(exchange), SOL_SOCKET, SO_RCVBUF, &window, sizeof window);
}

size_t fault_room(const struct fault *fault, uint64_t taken, size_t size)
{
    /* at a rate, so much at a time that it comes in tenths of a second */
    if (fault->rate && size > fault->rate / 10 + 1)
        size = fault->rate / 10 + 1;
    if (fault->set && !fault->struck && fault->point == FAULT_AT_BYTES &&
        size > fault->bytes - taken)
        size = fault->bytes - taken;
    return size;
}

enum fault_outcome fault_strike(struct exchange *exchange)
{
    struct fault *fault = &exchange->fault;
    fault->struck = true;
    /* A client that has sent its whole body may leave: Glance finishes without noticing. */
    bool may_leave = fault->point == FAULT_AT_END && !fault->stuck;
    if (fault->stall > 0 &&
        !glance_pause(exchange->glance, may_leave ? -1 : exchange_socket(exchange), fault->stall))
        return FAULT_CUT;
    if (fault->answer == 415 && fault->spoilt)
        answer_error(exchange, fault->answer,
                     "The request media type application/octet-stream is not supported by this "
                     "server.");
    else if (fault->answer >= 400)
        answer_error(exchange, fault->answer, "Made to order by the small Glance.");
    else if (fault->answer)
        answer_empty(exchange, fault->answer);
    if (fault->answer)
        return FAULT_ANSWER;
    return fault->cut ? FAULT_CUT : FAULT_GO_ON;
}

void fault_cut_socket(const struct fault *fault, int connection)
{
    /* Dissolving the association sends a reset at once, without a FIN before it. */
    const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    if (fault->cut == FAULT_RESET)
        (void)connect(connection, &nobody, sizeof nobody);
}

void faults_put(struct exchange *exchange)
{
    struct glance *glance = exchange->glance;
    json_t *json = exchange_json(exchange);
    struct fault fault;
    char why[256];
    if (!json)
        return;
    bool good = fault_parse(json, &fault, why);
    json_decref(json);
    if (!good) {
        answer_error(exchange, 400, "Not a fault: %s", why);
        return;
    }
    for (size_t i = glance->fault_count; i-- > 0;)
        if (strcmp(glance->faults[i].image, fault.image) == 0 &&
            strcmp(glance->faults[i].on, fault.on) == 0)
            forget(glance, i);
    if (glance->fault_count == FAULTS_MAX) {
        answer_error(exchange, 409, "There are %d faults already.", FAULTS_MAX);
        return;
    }
    glance->faults[glance->fault_count++] = fault;
    answer_empty(exchange, 204);
}

void faults_clear(struct exchange *exchange)
{
    exchange->glance->fault_count = 0;
    answer_empty(exchange, 204);
}
