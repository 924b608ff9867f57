/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the Glance edge share.
 *
 *   multi.c              libcurl's multi handle in the worker's loop
 *   sockets.c            its sockets
 *   idle_connections.c   those of kept connections, until the next request
 *   endpoints.c          Glance's endpoints, and whose turn it is
 *   endpoint_state.c     how they are
 *   probe.c              one health check
 *   health.c             all of them, for the whole process
 *   transfer.c           one request, from its start to its end
 *   attempt.c            to which endpoint it goes, and whether it goes again
 *   curl_options.c       what libcurl is told about it
 *   callbacks.c          what libcurl calls meanwhile
 *   raw_request_body.c   a large body, written to the socket beside libcurl
 *   raw_response_body.c  a large answer, read from the socket past libcurl
 *   timeouts.c           how long Glance may do nothing
 */
#ifndef UPSTREAM_PRIV_H
#define UPSTREAM_PRIV_H

#include "intake/endpoints.h"
#include "intake/headers.h"
#include "intake/loop.h"
#include "intake/stream.h"
#include "intake/transfer.h"
#include "net/pipe.h"

#include <curl/curl.h>

enum { POOLED_HANDLES = 512, ENDPOINT_NONE = -1 /* not an endpoint of Glance's */ };

/* A socket of libcurl's. It and its writer know each other, and so do it and its user: who goes
 * first tells the other. */
struct socket {
    struct watch watch;
    struct glance *glance;
    struct transfer *user; /* whose request is on it, or was the last one; NULL: nobody's */
    bool idle;             /* the connection is kept, and no request is on it */
    bool echoes;           /* Glance has answered on it with a request's own id */
    unsigned port;         /* our side's; 0: not known, or not TCP */
    struct socket *next, *previous; /* among those that rest */
    unsigned for_libcurl;           /* the events that it asks for */
    struct transfer *writer;        /* whose body goes there beside libcurl; NULL: nobody's */
    bool room_wanted;               /* by the writer */
};

struct glance {
    struct loop *loop;
    char *scratch;    /* RAW_REQUEST_CHUNK bytes, for the piece that is being sent */
    struct pipe pipe; /* empty, for the next piece that nobody has to see */
    CURLM *multi;
    struct socket **sockets; /* by descriptor; NULL: it is not libcurl's, or not watched */
    size_t socket_places;
    struct socket *idle;  /* the first of them */
    int dead_end;         /* a socket whose peer has closed; takes the place of what is dropped */
    struct timer timer;   /* libcurl's */
    uint64_t timer_due;   /* clock_ms() */
    struct task set_late; /* sets it, once there is memory for that */
    struct task reap;     /* looks for ended transfers, after libcurl has returned */
    struct transfer *all; /* in progress */
    CURL *pool[POOLED_HANDLES];
    size_t pooled;
    struct endpoints *endpoints; /* the process's; NULL: none */
};

struct transfer {
    struct glance *glance;
    const struct settings *settings;
    const struct upstream_callbacks *owner;
    void *context;

    CURL *easy;                /* NULL: libcurl has let it go */
    struct curl_slist *fields; /* in one piece of memory */
    bool has_keys;             /* libcurl's handle does */
    enum framing framing;
    uint64_t length;
    uint64_t timeout; /* ms; 0: as the settings say */
    unsigned tried;   /* a bit per endpoint */
    int endpoint;     /* or ENDPOINT_NONE */
    enum endpoint_turn turn;
    bool only_asks; /* it may be sent twice */
    bool flowing;   /* the endpoint knows of image data here */
    curl_socket_t socket;
    struct socket *link; /* the last socket that libcurl has named; NULL: none, or it is closed */
    bool reused;         /* the request is sent on a kept connection */
    bool stale;          /* that connection is out of step: the request needs a new one */
    bool echoes;         /* on this connection Glance answers with the request's own id */
    char id[REQUEST_ID_MAX + 1];

    struct headers answer; /* fields so far, of the head being received */
    unsigned status;
    bool head_told;
    bool bare;         /* the answer is a head, which libcurl does not know: it ends there */
    uint64_t received; /* of the answer's body, from libcurl */

    struct watch watch; /* the rest of the answer: its socket; -1: it comes from libcurl */
    uint64_t left;      /* of it */
    bool hungry;        /* the owner waits for it */
    int low_water;      /* SO_RCVLOWAT; 0: not set */
    struct task over;   /* there is no more of the answer */

    bool raw_request;    /* its body does not go through libcurl */
    struct task begin;   /* beside: the head is sent */
    struct socket *wire; /* beside: from then on, until libcurl lets it go, or writing fails */
    char *rest;          /* beside: of a piece, what the socket had no room for */
    size_t rest_count, raw_reply_sent;
    struct pipe stuck; /* likewise, of a piece that was moved */
    size_t stuck_count;
    uint64_t wired;  /* bytes that the socket has taken beside libcurl, or given past it */
    struct task cut; /* beside: the owner has lost its client */

    uint64_t sent;
    bool pulled; /* the body was asked for: no other endpoint from here on */
    bool all_pulled;
    bool send_paused; /* pull said STREAM_WAIT */
    bool read_paused; /* data said false */
    bool given_up;
    bool no_memory; /* to send it, or to take the answer's head */
    struct task unpause;
    struct task short_of; /* memory, to watch its socket for instance */
    struct task closed;   /* Glance has closed its side, and libcurl has not said so */
    bool closed_looked;   /* libcurl's messages were read since */

