/* SPDX-License-Identifier: Apache-2.0 */
/* A piece has an errand for each digest, in the digest's own strand:
 *
 *     put -> piece -> errands -> helpers: update -> back in the loop: the last one frees the piece
 *
 * Between sending and coming back a piece is the helpers', to read; all else is the loop's. Of a
 * piece in pipes each digest has its own:
 *
 *     client's socket -> inlet, the first digest's pipe -> the other digests' pipes
 *                                                       -> the pipe to Glance
 */
#include "body/hashing.h"

#include "intake/digest.h"
#include "intake/thread_pool.h"
#include "net/pipe.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <unistd.h>

/* What is hashed about as fast as a helper is told of it is hashed at once. */
enum { LITTLE = 16 * 1024 };

/* A helper takes this much out of a pipe at a time: it stays in the processor's cache. */
enum { SIP = 64 * 1024 };

static atomic_uint pipes; /* that are open, in all workers; at most HASHING_PIPES */

struct lane {
    struct digest *digest; /* of the set */
    struct strand strand;
};

struct hashing {
    struct digests *set;
    struct lane lanes[DIGESTS_MAX];
    size_t lane_count;
    struct thread_pool *helpers;
    struct loop *loop;
    void (*wake)(void *context);
    void *context;
    struct piece *inlet; /* its pipes are open, and empty; NULL: there is none */
    unsigned pieces;     /* with the helpers */
    bool waits_for_room; /* somebody was told to wait: for one piece to come back */
    bool waits_for_end;  /* or for all of them */
    bool freed;          /* goes when they are back */
};

struct part {
    struct job job; /* first: it leads back here */
    struct piece *piece;
    struct lane *lane;
    struct pipe pipe; /* NO_PIPE: the piece has the bytes */
};

struct piece {
    struct hashing *hashing;
    struct part parts[DIGESTS_MAX];
    unsigned out;   /* parts that are not back */
    unsigned pipes; /* that it may have open */
    size_t count;
    char bytes[];
};

static struct piece *piece_new(struct hashing *hashing, size_t room)
{
    struct piece *piece = malloc(sizeof *piece + room);
    if (!piece)
        return NULL;
    piece->hashing = hashing;
    piece->out = piece->pipes = 0;
    for (size_t i = 0; i < DIGESTS_MAX; i++)
        piece->parts[i].pipe = NO_PIPE;
    return piece;
}

static void piece_free(struct piece *piece)
{
    if (!piece)
        return;
    for (size_t i = 0; i < DIGESTS_MAX; i++)
        pipe_close(&piece->parts[i].pipe);
    atomic_fetch_sub(&pipes, piece->pipes);
    free(piece);
}

struct hashing *hashing_new(struct digests *set, struct thread_pool *helpers, struct loop *loop,
                            void (*wake)(void *context), void *context)
{
    struct hashing *hashing = calloc(1, sizeof *hashing);
    if (!hashing) {
        digests_free(set);
        return NULL;
    }
    hashing->set = set;
    for (struct digest *digest; (digest = digests_at(set, hashing->lane_count));)
        hashing->lanes[hashing->lane_count++].digest = digest;
    hashing->helpers = helpers;
    hashing->loop = loop;
    hashing->wake = wake;
    hashing->context = context;
    return hashing;
}

struct digests *hashing_set(struct hashing *hashing)
{
    return hashing->set;
}

static void end(struct hashing *hashing)
{
    digests_free(hashing->set);
    piece_free(hashing->inlet);
    free(hashing);
}

void hashing_free(struct hashing *hashing)
{
    if (!hashing)
        return;
    hashing->freed = true;
    if (!hashing->pieces)
        end(hashing);
}

/* --- with the helpers ------------------------------------------------------------------ */

/* All of it is in the pipe. Were it not, nothing would agree with the digest. */
static void hash_pipe(const struct part *part)
{
    char sip[SIP];
    size_t left = part->piece->count;
    ssize_t got;
    while (left && (got = read(part->pipe.ends[0], sip, MIN(left, sizeof sip))) > 0) {
        digest_update(part->lane->digest, sip, (size_t)got);
        left -= (size_t)got;
    }
}

