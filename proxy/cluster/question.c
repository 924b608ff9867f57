/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/question.h"

#include "cluster/counts.h"
#include "cluster/signature.h"
#include "intake/clock.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { URL_MAX = PEER_MAX + 64, POLL_MS = 100, READ_BYTES = 128 << 10 };

/* --- libcurl's callbacks -------------------------------------------------------------------- */

static size_t take_body(const char *data, size_t size, size_t count, void *context)
{
    struct question *question = context;
    return buffer_append(&question->answer, data, size * count) ? size * count : 0;
}

/* One field of the head: "X-Intake-Peer: SIGNATURE\r\n". */
static size_t take_field(const char *data, size_t size, size_t count, void *context)
{
    struct question *question = context;
    size_t name = sizeof PEER_FIELD ":" - 1;
    size_t length = size * count;
    if (length > name && strncasecmp(data, PEER_FIELD ":", name) == 0) {
        char text[PEER_SIGNATURE_MAX + 8];
        snprintf(text, sizeof text, "%.*s", (int)(length - name), data + name);
        sscanf(text, " %159s", question->answer_signature);
    }
    return length;
}

/* --- one question --------------------------------------------------------------------------- */

static bool set_options(const struct question *question, const char *url, uint64_t patience_ms)
{
    CURLcode code = CURLE_OK;
#define SET(option, value) code = code ? code : curl_easy_setopt(question->easy, option, value)
    SET(CURLOPT_URL, url);
    SET(CURLOPT_PROTOCOLS_STR, "http");
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L);
    SET(CURLOPT_NOPROXY, "*");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_TIMEOUT_MS, (long)patience_ms);
    SET(CURLOPT_BUFFERSIZE, (long)READ_BYTES);
    SET(CURLOPT_MAXFILESIZE, (long)COUNTS_MAX); /* judged by Content-Length; take_body() counts */
    SET(CURLOPT_HTTPHEADER, question->fields);
    SET(CURLOPT_WRITEFUNCTION, take_body);
    SET(CURLOPT_WRITEDATA, question);
    SET(CURLOPT_HEADERFUNCTION, take_field);
    SET(CURLOPT_HEADERDATA, question);
    SET(CURLOPT_PRIVATE, question);
    SET(CURLOPT_USERAGENT, "glance-intake/" INTAKE_VERSION);
#undef SET
    return code == CURLE_OK;
}

static void start(struct question *question, CURLM *multi, const char *key, const char *path,
                  uint64_t patience_ms)
{
    char url[URL_MAX], field[PEER_SIGNATURE_MAX + sizeof PEER_FIELD + 2];
    question->fault = "there is no memory to ask it";
    if (!signature_of_question(key, path, clock_wall_ms() / 1000, question->signature))
        return;
    snprintf(url, sizeof url, "http://%s%s", question->peer, path);
    snprintf(field, sizeof field, PEER_FIELD ": %s", question->signature);
    question->fields = curl_slist_append(NULL, field);
    question->easy = curl_easy_init();
    if (question->fields && question->easy && set_options(question, url, patience_ms) &&
        curl_multi_add_handle(multi, question->easy) == CURLM_OK)
        return;
    curl_easy_cleanup(question->easy);
    question->easy = NULL;
}

static const char *fault_of(const struct question *question, const char *key, CURLcode code)
{
    long status = 0;
    curl_easy_getinfo(question->easy, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_WRITE_ERROR || code == CURLE_FILESIZE_EXCEEDED)
        return "its answer is too long";
    if (code)
        return curl_easy_strerror(code);
    if (status == 403)
        return "it has another key, or its clock is wrong";
    if (status != 200)
        return "it is no proxy with peers";
    return signature_fits_answer(key, question->signature, question->answer.data,
                                 question->answer.len, question->answer_signature)
               ? NULL
               : "its answer is not signed with the key";
}

static void end(struct question *question, CURLM *multi)
{
    curl_multi_remove_handle(multi, question->easy);
    curl_easy_cleanup(question->easy);
    question->easy = NULL;
}

/* --- all of them ----------------------------------------------------------------------------- */

static void take_results(CURLM *multi, const char *key)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(multi, &left));) {
        struct question *question = NULL;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&question);
        question->fault = fault_of(question, key, message->data.result);
        end(question, multi);
    }
}

void questions_ask(CURLM *multi, const char *key, const char *path, uint64_t patience_ms,
                   const atomic_bool *stopping, struct question *questions, size_t count)
{
    int running = 1;
    for (size_t i = 0; i < count; i++) {
        buffer_init(&questions[i].answer, COUNTS_MAX);
        if (questions[i].peer)
            start(&questions[i], multi, key, path, patience_ms);
    }
    while (running && !atomic_load(stopping)) {
        curl_multi_perform(multi, &running);
        take_results(multi, key);
        if (running)
            curl_multi_poll(multi, NULL, 0, POLL_MS, NULL);
    }
    for (size_t i = 0; i < count; i++)
        if (questions[i].easy)
            end(&questions[i], multi);
}

void questions_free(struct question *questions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        curl_slist_free_all(questions[i].fields);
        buffer_free(&questions[i].answer);
    }
}
