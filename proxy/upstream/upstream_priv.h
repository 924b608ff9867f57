/* SPDX-License-Identifier: Apache-2.0 */
/* Declarations shared by the files of the Glance side.
 *
 *   multi.c              libcurl's multi handle in the worker's loop
 *   sockets.c            libcurl's sockets
 *   idle_connections.c   idle connections, until the next request
 *   endpoints.c          Glance's endpoints, and the choice of one
 *   endpoint_state.c     the state of an endpoint
 *   probe.c              one health check
 *   health.c             the thread of the health checks
 *   transfer.c           one request, from its start to its end
 *   attempt.c            the endpoint that it is sent to, and its repetition
 *   curl_options.c       its options in libcurl
 *   glance_server.c      those for the address and the TLS of an endpoint
 *   callbacks.c          libcurl's callbacks
 *   reserve.c            the latest bytes of an upload, for the time when its client is silent
 *   raw_request_body.c   a large request body, written to the socket past libcurl
 *   raw_response_body.c  a large answer, read from the socket past libcurl
 *   timeouts.c           timeouts of Glance
 *   buffered_fetch.c     a small request whose answer is collected */
#ifndef UPSTREAM_PRIV_H
#define UPSTREAM_PRIV_H

#include "intake/container.h"
#include "intake/endpoints.h"
#include "intake/headers.h"
#include "intake/list.h"
#include "intake/loop.h"
#include "intake/stream.h"
#include "intake/transfer.h"
#include "net/pipe.h"
#include "net/socket.h"

#include <curl/curl.h>

enum {
    POOLED_HANDLES = 512,
    ENDPOINT_NONE = -1 /* the request goes to another server than Glance */
};

/* A socket of libcurl's. It points to its writer and its user, and they point to it: whichever is
 * freed first clears the other's pointer. */
struct socket {
    enum object_tag tag;
    struct watch watch;
    struct net_socket stream; /* the same descriptor */
    struct glance *glance;
    struct transfer *user; /* whose request is on it, or was the last one; NULL: none */
    bool echoes;           /* on this connection Glance's answers repeat the request id */
    bool port_known;       /* `port` is the local port; 0: it is not TCP */
    unsigned port;
    struct list any_place;   /* in the list of all sockets */
    struct list place;       /* in the list of idle sockets: no request is on it */
    unsigned libcurl_events; /* the LOOP_ events that libcurl asks for */
    struct transfer *writer; /* the transfer that writes a raw body to it; NULL: none */
    bool write_wanted;       /* the writer waits until the socket is writable */
};

/* Zero-initialised is empty, and holds nothing back. */
struct reserve {
    char *bytes; /* RESERVE_MAX; NULL: not allocated yet */
    size_t count;
    uint64_t interval; /* feed_interval in ms; 0: nothing is held back */
    uint64_t sent_ms;  /* clock_ms() when Glance was last sent a byte */
    bool fed;          /* the next byte that libcurl asks for comes from here */
};

struct glance {
    struct loop *loop;
    /* RESERVE_MAX + RAW_REQUEST_CHUNK bytes, for the block that is being sent; NULL: not allocated
     * yet */
    char *scratch;
    struct pipe pipe; /* shared by all splices; empty between two of them */
    CURLM *multi;
    struct socket **sockets; /* indexed by descriptor; NULL: not libcurl's, or not watched */
    size_t socket_places;
    struct list all_sockets; /* the same sockets */
    struct list idle;        /* those without a user */
    /* a socket whose peer has closed; replaces the descriptors of dropped connections */
    int closed_peer;
    struct timer timer;      /* libcurl's */
    uint64_t timer_due;      /* clock_ms() */
    struct task timer_retry; /* sets the timer later, if there was no memory */
    struct task reap;        /* reads libcurl's messages, after libcurl has returned */
    CURL *pool[POOLED_HANDLES];
    size_t pooled;
    struct endpoints *endpoints; /* shared by all workers; NULL: none */
};

/* Which endpoint a request goes to. */
struct attempt {
    unsigned tried; /* a bit for each endpoint */
    int endpoint;   /* its index in the settings, or ENDPOINT_NONE */
    enum endpoint_turn turn;
    bool stays;      /* no other endpoint is tried */
    bool repeatable; /* it is a GET or HEAD without a body, and may be sent twice */
    bool flowing;    /* endpoints_flow_begins() was called */
};

/* The connection that a request is sent on. */
struct used_connection {
    curl_socket_t fd;
    struct socket *last; /* last reported by libcurl; NULL: none, or closed */
    bool reused;         /* it was idle */
    bool stale;          /* it may have a wrong answer: the request needs a new one */
    bool echoes;         /* on it Glance's answers repeat the request id */
};

