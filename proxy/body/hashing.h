/* SPDX-License-Identifier: Apache-2.0 */
/* One upload's digests, computed beside its worker's loop: what is to be hashed is copied into a
 * piece, and a helper thread hashes that while the same bytes are sent. What is moved, and not
 * read, is in pipes instead: the kernel has it once, and lends it to the helper and to whoever
 * sends it (tee(2)). Each digest takes the pieces in their order, and several digests take a thread
 * each. */
#ifndef BODY_HASHING_H
#define BODY_HASHING_H

#include <stdbool.h>
#include <stddef.h>

struct digests;
struct thread_pool;
struct hashing;
struct loop;

/* So many pieces of an upload are with the helpers at most: one that is hashed, one that waits for
 * that, and one that is filled meanwhile. There is none while nothing comes. */
enum { HASHING_PIECES = 3, HASHING_PIECE = 256 * 1024 };

/* Pieces in pipes are larger. So many pipes, of 1 MiB, are open at most for all uploads together,
 * and only while there is something in them; a piece takes one for each digest. */
enum { HASHING_PIPES = 64 };

/* Takes over `set`, in which all is that is wanted, even if it fails. `helpers` NULL: all is hashed
 * where it is put. `wake` is called in the loop's thread, when somebody was told to wait. NULL: no
 * memory. */
struct hashing *hashing_new(struct digests *set, struct thread_pool *helpers, struct loop *loop,
                            void (*wake)(void *context), void *context);

/* Borrowed; to be asked while hashing_is_over(). */
struct digests *hashing_set(struct hashing *hashing);

/* How much may be put now. 0: wait. */
size_t hashing_room(struct hashing *hashing);

/* The bytes are the caller's again when this returns. False: no memory. */
bool hashing_put(struct hashing *hashing, const char *bytes, size_t count);

/* Where the next bytes are to be moved, if they are not to be read: the end of an empty pipe, to
 * write to, until one of the next two is called. -1: there is none to be had, or no room; read
 * them, and put them. */
int hashing_inlet(struct hashing *hashing);

/* Nothing has come. */
void hashing_close_inlet(struct hashing *hashing);

/* So many are in the inlet now. They will be hashed, and are in `pipe`, too, which was empty.
 * False: not all of them are, and what is there is of no use. */
bool hashing_pass_on(struct hashing *hashing, int pipe, size_t count);

/* Whether all that was put has been hashed. False: wait. */
bool hashing_is_over(struct hashing *hashing);

/* At any time; what the helpers have of it goes when they are done. NULL is fine. */
void hashing_free(struct hashing *hashing);

#endif
