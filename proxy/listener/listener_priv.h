/* SPDX-License-Identifier: Apache-2.0 */
/* Declarations shared by the files of the client side.
 *
 *   listener.c         the worker's daemon, and libmicrohttpd's callbacks
 *   accept.c           the listening sockets
 *   sockets.c          opens them
 *   unix_socket.c      the same for unix sockets
 *   proxy_protocol.c   the header that trusted proxies send first
 *   proxy_header.c     parses it
 *   hook.c             replaces recv() for libmicrohttpd, so that guard*.c checks each byte first
 *   faults.c           refuses what the guard has stopped
 *   plain_http.c       plain HTTP on a TLS port
 *   connection.c       one TCP connection: its peer, its guard, and the timeouts between requests
 *   client.c           one request, driven by calls of libmicrohttpd's access handler
 *   client_state.c     the states of a request, and their order
 *   request_head.c     its head, copied from libmicrohttpd
 *   request_body.c     its body, block by block
 *   response.c         its answer, sent by libmicrohttpd
 *   client_events.c    its events for its owner, and its suspension
 *   timeouts.c         its timeouts
 *   raw_body.c         a large body, read from the socket past libmicrohttpd
 *   raw_response.c     an answer written to the socket past libmicrohttpd, and the drain after it
 *   stream_response.c  its body, if that is streamed
 *   tls.c              certificate and ciphers */
#ifndef LISTENER_PRIV_H
#define LISTENER_PRIV_H

#include "intake/buffer.h"
#include "intake/client.h"
#include "intake/container.h"
#include "intake/list.h"
#include "intake/listener.h"
#include "intake/loop.h"
#include "intake/networks.h"
#include "intake/reply.h"
#include "intake/settings.h"
#include "intake/stream.h"
#include "listener/guard.h"
#include "net/pipe.h"
#include "net/tls_socket.h"

#include <gnutls/abstract.h>
#include <microhttpd.h>

/* A request body of at least this many bytes is read from the socket past libmicrohttpd. */
enum { RAW_BODY_MIN = 256 * 1024 };

/* Size of libmicrohttpd's memory pool per connection: it has to hold one request head, and it is
 * most of what an idle connection costs. The guard refuses heads that would not fit. The extra
 * bytes are for reading a body. */
enum { CONNECTION_POOL = GUARD_HEAD_MAX + 512 };

struct acceptor {
    struct listener *listener;
    struct watch watch; /* of a listening socket */
};

struct listener {
    struct listener_parts parts;
    struct MHD_Daemon *daemon;
    struct watch watch; /* of the daemon's own epoll descriptor */
    bool due;           /* the daemon must run in this turn of the loop */
    struct acceptor *acceptors;
    size_t acceptor_count;
    struct timer accept_pause; /* no connections are accepted before it fires */
    uint64_t pause_logged;     /* clock_ms() of the last log line about it; 0: none yet */
    struct list proxied;       /* connections whose PROXY header has not come yet */
    uint64_t proxied_logged;   /* clock_ms() of the last log line about them; 0: none yet */
    struct list connections;   /* all that are open */
    size_t connection_count;
    struct connection **by_fd; /* the same, indexed by descriptor */
    size_t by_fd_count;
    bool tls;
    bool draining;
    char scratch[256 * 1024];    /* temporary buffer; valid within one call only */
    struct net_read_ahead ahead; /* into the scratch */
    struct pipe pipe;            /* shared by all splices; empty between two of them */
};

/* Of the client, where one is required. */
enum certificate { CERTIFICATE_UNCHECKED, CERTIFICATE_ACCEPTED, CERTIFICATE_REFUSED };

struct connection {
    enum object_tag tag;
    struct listener *listener;
    struct snapshot *snapshot; /* a reference; replaced when a request begins */
    struct MHD_Connection *mhd;
    struct client *client; /* in progress, from the request line to the last byte of the answer */
    struct net_socket socket;
    bool tls;
    enum certificate certificate;
    bool first_byte_seen; /* TLS only: plain_http.c has seen the first byte */
    bool plain_http;      /* the client speaks plain HTTP on a TLS port */
    bool over_limit;
    bool reads_eof;      /* libmicrohttpd's reads return end of file */
    uint64_t requests;   /* begun by libmicrohttpd; never more than guard.heads */
    uint64_t timed_head; /* number of the last head for which header_timeout was started */
    struct guard guard;
    struct task fault_check; /* calls faults_check() */
    uint64_t deadline;       /* clock_ms() by which the next head must be complete */
    struct timer timer;
    char peer[ADDRESS_TEXT_MAX];
    struct list place;
};

