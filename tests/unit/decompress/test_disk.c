/* SPDX-License-Identifier: Apache-2.0 */
/* The disk in a tar, which is not compressed here. */
#include "decompress/decompress_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include <cmocka.h>

enum { TAR_MAX = 256 * 1024 };

static unsigned char tar[TAR_MAX];
static size_t tar_count;
static char a_state;

/* --- a decoder that copies ------------------------------------------------------------------- */

static bool recognises(const unsigned char *bytes, size_t count)
{
    (void)bytes, (void)count;
    return true;
}

static void *begin(void)
{
    return &a_state;
}

static enum decoder_result decode(void *state, struct decoder_buffers *buffers)
{
    (void)state;
    size_t count = MIN(buffers->in_count, buffers->out_room);
    memcpy(buffers->out, buffers->in, count);
    buffers->in += count;
    buffers->in_count -= count;
    buffers->out += count;
    buffers->out_room -= count;
    return !buffers->in_count && buffers->in == tar + tar_count ? DECODER_END : DECODER_MORE;
}

static void end(void *state)
{
    (void)state;
}

static const struct decoder_kind copies = {"copied", recognises, begin, decode, end, NULL};

static ssize_t pull(void *context, const unsigned char **bytes)
{
    bool *given = context;
    *bytes = tar;
    if (*given)
        return 0;
    *given = true;
    return (ssize_t)tar_count;
}

/* --- a sink that counts ---------------------------------------------------------------------- */

struct sink {
    uint64_t length, count;
    char first[8];
};

static void opened(void *context, uint64_t length)
{
    ((struct sink *)context)->length = length;
}

static bool put(void *context, const void *bytes, size_t count)
{
    struct sink *sink = context;
    if (!sink->count)
        memcpy(sink->first, bytes, MIN(count, sizeof sink->first));
    sink->count += count;
    return true;
}

/* What becomes of the tar that the commands write. */
static enum decompress_fault extract(const char *commands, bool finds_disk, struct sink *sink)
{
    char line[512];
    snprintf(line, sizeof line, "D=$(mktemp -d) && cd $D && { %s; } && rm -r $D", commands);
    FILE *made = popen(line, "r");
    assert_non_null(made);
    tar_count = fread(tar, 1, TAR_MAX, made);
    assert_int_equal(pclose(made), 0);
    bool given = false;
    *sink = (struct sink){.length = 0};
    struct decoding decoding = {
        .kind = &copies, .pull = pull, .context = &given, .length = UINT64_MAX};
    const struct disk_sink into = {opened, put, sink};
    enum decompress_fault fault = disk_extract(&decoding, finds_disk, &into);
    decoding_free(&decoding);
    return fault;
}

/* --- the tests ------------------------------------------------------------------------------- */

static void the_only_file_is_the_image(void **state)
{
    (void)state;
    struct sink sink;
    static const char commands[] =
        "printf 12345678 >disk.raw; truncate -s 100000 disk.raw; tar c .";
    assert_int_equal(extract(commands, true, &sink), DECOMPRESS_GOOD);
    assert_int_equal(sink.length, 100000);
    assert_int_equal(sink.count, 100000);
    assert_memory_equal(sink.first, "12345678", 8);
    assert_int_equal(extract(commands, false, &sink), DECOMPRESS_GOOD);
    assert_int_equal(sink.count, tar_count);
}

/* The .ovf may follow the manifest. */
static void an_ova_stays_a_tar(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "echo 1 >a.ovf; echo 2 >b.vmdk; tar c a.ovf b.vmdk",
        "echo 1 >a.mf; echo 2 >a.ovf; echo 3 >b.vmdk; tar c a.mf a.ovf b.vmdk",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sink sink;
        assert_int_equal(extract(rows[i], true, &sink), DECOMPRESS_GOOD);
        assert_true(sink.length == UINT64_MAX);
        assert_int_equal(sink.count, tar_count);
    }
}

/* A hole of 100 GiB takes a few bytes in a tar. */
static void a_hole_counts_in_the_ratio(void **state)
{
    (void)state;
    struct sink sink;
    static const char commands[] = "truncate -s 100G d; echo x >>d; tar --format=gnu -Sc d";
    assert_int_equal(extract(commands, true, &sink), DECOMPRESS_RATIO);
    assert_in_range(sink.count, DECOMPRESS_RATIO_AFTER, DECOMPRESS_RATIO_AFTER + (1 << 20));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_only_file_is_the_image),
        cmocka_unit_test(an_ova_stays_a_tar),
        cmocka_unit_test(a_hole_counts_in_the_ratio),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