/* A request body that is written past libcurl. */
struct raw_request {
    bool used;         /* false: the body goes through libcurl, and the rest of this is unused */
    struct task begin; /* starts writing: the head was sent */
    struct task cut;   /* ends the transfer: the owner has lost its client */
    /* NULL: before the head was sent, after libcurl has removed the socket, or after an error */
    struct socket *socket;
    char *unsent; /* bytes of a block that the socket did not take */
    size_t unsent_count, unsent_offset;
    struct unsent_pipe unsent_pipe; /* spliced bytes that the socket did not take */
    size_t pipe_rest;               /* bytes in that pipe behind them, for the reserve */
};

/* A response body that is read past libcurl. */
struct raw_response {
    struct watch watch;       /* its fd is -1 while the body comes from libcurl */
    struct net_socket socket; /* the same descriptor */
    uint64_t remaining;       /* bytes of the body that are still to be read */
    bool reader_waiting;      /* the owner got STREAM_WAIT, and waits for `more` */
    struct task over;         /* ends the transfer: no more of the answer will be read */
};

struct transfer {
    enum object_tag tag;
    struct glance *glance;
    const struct settings *settings;
    const struct upstream_callbacks *owner;
    void *context;

    CURL *easy;                /* NULL: raw_response_body.c has taken over the connection */
    struct curl_slist *fields; /* one allocation for all */
    bool has_keys;             /* the easy handle has the keys of a signature */
    enum framing framing;
    uint64_t length;
    uint64_t timeout; /* in ms; 0: as the settings say */
    struct attempt attempt;
    struct used_connection connection;
    char id[REQUEST_ID_MAX + 1];

    struct headers answer; /* fields of the head that is being received */
    unsigned status;
    bool head_told;
    /* the answer to a HEAD with a body ends with its head, which libcurl does not know */
    bool bodyless;
    uint64_t received; /* bytes of the answer's body from libcurl */

    struct raw_request raw_request;
    struct raw_response raw_response;
    uint64_t raw_bytes; /* bytes written or read past libcurl */

    struct reserve reserve;
    uint64_t sent; /* bytes that the owner has given, those in the reserve among them */
    bool pulled;   /* `pull` or `move` was called: no other endpoint is tried */
    bool all_pulled;
    bool send_paused; /* `pull` has returned STREAM_WAIT */
    bool read_paused; /* `data` has returned false */
    bool given_up;
    bool no_memory; /* to send the request, or to keep the answer's head */
    struct task unpause;
    struct task memory_short; /* ends the transfer: no memory, e.g. for a watch */
    struct task closed;    /* ends the transfer: Glance has closed, and libcurl did not report it */
    bool closed_rechecked; /* libcurl's messages were read since then */

    struct timer timer;
    uint64_t progress; /* clock_ms() */
    curl_off_t moved;  /* bytes up and down at the last tick */
    int queued;        /* SIOCOUTQ at the last tick */
    char detail[CURL_ERROR_SIZE];
};

/* multi.c */
CURL *glance_take_handle(struct glance *glance);
void glance_give_handle(struct glance *glance, CURL *easy); /* NULL is fine */

/* Lets libcurl work on one socket now, instead of in the next turn of the loop. */
void glance_drive(struct glance *glance, curl_socket_t socket, int flags);

/* sockets.c: libcurl's callbacks for a change in the events that it wants, and for the end of a
 * connection. `context` is the glance. */
int sockets_changed(CURL *easy, curl_socket_t fd, int what, void *context, void *assigned);
int sockets_close(void *context, curl_socket_t fd);
void sockets_let_go(struct glance *glance, curl_socket_t fd); /* forgets it, if known */

/* Watches the socket for libcurl's events, and for LOOP_WRITE if the writer waits. False: as for
 * watch_set(). */
bool socket_watch(struct socket *socket);

/* Nothing is written to it past libcurl any more. */
void socket_drop_writer(struct socket *socket);

/* Stops watching it, and frees it. */
void socket_forget(struct socket *socket);

/* idle_connections.c */
bool idle_prepare(struct glance *glance); /* false: no descriptor */
void idle_end(struct glance *glance);

/* Makes the transfer the user of this socket. */
void socket_use(struct socket *socket, struct transfer *transfer);

/* Call it after the transfer was removed from libcurl: its connection is idle now, if it was
 * kept. */
void socket_release(struct transfer *transfer);

/* Clears its user, and takes it out of the idle list. */
void socket_leave(struct socket *socket);

/* Closes an idle connection. libcurl notices when it looks at it next. */
void socket_drop(struct socket *socket);

/* Whether the head that has arrived answers an earlier request, or none, instead of this one. Marks
 * the transfer as stale then. */