/* The state of a request. The resume rule: after each MHD_resume_connection() libmicrohttpd calls
 * the access handler again, and `state` says what that call means. */
enum client_state {
    CLIENT_HEAD,       /* the request line has arrived, the rest of the head has not */
    CLIENT_BODYLESS,   /* it has no body; the next handler call sends `opened` */
    CLIENT_HELD,       /* suspended before its body; no 100 Continue was sent */
    CLIENT_INVITED,    /* the body is wanted; the next handler call lets libmicrohttpd read on */
    CLIENT_RECEIVING,  /* the handler gets the body; suspended until the owner has read the block */
    CLIENT_RAW_BODY,   /* suspended until the end: the body is read from the socket */
    CLIENT_COMPLETE,   /* suspended: the body is complete, and the owner has not answered yet */
    CLIENT_ANSWERABLE, /* the owner has answered; the next handler call queues the answer */
    CLIENT_ANSWERING,  /* libmicrohttpd sends the answer */
    CLIENT_RAW_RESPONSE, /* suspended until the end: raw_response.c writes the answer */
    CLIENT_DRAINING,     /* suspended until the end: answered; drops what the client sends */
    CLIENT_OVER          /* over; the next handler call ends the connection */
};

struct client {
    enum object_tag tag;
    struct connection *connection;
    enum client_state state;
    char *target; /* as it was sent, not decoded */
    struct request_head head;
    struct framing_facts framing;
    const char *fault;    /* of the head or the body; NULL: none; "": the refusal says it all */
    enum refusal refusal; /* the refusal that answers a fault */
    char *method, *version;
    void *exchange; /* NULL before `opened` and after `closed` */

    struct task no_memory; /* tells the owner that the body could not be read */
    bool suspended;
    bool body_wanted; /* the owner got STREAM_WAIT: the client has to send the next byte */
    bool complete;    /* the end of the body was reached */
    bool lost_told;
    bool vouched;         /* Glance has accepted the caller's token */
    bool answered;        /* the whole answer was sent */
    uint64_t received;    /* body bytes read */
    uint64_t progress;    /* clock_ms() of the last byte from, or to, the client */
    uint64_t drain_until; /* clock_ms(), unless more of the body comes */
    uint64_t drain_end;   /* clock_ms(), in any case */
    uint64_t drained;
    int queued_bytes; /* SIOCOUTQ at the last tick */

    /* The current block of the body. Its data is libmicrohttpd's during the handler call, and
     * `kept`'s after it. */
    struct {
        const char *data;
        size_t len;
        size_t taken;
    } block;
    struct buffer kept;

    struct watch watch; /* of the connection's socket, while suspended */
    struct reply reply;
    struct client_stream stream;
    bool streaming;

    /* Of a raw response. */
    struct buffer output;      /* still to be written */
    bool streaming_raw;        /* after it, the body comes from the stream */
    bool source_dry;           /* the stream has returned STREAM_WAIT */
    struct unsent_pipe unsent; /* spliced bytes that the socket did not take */
};

/* accept.c: takes over the sockets, even if it fails. */
bool acceptors_open(struct listener *listener, const int *sockets, size_t count);
void acceptors_close(struct listener *listener);

/* accept.c: gives the descriptor to libmicrohttpd. False: there was no memory; it is closed. */
bool listener_take_connection(struct listener *listener, int fd, const struct sockaddr *peer,
                              socklen_t size);

/* proxy_protocol.c */
/* Whether a connection of this peer has to begin with a PROXY header. */
bool proxy_protocol_expected(const struct listener *listener, const struct sockaddr *peer);
/* Takes over the descriptor. Reads the header, then calls listener_take_connection(). */
void proxy_protocol_begin(struct listener *listener, int fd, const struct sockaddr *peer,
                          socklen_t size);
void proxy_protocol_end(struct listener *listener); /* closes those without a whole header */

/* hook.c: between hook_begin() and hook_end(), reads from added sockets go through the guard. */
void hook_begin(struct listener *listener);
void hook_end(void);
bool hook_in_place(void);
bool hook_add(struct listener *listener, int fd, struct connection *connection);
void hook_remove(struct listener *listener, int fd);

