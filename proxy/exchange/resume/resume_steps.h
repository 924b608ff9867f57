/* SPDX-License-Identifier: Apache-2.0 */
/* The state and the steps of a request about an upload that can be resumed.
 *
 *   resume.c    the kind, and its steps
 *   admit.c     what the head says
 *   answers.c   the answers without data
 *   judge.c     whether the client may go on at this place
 *   cors_preflight.c  another kind: the preflight request of a browser
 *   progress.c  another kind: how far the uploads to an image are
 *   attach.c    passes the client's bytes to the upload, and the outcome back */
#ifndef RESUME_STEPS_H
#define RESUME_STEPS_H

#include "exchange/upload/image_check.h"
#include "intake/held_uploads.h"
#include "net/socket.h"

struct resumption;

/* The client's bytes on their way to the upload. */
struct bridge {
    struct resumption *resumption; /* a reference; NULL: none yet */
    struct net_socket socket;
    struct watch watch; /* fd -1: the socket is closed */
    char *bytes;        /* BRIDGE_SIZE; NULL: none yet */
    size_t start, end;  /* of those that are to be written */
    bool over;          /* the upload has closed its socket */
};

enum { BRIDGE_SIZE = 256 * 1024 };

struct resume_flow {
    struct exchange x; /* first: resume_of() needs that */
    enum resume_verb verb;
    enum resume_dialect dialect;
    uint64_t first, count; /* of the part that the request brings */
    bool completes;        /* the draft: nothing comes after it */
    bool complete;         /* the answer is about the image: for Upload-Complete of the draft */
    uint64_t total;        /* of the whole, as the request says; 0: it does not */
    struct image_check check;
    struct held_facts held; /* the upload, as it was seen last */
    uint64_t offset;        /* for Upload-Offset of a refusal */
    bool tells_offset;
    struct bridge bridge;
};

static inline struct resume_flow *resume_of(struct exchange *x)
{
    return (struct resume_flow *)x;
}

extern const struct exchange_kind RESUME_KIND;
extern const struct exchange_kind PROGRESS_KIND;
extern const struct exchange_kind CORS_PREFLIGHT_KIND;

/* Whether the request is of this kind. */
bool resume_wanted(const struct exchange_parts *parts, const struct client *client,
                   const struct request_facts *request);

/* admit.c */
/* A Content-Range that has a fault, or begins at the first byte, is none of this kind: it is
 * refused like any upload with a Content-Range. */
bool resume_reads_range(const struct client *client, struct resume_flow *resume);
enum step_result resume_admit(struct exchange *x);

/* judge.c */
enum step_result resume_judge(struct exchange *x);

/* answers.c */
/* Looks for the upload again: `held` is what it is now. */
bool resume_find_held(struct resume_flow *resume);
enum step_result resume_answer_without(struct resume_flow *resume); /* there is no upload */
/* Refuses, and tells the offset. */
enum step_result resume_refuse_at(struct resume_flow *resume, enum refusal reason, uint64_t offset,
                                  const char *detail);

/* Where it stands. A length of 0 is not known. */
enum step_result resume_tell_offset(struct resume_flow *resume, const struct held_facts *facts,
                                    bool complete);
/* The part was taken, and more is to come. */
enum step_result resume_tell_part(struct resume_flow *resume, uint64_t offset);
enum step_result resume_say_dropped(struct resume_flow *resume);
enum step_result resume_describe(struct resume_flow *resume); /* OPTIONS */
bool resume_add_to_answer(const struct exchange *x, struct headers *out);
void resume_describe_refusal(const struct exchange *x, struct refusal_context *out);

/* attach.c */
enum step_result resume_attach(struct exchange *x);
bool resume_take_more(struct exchange *x);
enum step_result resume_finish(struct exchange *x);
void bridge_end(struct exchange *x, struct bridge *bridge);

#endif