bool idle_is_out_of_step(struct transfer *transfer);

/* CURLOPT_PREREQFUNCTION: libcurl calls it just before it sends a request. */
int idle_before_request(void *context, char *remote_ip, char *local_ip, int remote_port,
                        int local_port);

/* reserve.c */
enum { RESERVE_MAX = 512 };
void reserve_prepare(struct transfer *transfer);
/* After a block of `count` bytes: how many of the latest bytes, old ones and new ones, are not sent
 * yet. 0 at the end of the body. */
size_t reserve_kept_of(struct transfer *transfer, size_t count);
/* Removes up to `count` of the oldest bytes. Returns how many. */
size_t reserve_take(struct reserve *reserve, void *into, size_t count);
/* Adds bytes at the end. The caller has made room: reserve_kept_of() is never exceeded. */
void reserve_put(struct reserve *reserve, const void *bytes, size_t count);
/* The same from a pipe. False: they could not be read, and the body has a gap. */
bool reserve_put_from_pipe(struct reserve *reserve, int pipe, size_t count);
void reserve_sent(struct transfer *transfer); /* Glance was sent something */
/* Sends one byte if one is due. `queued`: bytes that Glance has not taken from the socket. Returns
 * the milliseconds until the next tick. */
uint64_t reserve_tick(struct transfer *transfer, int queued);
void reserve_end(struct reserve *reserve);

/* raw_request_body.c */
enum { RAW_REQUEST_MIN = 256 * 1024, RAW_REQUEST_CHUNK = 512 * 1024 };
bool raw_request_wanted(const struct transfer *transfer, const struct upstream_request *request);
void raw_request_prepare(struct transfer *transfer);
void raw_request_socket(struct transfer *transfer, struct socket *socket,
                        int what); /* CURL_POLL_... */
void raw_request_write(struct transfer *transfer);
void raw_request_feed(struct transfer *transfer); /* sends one byte of the reserve */
/* The socket has not taken the whole body. */
bool raw_request_is_short(const struct transfer *transfer);
void raw_request_end(struct transfer *transfer);

/* raw_response_body.c */
void raw_reply_prepare(struct transfer *transfer);
void raw_reply_tick(struct transfer *transfer);
void raw_reply_end(struct transfer *transfer);

/* transfer.c */
void transfer_ended(struct transfer *transfer, CURLcode code);
void transfer_has_socket(struct transfer *transfer, curl_socket_t socket);
void transfer_lost_socket(struct transfer *transfer, curl_socket_t socket);
void transfer_lacks_memory(struct transfer *transfer); /* ends it soon, from a task */

/* Removes it from libcurl, calls `done`, and frees it. */
void transfer_finish(struct transfer *transfer, enum transfer_result result);
void transfer_finish_for_memory(struct transfer *transfer);

/* attempt.c */
int attempt_first(struct transfer *transfer,
                  const struct upstream_request *request); /* returns its endpoint */
bool attempt_begin(struct transfer *transfer, int endpoint);
void attempt_leave(struct transfer *transfer); /* removes it from libcurl */
bool attempt_never_connected(const struct transfer *transfer);

/* Send it again: to the next endpoint, or to the same one on a new connection. False: not sent. */
bool attempt_next(struct transfer *transfer);
bool attempt_needs_new_connection(const struct transfer *transfer, CURLcode code);
bool attempt_on_new_connection(struct transfer *transfer);

/* Report to endpoints.c that the endpoint has answered, and that image data is under way or no
 * longer. */
void attempt_answered(struct transfer *transfer);
void attempt_begin_flow(struct transfer *transfer);
void attempt_end_flow(struct transfer *transfer);

/* curl_options.c: fills the easy handle. False: no memory. */
bool transfer_set_options(struct transfer *transfer, const struct upstream_request *request);

/* callbacks.c: libcurl's callbacks; `context` is the transfer. */
size_t transfer_on_header(char *bytes, size_t size, size_t count, void *context);
size_t transfer_on_data(char *bytes, size_t size, size_t count, void *context);
/* Notes what the owner has returned for the body: a count, or an enum stream_code. Returns the
 * count, or libcurl's code for it, which is 0 or larger than any count. */
size_t transfer_took(struct transfer *transfer, ssize_t got);
/* Asks the owner for up to `room` bytes. Returns as transfer_took(); 0 is the end of the body. */
size_t transfer_pull(struct transfer *transfer, void *into, size_t room);
size_t transfer_on_pull(char *into, size_t size, size_t count, void *context);

/* timeouts.c */
bool timeouts_begin(struct transfer *transfer); /* false: no memory */
void transfer_tick(struct timer *timer);

#endif