/* faults.c */
void faults_check(struct connection *connection);
void faults_check_soon(struct connection *connection);

/* plain_http.c */
/* Checks the first byte, if it has arrived. */
void plain_http_detect(struct connection *connection);
void plain_http_read_host(struct client *client); /* adds Host to its head, if it is valid */

/* connection.c */
void connection_has_read(struct connection *connection); /* after each read */
void connection_notice(void *context, struct MHD_Connection *mhd, void **socket_context,
                       enum MHD_ConnectionNotificationCode code);
struct connection *connection_of(struct MHD_Connection *mhd);
void connection_request_began(struct connection *connection);
void connection_request_ended(struct connection *connection);
/* The connection ends after this request. */
bool connection_is_last(const struct connection *connection);
/* Ends it at once. A client whose body ends with the connection sees that the body is not whole. */
void connection_cut(struct connection *connection);
void connection_tick_in(struct connection *connection, uint64_t ms);

/* client_state.c: the only place that changes the state. */
void client_set_state(struct client *client, enum client_state state);

/* client.c */
struct client *client_new(struct connection *connection, const char *target);
enum MHD_Result client_handle(struct client *client, const char *method, const char *version,
                              const char *data, size_t *size);
void client_closed(struct client *client);
/* Opens an exchange for a head that the guard has stopped. */
void client_refuse_head(struct client *client);
void client_refuse_body(struct client *client);

/* request_head.c. False: no memory. A fault of the head is noted in the client. */
bool client_take_head(struct client *client, const char *method, const char *version);

/* request_body.c */
enum MHD_Result client_receive_block(struct client *client, const char *data, size_t *size);
void client_count(struct client *client, size_t bytes);

/* response.c */
enum MHD_Result client_queue_answer(struct client *client);
bool response_is_bodyless(const struct client *client); /* 204, 304, or the answer to HEAD */
/* The end of the connection is the end of the body: an HTTP/1.0 client, and no Content-Length. */
bool response_ends_by_close(const struct client *client);

/* timeouts.c */
bool client_is_reading(struct client *client); /* the client has taken bytes since the last call */
bool client_stalled(const struct client *client); /* no progress for stall_timeout */
uint64_t client_tick(struct client *client);      /* returns the milliseconds until the next tick */

/* client_events.c */
void client_suspend(struct client *client);
void client_resume(struct client *client);
void client_progress(struct client *client);
void client_want(struct client *client); /* starts the stall timeout: the client has to send */
void client_tell_readable(struct client *client);
void client_tell_lost(struct client *client, enum client_loss why);

/* raw_body.c: with TLS a caller must read until STREAM_WAIT before it waits (net/tls_socket.h);
 * client_read() asks its callers for the same. */
bool raw_body_wanted(const struct client *client);
void raw_body_begin(struct client *client);
ssize_t raw_body_read(struct client *client, void *into, size_t room);
ssize_t raw_body_splice(struct client *client, int pipe, size_t room);
void raw_body_tick(struct client *client);
void raw_body_end(struct client *client);

/* raw_response.c: may begin in the states from CLIENT_HELD to CLIENT_COMPLETE. */
void raw_response_begin(struct client *client);
void raw_response_more(struct client *client); /* after client_more() */
void raw_response_tick(struct client *client);

/* stream_response.c */
enum splice_result {
    SPLICE_SOME, /* progress was made: call it again */
    SPLICE_FULL, /* the socket is full */
    SPLICE_NONE, /* the stream has returned STREAM_WAIT */
    SPLICE_ALL,
    SPLICE_LOST /* the client or the stream is lost */
};
enum splice_result stream_response_next(struct client *client);
bool stream_response_is_chunked(const struct client *client);

/* tls.c: before the handshake of a new connection. */
void tls_ask_for_certificate(struct connection *connection, gnutls_session_t session);

/* tls.c: for MHD_OPTION_HTTPS_CERT_CALLBACK. */
int tls_present(gnutls_session_t session, const gnutls_datum_t *req_ca_dn, int nreqs,
                const gnutls_pk_algorithm_t *pk_algos, int pk_algos_length, gnutls_pcert_st **pcert,
                unsigned *pcert_length, gnutls_privkey_t *pkey);

#endif