    struct timer timer;
    uint64_t progress; /* clock_ms() */
    curl_off_t moved;  /* bytes up and down at the last tick */
    int queued;        /* SIOCOUTQ at the last tick */
    char detail[CURL_ERROR_SIZE];
    struct transfer *next, *previous;
};

/* multi.c */
CURL *glance_take_handle(struct glance *glance);
void glance_give_handle(struct glance *glance, CURL *easy); /* NULL is fine */

/* Lets libcurl go on with one socket now, instead of at the next turn. */
void glance_drive(struct glance *glance, curl_socket_t socket, int flags);

/* sockets.c. For libcurl, which gives them the glance: a change in what it waits for, and the end
 * of a connection. */
int sockets_changed(CURL *easy, curl_socket_t fd, int what, void *context, void *assigned);
int sockets_close(void *context, curl_socket_t fd);
void sockets_let_go(struct glance *glance, curl_socket_t fd); /* watched no more, if it was */

/* Watches the socket for libcurl, and for room where the writer wants some. False: as watch_set().
 */
bool socket_watch(struct socket *socket);

/* Nothing is written to it beside libcurl from now on. */
void socket_drop_writer(struct socket *socket);

/* It is watched no more, and freed. */
void socket_forget(struct socket *socket);

/* idle_connections.c */
bool idle_prepare(struct glance *glance); /* false: no descriptor */
void idle_end(struct glance *glance);

/* The transfer's request is on this socket from now on. */
void socket_use(struct socket *socket, struct transfer *transfer);

/* libcurl has let the transfer go: its connection rests, if it was kept. */
void socket_release(struct transfer *transfer);

/* It has no user any more, and does not rest. */
void socket_leave(struct socket *socket);

/* Closes a connection that rests. libcurl finds that out when it looks at it next. */
void socket_drop(struct socket *socket);

/* Whether the head that has come is not the answer to this request, but to an earlier one, or to
 * none. Such a transfer is stale. */
bool idle_is_out_of_step(struct transfer *transfer);

/* For libcurl, just before it sends a request. */
int idle_before_request(void *context, char *remote_ip, char *local_ip, int remote_port,
                        int local_port);

/* raw_request_body.c */
enum { RAW_REQUEST_MIN = 256 * 1024, RAW_REQUEST_CHUNK = 512 * 1024 };
bool raw_request_wanted(const struct transfer *transfer, const struct upstream_request *request);
void raw_request_prepare(struct transfer *transfer);
void raw_request_socket(struct transfer *transfer, struct socket *socket,
                        int what); /* libcurl's CURL_POLL_... */
void raw_request_go_on(struct transfer *transfer);
bool raw_request_is_short(const struct transfer *transfer); /* the socket has not taken all of it */
void raw_request_end(struct transfer *transfer);

/* raw_response_body.c */
void raw_reply_prepare(struct transfer *transfer);
void raw_reply_tick(struct transfer *transfer);
void raw_reply_end(struct transfer *transfer);

/* transfer.c: told by multi.c */
void transfer_ended(struct transfer *transfer, CURLcode code);
void transfer_has_socket(struct transfer *transfer, curl_socket_t socket);
void transfer_lost_socket(struct transfer *transfer, curl_socket_t socket);
void transfer_lacks_memory(struct transfer *transfer); /* to go on with: it ends soon */

/* Takes it from libcurl, tells `done`, and frees. */
void transfer_finish(struct transfer *transfer, enum transfer_result result);
void transfer_finish_for_memory(struct transfer *transfer);

/* attempt.c */
int attempt_first(struct transfer *transfer,
                  const struct upstream_request *request); /* its endpoint */
bool attempt_begin(struct transfer *transfer, int endpoint);
void attempt_leave(struct transfer *transfer); /* libcurl lets it go */
bool attempt_never_connected(const struct transfer *transfer);

/* Sends it again: to the next endpoint, or to the same one on a new connection. False: no. */
bool attempt_next(struct transfer *transfer);
bool attempt_needs_fresh(const struct transfer *transfer, CURLcode code);
bool attempt_fresh(struct transfer *transfer);

/* Tells the endpoint that it has answered, and that image data flows, or flows no more. */
void attempt_answered(struct transfer *transfer);
void attempt_flows(struct transfer *transfer);
void attempt_flows_no_more(struct transfer *transfer);

/* curl_options.c: fills the easy handle. False: no memory. */
bool transfer_set_options(struct transfer *transfer, const struct upstream_request *request);

/* callbacks.c: for libcurl, which gives them the transfer. */
size_t transfer_on_header(char *bytes, size_t size, size_t count, void *context);
size_t transfer_on_data(char *bytes, size_t size, size_t count, void *context);
/* Notes what the owner has given of the body: a count (returned), or a CLIENT_... code (what
 * libcurl is told then: more than any count). */
size_t transfer_took(struct transfer *transfer, ssize_t got);
size_t transfer_on_pull(char *into, size_t size, size_t count, void *context);

/* timeouts.c */
bool timeouts_begin(struct transfer *transfer); /* false: no memory */
void transfer_tick(struct timer *timer);

#endif
