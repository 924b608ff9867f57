/* SPDX-License-Identifier: Apache-2.0 */
/* The admin listener. It is read-only: it accepts only GET and HEAD, and changes nothing. A slow or
 * hostile client costs at most one of a few connections for seconds. */
#include "intake/admin.h"

#include "admin/admin_priv.h"
#include "intake/settings.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TIMEOUT_SECONDS = 15, CONNECTION_MEMORY = 16 * 1024, PAGE_MAX = 32 << 20, BACKLOG = 64 };

struct admin {
    struct admin_sources sources;
    struct readiness *readiness;
    struct MHD_Daemon *daemon;
};

/* --- the pages ------------------------------------------------------------------------- */

static const struct page {
    const char *path;
    const char *type;
    bool (*write)(const struct page_context *context, struct buffer *out);
    bool needs_readiness;
    bool status_is_readiness; /* 503 unless the proxy is ready */
} PAGES[] = {
    {"/", "text/html; charset=utf-8", page_status, true, false},
    {"/healthz", "text/plain; charset=utf-8", page_healthz, false, false},
    {"/readyz", "application/json", page_readyz, true, true},
    {"/metrics", "text/plain; version=0.0.4; charset=utf-8", page_metrics, false, false},
    {"/uploads", "application/json", page_uploads, false, false},
};

static const struct page *find_page(const char *path)
{
    for (size_t i = 0; i < sizeof PAGES / sizeof *PAGES; i++)
        if (!strcmp(PAGES[i].path, path))
            return &PAGES[i];
    return NULL;
}

/* --- answers --------------------------------------------------------------------------- */

/* Pages must not be cached. Other sites must not frame, script or read them. */
static const struct {
    const char *name, *value;
} FIELDS[] = {
    {"Cache-Control", "no-store"},
    {"Content-Security-Policy",
     "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; "
     "form-action 'none'"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Referrer-Policy", "no-referrer"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
};

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *type,
                              const char *body, size_t length)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(length, (void *)body, MHD_RESPMEM_MUST_COPY);
    if (!response)
        return MHD_NO;
    enum MHD_Result queued = MHD_add_response_header(response, "Content-Type", type);
    for (size_t i = 0; i < sizeof FIELDS / sizeof *FIELDS && queued; i++)
        queued = MHD_add_response_header(response, FIELDS[i].name, FIELDS[i].value);
    if (queued && status == 405)
        queued = MHD_add_response_header(response, "Allow", "GET, HEAD");
    if (queued)
        queued = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result answer_text(struct MHD_Connection *connection, unsigned status,
                                   const char *text)
{
    return answer(connection, status, "text/plain; charset=utf-8", text, strlen(text));
}

static enum MHD_Result show(struct admin *admin, struct MHD_Connection *connection,
                            const struct page *page)
{
    struct readiness_answer readiness = {0};
    if (page->needs_readiness && !readiness_ask(admin->readiness, connection, &readiness))
        return MHD_YES; /* suspended: called again when there is an answer */
    const struct page_context context = {&admin->sources, &readiness};
    const char *diagnostics[READINESS_PROBLEMS_MAX];
    bool unready = page->status_is_readiness && readiness_problems(&readiness, diagnostics) > 0;
    struct buffer body;
    buffer_init(&body, PAGE_MAX);
    enum MHD_Result queued =
        page->write(&context, &body)
            ? answer(connection, unready ? 503 : 200, page->type, body.data, body.len)
            : answer_text(connection, 500, "out of memory\n");
    buffer_free(&body);
    return queued;
}

static bool only_reads(const char *method)
{
    return !strcmp(method, "GET") || !strcmp(method, "HEAD");
}

/* Called with the head, once per block of a body, and once at the end. A GET is answered at the
 * end, so that the connection can be reused. An error is answered at once. */
static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *path,
                              const char *method, const char *version, const char *data,
                              size_t *size, void **head_seen)
{
    (void)version;
    (void)data;
    const struct page *page = find_page(path);
    if (!*head_seen) {
        *head_seen = context;
        if (!page)
            return answer_text(connection, 404, "There is no such page.\n");
        if (!only_reads(method))
            return answer_text(connection, 405, "This page can only be read.\n");
        return MHD_YES;
    }
    if (*size) {
        *size = 0;
        return MHD_YES;
    }
    return show(context, connection, page);
}

/* --- start and stop -------------------------------------------------------------------- */

/* Returns a listening socket; -1: failed, with errno. */
static int listen_on(const struct bind_address *bind_address)
{
    int fd = socket(bind_address->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    int on = 1;
    if (!setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) &&
        !bind(fd, (const struct sockaddr *)&bind_address->address, bind_address->length) &&
        !listen(fd, BACKLOG))
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static struct MHD_Daemon *start_daemon(struct admin *admin, int fd)
{
    return MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handle, admin,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)ADMIN_CONNECTIONS_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)TIMEOUT_SECONDS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_END);
}

/* Takes ownership of `fd`, as the daemon does. */
static struct admin *admin_new(int fd, const struct admin_sources *sources)
{
    struct admin *admin = calloc(1, sizeof *admin);
    if (admin) {
        admin->sources = *sources;
        admin->readiness = readiness_start(&admin->sources);
    }
    if (!admin || !admin->readiness) {
        close(fd);
        free(admin);
        return NULL;
    }
    admin->daemon = start_daemon(admin, fd);
    if (admin->daemon)
        return admin;
    admin_stop(admin);
    return NULL;
}

struct admin *admin_start(const struct bind_address *bind, const struct admin_sources *sources,
                          char *error, size_t error_size)
{
    int fd = listen_on(bind);
    if (fd < 0) {
        snprintf(error, error_size, "cannot listen on %s: %s", bind->text, strerror(errno));
        return NULL;
    }
    struct admin *admin = admin_new(fd, sources);
    if (!admin)
        snprintf(error, error_size, "cannot listen on %s: no memory or no thread", bind->text);
    return admin;
}

void admin_stop(struct admin *admin)
{
    if (!admin)
        return;
    readiness_stop(admin->readiness);
    if (admin->daemon)
        MHD_stop_daemon(admin->daemon);
    readiness_free(admin->readiness);
    free(admin);
}
