/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the client edge share.
 *
 *   listener.c         the worker's daemon, and libmicrohttpd's callbacks
 *   accept.c           the listening sockets
 *   hook.c             what libmicrohttpd reads, and who judges it on the way (guard*.c)
 *   faults.c           what was stopped there, refused
 *   plain_http.c       plain HTTP where TLS is spoken
 *   connection.c       one TCP connection: who is at the other end, and the waits between requests
 *   client.c           one request of it, as libmicrohttpd's handler calls tell it
 *   request_body.c     its body, piece by piece
 *   response.c         its answer, through libmicrohttpd
 *   timeouts.c         what it waits for, and for how long
 *   raw_body.c         a body read from the socket itself, past libmicrohttpd
 *   raw_body_tls.c     the same where it comes by TLS
 *   raw_response.c     an answer written to the socket itself, and the drain behind it
 *   splice_response.c  its body, if that is streamed
 */
#ifndef LISTENER_PRIV_H
#define LISTENER_PRIV_H

#include "intake/buffer.h"
#include "intake/client.h"
#include "intake/listener.h"
#include "intake/loop.h"
#include "intake/networks.h"
#include "intake/reply.h"
#include "intake/settings.h"
#include "intake/stream.h"
#include "listener/guard.h"
#include "net/pipe.h"

#include <gnutls/abstract.h>
#include <microhttpd.h>

/* A request body of at least this many bytes is read from the socket itself. */
enum { RAW_BODY_MIN = 256 * 1024 };

/* libmicrohttpd's pool per connection: room for one request head, and most of what an idle
 * connection costs. The guard refuses what would not fit, and some room is left to read a body. */
enum { CONNECTION_POOL = GUARD_HEAD_MAX + 512 };

struct acceptor {
    struct listener *listener;
    struct watch watch; /* on a listening socket */
};

struct listener {
    struct listener_parts parts;
    struct MHD_Daemon *daemon;
    struct watch watch; /* on the daemon's own epoll */
    bool due;           /* the daemon has something to do */
    struct acceptor *acceptors;
    size_t acceptor_count;
    struct timer rest;              /* the doors are not watched before it fires */
    uint64_t rest_said;             /* clock_ms() when the log said why; 0: never */
    struct connection *connections; /* all open ones */
    size_t connection_count;
    struct connection **by_fd; /* the same by their sockets */
    size_t by_fd_count;
    bool tls;
    bool draining;
    char scratch[256 * 1024]; /* for whatever a single call needs room for */
    struct {
        size_t count, taken; /* bytes in the scratch, of the client's that is being read */
        size_t room;         /* how many more may be */
    } ahead;                 /* raw_body_tls.c */
    struct pipe pipe;        /* empty, for the next piece that nobody has to see */
};

struct connection {
    struct listener *listener;
    struct snapshot *snapshot; /* in force when it came, or its last request began; held */
    struct MHD_Connection *mhd;
    struct client *client; /* the request in progress, from request line to last byte */
    int fd;
    bool tls;
    bool opened;     /* its first byte was looked at; of TLS only */
    bool plain_http; /* it does not speak the TLS that it should */
    bool over_limit;
    bool deaf;         /* libmicrohttpd is told that the connection has ended */
    uint64_t requests; /* begun; those that the guard saw begin are as many or more */
    uint64_t timed;    /* the last head, by its number, that header_timeout runs or ran for */
    struct guard guard;
    struct task look;  /* at what the guard has stopped */
    uint64_t deadline; /* clock_ms() by which the next head must be there */
    struct timer timer;
    char peer[ADDRESS_TEXT_MAX];
    struct connection *next, *previous;
};

/* What a request is doing. The resume rule: libmicrohttpd calls the access handler again, in the
 * same state, after each MHD_resume_connection(); what it then finds in `state` says what to do. */
enum client_state {
    CLIENT_HEAD,         /* the request line is there, the head is not */
    CLIENT_BODYLESS,     /* complete with its head; `opened` comes with the next handler call */
    CLIENT_HELD,         /* suspended before its body, no 100 Continue yet */
    CLIENT_INVITED,      /* may send; the next handler call lets libmicrohttpd read on */
    CLIENT_RECEIVING,    /* pieces come through the handler; suspended while one is being taken */
    CLIENT_RAW_BODY,     /* suspended for good: the body is read from the socket */
    CLIENT_COMPLETE,     /* suspended: the body is complete, the answer is not there */
    CLIENT_ANSWERABLE,   /* the answer is there; the next handler call queues it */
    CLIENT_ANSWERING,    /* libmicrohttpd sends the answer */
    CLIENT_RAW_RESPONSE, /* suspended for good: we write the answer */
    CLIENT_DRAINING,     /* suspended for good: answered, dropping what still comes */
    CLIENT_OVER          /* nothing more; the next handler call ends the connection */
};

struct client {
    struct connection *connection;
    enum client_state state;
    char *target; /* raw, as the request line had it */
    struct request_head head;
    struct framing_facts framing;
    const char *fault;    /* of the head or the body; NULL: none. "": the refusal says it all */
    enum refusal refusal; /* what a fault is refused with */
    char *method, *version;
    void *exchange; /* NULL before `opened` and after `closed` */

