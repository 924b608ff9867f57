/* SPDX-License-Identifier: Apache-2.0 */
/* The bound of the ratio, with a decoder that counts bytes and writes none. */
#include "decompress/decompress_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { PIECE = 1 << 20 }; /* bytes that the decoder makes of `cost` bytes */

static size_t cost;
static unsigned char source[PIECE];
static char state_of_decoder;

static bool recognises(const unsigned char *bytes, size_t count)
{
    (void)bytes, (void)count;
    return true;
}

static void *begin(void)
{
    return &state_of_decoder;
}

static enum decoder_result decode(void *state, struct decoder_buffers *buffers)
{
    (void)state;
    buffers->in += cost;
    buffers->in_count -= cost;
    buffers->out_room -= PIECE;
    return DECODER_MORE;
}

static void end(void *state)
{
    (void)state;
}

static const struct decoder_kind kind = {"counted", recognises, begin, decode, end, NULL};

static ssize_t pull(void *context, const unsigned char **bytes)
{
    (void)context;
    *bytes = source;
    return (ssize_t)cost;
}

/* Returns the fault after `count` pieces; `given` gets the bytes so far. */
static enum decompress_fault decode_pieces(size_t count, uint64_t *given)
{
    static char room[PIECE];
    struct decoding decoding = {.kind = &kind, .pull = pull, .length = UINT64_MAX};
    for (size_t i = 0; i < count && decoding_read(&decoding, room, sizeof room) > 0; i++)
        ;
    *given = decoding.given;
    enum decompress_fault fault = decoding.fault;
    decoding_free(&decoding);
    return fault;
}

static void the_ratio_counts_after_the_first_bytes(void **state)
{
    (void)state;
    static const struct {
        size_t cost;
        enum decompress_fault fault;
    } rows[] = {
        {1 + PIECE / DECOMPRESS_RATIO_MAX, DECOMPRESS_GOOD}, /* just below it */
        {PIECE / DECOMPRESS_RATIO_MAX, DECOMPRESS_RATIO},    /* just above it */
        {1, DECOMPRESS_RATIO},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t given;
        cost = rows[i].cost;
        assert_int_equal(decode_pieces(DECOMPRESS_RATIO_AFTER / PIECE, &given), DECOMPRESS_GOOD);
        assert_int_equal(given, DECOMPRESS_RATIO_AFTER);
        assert_int_equal(decode_pieces(DECOMPRESS_RATIO_AFTER / PIECE * 4, &given), rows[i].fault);
        if (rows[i].fault)
            assert_int_equal(given, DECOMPRESS_RATIO_AFTER + PIECE); /* it stops at once */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ratio_counts_after_the_first_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