static void hash(struct job *job)
{
    const struct part *part = (const struct part *)job;
    if (part->pipe.ends[0] >= 0)
        hash_pipe(part);
    else
        digest_update(part->lane->digest, part->piece->bytes, part->piece->count);
}

static void tell(struct hashing *hashing)
{
    bool due = hashing->waits_for_room || (hashing->waits_for_end && !hashing->pieces);
    if (!due)
        return;
    hashing->waits_for_room = hashing->waits_for_end = false;
    hashing->wake(hashing->context);
}

static void hashed(struct job *job)
{
    struct piece *piece = ((struct part *)job)->piece;
    struct hashing *hashing = piece->hashing;
    if (--piece->out)
        return;
    piece_free(piece);
    hashing->pieces--;
    if (!hashing->freed)
        tell(hashing);
    else if (!hashing->pieces)
        end(hashing);
}

static void send_parts(struct hashing *hashing, struct piece *piece)
{
    hashing->pieces++;
    for (; piece->out < hashing->lane_count; piece->out++) {
        struct lane *lane = &hashing->lanes[piece->out];
        struct part *part = &piece->parts[piece->out];
        part->job = (struct job){.run = hash, .done = hashed, .strand = &lane->strand};
        part->piece = piece;
        part->lane = lane;
        thread_pool_send(hashing->helpers, hashing->loop, &part->job);
    }
}

/* --- what the owner calls -------------------------------------------------------------- */

size_t hashing_room(struct hashing *hashing)
{
    if (!hashing->lane_count || !hashing->helpers)
        return SIZE_MAX;
    if (hashing->pieces < HASHING_PIECES)
        return HASHING_PIECE;
    hashing->waits_for_room = true;
    return 0;
}

bool hashing_put(struct hashing *hashing, const char *bytes, size_t count)
{
    bool at_once = !hashing->helpers || (count <= LITTLE && !hashing->pieces);
    if (!hashing->lane_count || at_once) {
        digests_update(hashing->set, bytes, count);
        return true;
    }
    struct piece *piece = piece_new(hashing, count);
    if (!piece)
        return false;
    piece->count = count;
    memcpy(piece->bytes, bytes, count);
    send_parts(hashing, piece);
    return true;
}

static bool open_pipes(struct piece *piece, unsigned count)
{
    unsigned before = atomic_fetch_add(&pipes, count);
    piece->pipes = count;
    bool good = before + count <= HASHING_PIPES;
    for (unsigned i = 0; good && i < count; i++)
        good = pipe_open(&piece->parts[i].pipe);
    return good;
}

int hashing_inlet(struct hashing *hashing)
{
    if (!hashing->helpers || !hashing->lane_count || hashing->pieces == HASHING_PIECES)
        return -1;
    struct piece *piece = piece_new(hashing, 0);
    if (!piece || !open_pipes(piece, (unsigned)hashing->lane_count)) {
        piece_free(piece);
        return -1;
    }
    hashing->inlet = piece;
    return piece->parts[0].pipe.ends[1];
}

void hashing_close_inlet(struct hashing *hashing)
{
    piece_free(hashing->inlet);
    hashing->inlet = NULL;
}

static bool lend(const struct piece *piece, int pipe)
{
    return tee(piece->parts[0].pipe.ends[0], pipe, piece->count, SPLICE_F_NONBLOCK) ==
           (ssize_t)piece->count;
}

bool hashing_pass_on(struct hashing *hashing, int pipe, size_t count)
{
    struct piece *piece = hashing->inlet;
    hashing->inlet = NULL;
    piece->count = count;
    bool good = lend(piece, pipe);
    for (size_t i = 1; good && i < hashing->lane_count; i++)
        good = lend(piece, piece->parts[i].pipe.ends[1]);
    if (good)
        send_parts(hashing, piece);
    else
        piece_free(piece);
    return good;
}

bool hashing_is_over(struct hashing *hashing)
{
    hashing->waits_for_end = hashing->pieces > 0;
    return !hashing->pieces;
}