    bool suspended;
    bool body_wanted; /* the owner was told STREAM_WAIT: bytes are the client's to give */
    bool complete;    /* every body byte was read */
    bool lost_told;
    bool vouched;         /* Glance knows the caller */
    bool answered;        /* the whole answer went out */
    uint64_t received;    /* body bytes read */
    uint64_t progress;    /* clock_ms() of the last byte from, or to, the client */
    int low_water;        /* taken over: SO_RCVLOWAT */
    uint64_t drain_until; /* clock_ms() */
    uint64_t drained;
    int queued_bytes; /* SIOCOUTQ at the last look */

    /* The piece of the body in hand: libmicrohttpd's during the handler call, then `kept`. */
    struct {
        const char *data;
        size_t len;
        size_t taken;
    } piece;
    struct buffer kept;

    struct watch watch; /* on the connection's fd, while suspended */
    struct reply reply;
    struct client_stream stream;
    bool streaming;

    /* By hand. */
    struct buffer wire;       /* what is left to write */
    bool streaming_raw;       /* then the stream comes */
    bool source_dry;          /* it has nothing now */
    struct pipe pipe_pending; /* of a piece that was moved, what the socket had no room for */
    size_t pipe_pending_count;
};

/* accept.c: takes over the sockets, also where it fails. */
bool acceptors_open(struct listener *listener, const int *sockets, size_t count);
void acceptors_close(struct listener *listener);

/* hook.c: between begin and end, reads from the sockets that were added are judged. */
void hook_begin(struct listener *listener);
void hook_end(void);
bool hook_in_place(void);
bool hook_add(struct listener *listener, int fd, struct connection *connection);
void hook_remove(struct listener *listener, int fd);
ssize_t hook_record_recv(gnutls_session_t session, void *into, size_t room); /* not judged */

/* faults.c */
void faults_look(struct connection *connection);
void faults_look_soon(struct connection *connection);

/* plain_http.c */
void plain_http_look(struct connection *connection); /* at the first byte, if it is there */
void plain_http_read_host(struct client *client);    /* into its head, where it is sound */

/* connection.c */
void connection_has_read(struct connection *connection); /* and its guard has judged */
void connection_notice(void *context, struct MHD_Connection *mhd, void **socket_context,
                       enum MHD_ConnectionNotificationCode code);
struct connection *connection_of(struct MHD_Connection *mhd);
void connection_request_began(struct connection *connection);
void connection_request_ended(struct connection *connection);
bool connection_in_tls(const struct connection *connection);  /* what is written goes by TLS */
bool connection_is_last(const struct connection *connection); /* it ends after this request */
void connection_cut(struct connection *connection);
void connection_tick_in(struct connection *connection, uint64_t ms);

/* client.c */
struct client *client_new(struct connection *connection, const char *target);
void client_free(struct client *client);
enum MHD_Result client_handle(struct client *client, const char *method, const char *version,
                              const char *data, size_t *size);
void client_closed(struct client *client);
void client_refuse_head(struct client *client); /* for the fault of the guard */
void client_refuse_body(struct client *client);

/* request_body.c */
enum MHD_Result client_receive_piece(struct client *client, const char *data, size_t *size);
void client_count(struct client *client, size_t bytes);

/* response.c */
enum MHD_Result client_queue_answer(struct client *client);
bool response_is_bodyless(const struct client *client); /* whatever its length: it has no body */

/* timeouts.c */
bool client_is_reading(struct client *client); /* some of what was written, since the last look */
bool client_stalled(const struct client *client); /* no byte for stall_timeout */
uint64_t client_tick(struct client *client);      /* milliseconds until the next one */
void client_suspend(struct client *client);
void client_resume(struct client *client);
void client_progress(struct client *client);
void client_want(struct client *client); /* from now on, a byte is the client's to give */
void client_tell_readable(struct client *client);
void client_tell_lost(struct client *client, enum client_loss why);

/* raw_body.c */
bool raw_body_wanted(const struct client *client);
void raw_body_begin(struct client *client);
ssize_t raw_body_read(struct client *client, void *into, size_t room);
ssize_t raw_body_splice(struct client *client, int pipe, size_t room);
void raw_body_tick(struct client *client);
void raw_body_end(struct client *client);

/* raw_body_tls.c: GnuTLS keeps what is left of a record, which no watch would tell of; so a caller
 * reads until STREAM_WAIT before it sleeps, which is what client_read() asks of its callers anyway.
 */
void raw_body_tls_begin(struct client *client);
ssize_t raw_body_tls_receive(struct client *client, char *into, size_t room);

/* raw_response.c: an answer may be written in any state before it. */
void raw_response_begin(struct client *client);
void raw_response_more(struct client *client); /* the stream has something again */
void raw_response_tick(struct client *client);

/* splice_response.c */
enum splice_result {
    SPLICE_SOME, /* or there was nothing to pour: the next piece */
    SPLICE_FULL, /* the socket has no room */
    SPLICE_NONE, /* the stream has nothing now */
    SPLICE_ALL,
    SPLICE_LOST /* the client, or the rest of the stream */
};
enum splice_result splice_response_piece(struct client *client);
bool splice_response_is_chunked(const struct client *client);
void splice_response_end(struct client *client);

/* tls.c: for MHD_OPTION_HTTPS_PRIORITIES. */
const char *tls_priorities(enum tls_version least);

/* For MHD_OPTION_HTTPS_CERT_CALLBACK. */
int tls_present(gnutls_session_t session, const gnutls_datum_t *req_ca_dn, int nreqs,
                const gnutls_pk_algorithm_t *pk_algos, int pk_algos_length, gnutls_pcert_st **pcert,
                unsigned *pcert_length, gnutls_privkey_t *pkey);

#endif
