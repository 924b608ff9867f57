/* SPDX-License-Identifier: Apache-2.0 */
/* Computes the digests of one upload in the thread pool.
 *
 * Bytes that were read are copied into a block. A thread hashes the block while the loop's thread
 * sends the same bytes. Spliced bytes are in pipes: the kernel duplicates the references to them
 * (tee(2)), so one pipe is hashed while another one is sent. Each digest takes the blocks in order.
 * Several digests run in one thread each. */
#ifndef BODY_HASHING_H
#define BODY_HASHING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct block_sums;
struct digests;
struct thread_pool;
struct hashing;
struct loop;

/* The most blocks of one upload at a time: one is hashed, one is queued, one is being filled.
 * Blocks exist only while they have bytes. */
enum { HASHING_BLOCKS = 3, HASHING_BLOCK = 256 * 1024 };

/* The most pipes of all uploads together. A pipe has 1 MiB, so spliced blocks are larger. A block
 * needs one pipe per digest. Pipes are open only while they have bytes. */
enum { HASHING_PIPES = 64 };

/* Takes ownership of `set`, also on failure; `set` must have all its algorithms. `threads` NULL:
 * the caller's thread hashes. `wake` is called in the loop's thread, after a function below has
 * told the caller to wait. NULL: no memory. */
struct hashing *hashing_new(struct digests *set, struct thread_pool *threads, struct loop *loop,
                            void (*wake)(void *context), void *context);

/* Borrowed. Read digests from it only while hashing_is_over(). */
struct digests *hashing_set(struct hashing *hashing);

/* Also keeps checksums of the bytes, of which `length` will come, if any digest is computed. Call
 * it before the first byte. Without memory there are none. */
void hashing_keep_sums(struct hashing *hashing, uint64_t length);

/* Borrowed. NULL: none are kept. Read them only while hashing_is_over(). */
const struct block_sums *hashing_sums(const struct hashing *hashing);

/* How many bytes may be put now. 0: wait. */
size_t hashing_room(struct hashing *hashing);

/* Copies or hashes the bytes before it returns. False: no memory. */
bool hashing_put(struct hashing *hashing, const char *bytes, size_t count);

/* Returns the write end of an empty pipe, to splice the next bytes into. It is valid until one of
 * the next two functions is called. -1: no pipe or no block is available; read the bytes and use
 * hashing_put(). */
int hashing_inlet(struct hashing *hashing);

/* Closes the inlet; nothing was spliced into it. */
void hashing_close_inlet(struct hashing *hashing);

/* `count` bytes are in the inlet. They are duplicated into `pipe`, which must be empty, and will be
 * hashed. False: not all could be duplicated; the content of `pipe` must be discarded. */
bool hashing_pass_on(struct hashing *hashing, int pipe, size_t count);

/* True: all bytes have been hashed. False: wait. */
bool hashing_is_over(struct hashing *hashing);

/* May be called at any time. Blocks whose jobs are running are freed when the jobs are done. NULL
 * is fine. */
void hashing_free(struct hashing *hashing);

#endif
