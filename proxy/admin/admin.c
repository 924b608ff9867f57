/* SPDX-License-Identifier: Apache-2.0 */
/* The admin listener. It is read-only: it accepts only GET and HEAD, and changes nothing. A slow or
 * hostile client costs at most one of a few connections for seconds. */
#include "intake/admin.h"

#include "admin/admin_priv.h"
#include "admin/page_files.h"
#include "intake/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TIMEOUT_SECONDS = 15, CONNECTION_MEMORY = 16 * 1024, BACKLOG = 64 };

struct admin {
    struct admin_sources sources;
    struct readiness *readiness;
    struct gathering *gathering;
    struct MHD_Daemon *daemon;
    int socket;            /* the daemon listens to it */
    atomic_bool accepting; /* false: it does so no more, and the socket has no address */
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
    {"/status", "application/json", page_status_json, true, false},
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

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *type,
                              const char *body, size_t length)
{
    return admin_answer(connection, status, type, body, length, NULL);
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
    buffer_init(&body, ADMIN_PAGE_MAX);
    enum MHD_Result queued =
        page->write(&context, &body)
            ? answer(connection, unready ? 503 : 200, page->type, body.data, body.len)
            : admin_answer_text(connection, 500, "out of memory\n");
    buffer_free(&body);
    return queued;
}

static enum MHD_Result show_file(struct MHD_Connection *connection, const struct page_file *file)
{
    return answer(connection, 200, file->type, file->begin, (size_t)(file->end - file->begin));
}

static bool wants_all(struct MHD_Connection *connection, const struct page *page)
{
    return page->write == page_uploads &&
           MHD_lookup_connection_value_n(connection, MHD_GET_ARGUMENT_KIND, "all", 3, NULL, NULL);
}

static enum MHD_Result show_all(struct admin *admin, struct MHD_Connection *connection,
                                const struct page *page)
{
    struct buffer body;
    buffer_init(&body, ADMIN_PAGE_MAX);
    if (!gathering_ask(admin->gathering, connection, &body))
        return MHD_YES; /* suspended: called again when there is an answer */
    enum MHD_Result queued = body.len ? answer(connection, 200, page->type, body.data, body.len)
                                      : admin_answer_text(connection, 500, "out of memory\n");
    buffer_free(&body);
    return queued;
}

static bool only_reads(const char *method)
{
    return !strcmp(method, "GET") || !strcmp(method, "HEAD");
}

static enum MHD_Result show_any(struct admin *admin, struct MHD_Connection *connection,
                                const char *path)
{
    const struct page *page = find_page(path);
    if (is_peer_page(path))
        return peer_page_show(&admin->sources, connection, path);
    if (!page)
        return show_file(connection, page_file_find(path));
    return wants_all(connection, page) ? show_all(admin, connection, page)
                                       : show(admin, connection, page);
}

/* Called with the head, once per block of a body, and once at the end. A GET is answered at the
 * end, so that the connection can be reused. An error is answered at once. */
static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *path,
                              const char *method, const char *version, const char *data,
                              size_t *size, void **head_seen)
{
    (void)version;
    (void)data;
    if (!*head_seen) {
        *head_seen = context;
        if (!find_page(path) && !page_file_find(path) && !is_peer_page(path))
            return admin_answer_text(connection, 404, "There is no such page.\n");
        if (!only_reads(method))
            return admin_answer_text(connection, 405, "This page can only be read.\n");
        return MHD_YES;
    }
    if (*size) {
        *size = 0;
        return MHD_YES;
    }
    return show_any(context, connection, path);
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

/* admin_answer() looks at this. */
static void tell_accepting(void *context, struct MHD_Connection *connection, void **socket_context,
                           enum MHD_ConnectionNotificationCode code)
{
    struct admin *admin = context;
    (void)connection;
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        *socket_context = &admin->accepting;
}

static struct MHD_Daemon *start_daemon(struct admin *admin, int fd)
{
    return MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handle, admin,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_CONNECTION, tell_accepting, admin,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)ADMIN_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)TIMEOUT_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
        MHD_OPTION_END);
}

/* One of them could not be started, or there is no memory. */
static void drop_threads(struct admin *admin)
{
    if (!admin || !admin->readiness)
        return;
    readiness_stop(admin->readiness);
    readiness_free(admin->readiness);
}

/* Takes ownership of `fd`, as the daemon does. */
static struct admin *admin_new(int fd, const struct admin_sources *sources)
{
    struct admin *admin = calloc(1, sizeof *admin);
    if (admin) {
        admin->sources = *sources;
        admin->readiness = readiness_start(&admin->sources);
        admin->gathering = admin->readiness ? gathering_start(&admin->sources) : NULL;
    }
    if (!admin || !admin->gathering) {
        close(fd);
        drop_threads(admin);
        free(admin);
        return NULL;
    }
    admin->socket = fd;
    admin->daemon = start_daemon(admin, fd);
    admin->accepting = admin->daemon != NULL;
    if (admin->daemon)
        return admin;
    admin_stop(admin);
    return NULL;
}

struct admin *admin_start(const struct bind_address *bind, int passed,
                          const struct admin_sources *sources, char *error, size_t error_size)
{
    int fd = passed >= 0 ? passed : listen_on(bind);
    if (fd < 0) {
        snprintf(error, error_size, "cannot listen on %s: %s", bind->text, strerror(errno));
        return NULL;
    }
    struct admin *admin = admin_new(fd, sources);
    if (!admin)
        snprintf(error, error_size, "cannot listen on %s: no memory or no thread", bind->text);
    return admin;
}

int admin_socket(const struct admin *admin)
{
    return admin->accepting ? admin->socket : -1;
}

/* The daemon's thread may still use the descriptor, so it is closed when that has ended. Until then
 * a socket without an address is there instead. */
void admin_stop_accepting(struct admin *admin)
{
    if (!admin->accepting)
        return;
    admin->accepting = false;
    MHD_quiesce_daemon(admin->daemon);
    int nothing = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (nothing < 0)
        return;
    dup3(nothing, admin->socket, O_CLOEXEC);
    close(nothing);
}

void admin_stop(struct admin *admin)
{
    if (!admin)
        return;
    readiness_stop(admin->readiness);
    gathering_stop(admin->gathering);
    if (admin->daemon)
        MHD_stop_daemon(admin->daemon);
    if (admin->daemon && !admin->accepting)
        close(admin->socket);
    readiness_free(admin->readiness);
    gathering_free(admin->gathering);
    free(admin);
}
