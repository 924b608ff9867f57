/* SPDX-License-Identifier: Apache-2.0 */
/* Faults, made to order. A test sends one as JSON:
 *
 *     PUT /small-glance/faults      for later requests; replaces the one of the same image and `on`
 *     DELETE /small-glance/faults   no more faults
 *     X-Small-Glance-Fault: {...}   in a request: for this one, if `on` is its route
 *
 *     {"image": "*",     an id, or any image
 *      "on": "upload",   a route's name (routes.c)
 *      "times": 0,       how often; 0: until replaced
 *      "at": "end",      where it strikes: "head" (before 100 Continue), a number of bytes of the
 *                        body read (of a download: sent), "end" (the body is there)
 *      "stall": 2.5,     first wait, seconds; one before the end is over when the client is heard
 *                        to hang up (a reset is heard at once, a FIN behind unread bytes is not)
 *      "answer": 500,    then answer, and read and drop what is left of the body
 *      "cut": "close",   then (after the answer, if any) close the connection, or "reset" it
 *      "rate": 65536,    read (of a download: send) no faster than this, bytes a second
 *      "stuck": true,    the image stays `saving`, whatever happens
 *      "kept": true,     the image becomes active, whatever is answered at the end
 *      "spoilt": true,   the data is stored, and the image queued again with its hash and store:
 *                        what Glance 2025.1 answers 415 to, in its words if that is `answer`
 *      "hash": "sha256"  the os_hash_algo that it gets, instead of sha512; "": none, nor a value
 *      "wrong_checksum": true, "short_by": 1, "store": "file"   become active with this untruth}
 */
#ifndef SMALL_GLANCE_FAULT_H
#define SMALL_GLANCE_FAULT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct exchange;
struct glance;

enum fault_point { FAULT_AT_HEAD, FAULT_AT_BYTES, FAULT_AT_END };
enum fault_cut { FAULT_NO_CUT, FAULT_CLOSE, FAULT_RESET };

struct fault {
    bool set; /* all zero: no fault */
    char image[40];
    char on[16];
    unsigned times; /* left; 0: no end */
    bool struck;    /* has been at its point */
    enum fault_point point;
    uint64_t bytes; /* for FAULT_AT_BYTES */
    double stall;
    unsigned answer; /* status; 0: none */
    enum fault_cut cut;
    uint64_t rate; /* 0: as fast as it comes */
    bool stuck;
    bool kept;
    bool spoilt;
    char hash[16];
    bool wrong_checksum;
    uint64_t short_by;
    char store[64]; /* "": the one that was asked for */
};

/* Reads the JSON above. False: it is wrong, and `why` (256 bytes) says how. */
bool fault_parse(json_t *json, struct fault *fault, char why[256]);

/* The fault that a request meets: that of its header, or the latest set that fits. A header that
 * is no fault is answered with 400. Called with glance->lock held. */
void fault_meet(struct exchange *exchange);

/* How many of `size` bytes may be taken before the fault has to strike: 0: now. */
size_t fault_room(const struct fault *fault, uint64_t taken, size_t size);

enum fault_outcome {
    FAULT_GO_ON,  /* there was nothing but a stall */
    FAULT_ANSWER, /* exchange->answer is made; `cut` is left for after it */
    FAULT_CUT,    /* close the connection now */
};

/* The fault strikes: stalls and says what is next. */
enum fault_outcome fault_strike(struct exchange *exchange);

/* Prepares the socket for the kind of `cut` before it is closed. */
void fault_cut_socket(const struct fault *fault, int connection);

/* Routes of /small-glance/faults. */
void faults_put(struct exchange *exchange);
void faults_clear(struct exchange *exchange);

#endif
