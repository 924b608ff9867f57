/* SPDX-License-Identifier: Apache-2.0 */
#include "support/examined.h"

#include <stdio.h>

/* --- what stands in front, and what is behind it --------------------------------------- */

struct bytes {
    const char *text;
    size_t count;
};
#define BYTES(text)                                                                                \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const struct front {
    struct bytes bytes;
    const char *words;
    bool weak; /* only a long magic counts after it */
} FRONTS[] = {
    {BYTES("\xEF\xBB\xBF"), "a byte order mark (EF BB BF)", false},
    {BYTES("\xEF\xBB\xBF\r\n"), "a byte order mark (EF BB BF)", false},
    {BYTES("\n"), "a line end", true},
    {BYTES("\r\n\r\n"), "a line end", true},
    {BYTES("HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: application/octet-stream\r\n\r\n"),
     "the headers of an HTTP message", false},
    {BYTES("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\nETag: \"a\"\n\n"),
     "the headers of an HTTP message", false},
    {BYTES("HTTP/2 200\r\n\r\n"), "the headers of an HTTP message", false},
    {BYTES("Content-Type: application/octet-stream\r\nContent-Length: 4\r\n\r\n"),
     "the headers of an HTTP message", false},
    {BYTES("\r\nContent-Type: application/octet-stream\r\n\r\n"), "the headers of an HTTP message",
     false},
    {BYTES("20000\r\n"), "the size of an HTTP chunk", false},
    {BYTES("fFf0;name=value\r\n"), "the size of an HTTP chunk", false},
    {BYTES("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000\r\n"),
     "the headers of an HTTP message", false},
};

static const struct file {
    struct bytes magic;
    size_t at;
    const char *words;
    bool weak;
} FILES[] = {
    {BYTES("QFI\xFB\0\0\0\3"), 0, "qcow2", false},
    {BYTES("KDMV\1"), 0, "vmdk", false},
    {BYTES("COWD\1"), 0, "vmdk", false},
    {BYTES("QED\0"), 0, "QED", false},
    {BYTES("conectix"), 0, "vhd", false},
    {BYTES("vhdxfile"), 0, "vhdx", false},
    {BYTES("WithoutFreeSpace"), 0, "ploop", false},
    {BYTES("\x7F\x10\xDA\xBE"), 64, "vdi", false},
    {BYTES("\0CD001\1"), 32768, "an ISO", false},
    {BYTES("LUKS\xBA\xBE"), 0, "a LUKS volume", false},
    {BYTES("EFI PART"), 512, "a raw disk (GPT)", false},
    {BYTES("\x55\xAA"), 510, "a raw disk (MBR)", true},
    {BYTES("\x1F\x8B\x08"), 0, "gzip", true},
};

static struct sparse_body made_of(const struct front *front, const struct file *file)
{
    return (struct sparse_body){
        131072,
        {{0, front->bytes.text, front->bytes.count},
         {front->bytes.count + file->at, file->magic.text, file->magic.count}}};
}

static enum format_judgement judged(const struct sparse_body *body, const char *disk_format,
                                    bool damaged, char why[FORMAT_WORDS])
{
    const struct format_declaration declaration = {
        .disk_format = disk_format,
        .container_format = "bare",
        .counts = {[FORMAT_MISMATCH] = true, [FORMAT_UNSAFE] = true, [FORMAT_DAMAGED] = damaged}};
    struct format_examination examination;
    return sparse_judge(body, &declaration, &examination, why);
}

static const char *const CLAIMS[] = {"raw", "ami", "qcow2", "vmdk", "vhd", "vhdx", "vdi", "iso"};

static void check_pair(const struct front *front, const struct file *file)
{
    struct sparse_body body = made_of(front, file);
    char why[FORMAT_WORDS], expected[FORMAT_WORDS];
    snprintf(expected, sizeof expected, "this is %s with %s in front of it", file->words,
             front->words);
    for (size_t i = 0; i < sizeof CLAIMS / sizeof *CLAIMS; i++) {
        enum format_judgement judgement = judged(&body, CLAIMS[i], true, why);
        if (judgement != FORMAT_DAMAGED || strcmp(why, expected) != 0)
            fail_msg("%s as %s: %d, %s", expected, CLAIMS[i], judgement, why);
        judged(&body, CLAIMS[i], false, why);
        if (strstr(why, "--disk-format raw"))
            fail_msg("%s as %s: %s", expected, CLAIMS[i], why);
    }
}

static void program_output_before_the_image_is_recognized(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof FRONTS / sizeof *FRONTS; i++)
        for (size_t k = 0; k < sizeof FILES / sizeof *FILES; k++)
            if (!FRONTS[i].weak || !FILES[k].weak)
                check_pair(&FRONTS[i], &FILES[k]);
}

/* --- sound files ------------------------------------------------------------------------- */

#define BODY(...)                                                                                  \
    {                                                                                              \
        131072,                                                                                    \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

static void sound_image_is_left_alone(void **state)
{
    (void)state;
    static const struct {
        const char *what, *disk_format;
        struct sparse_body body;
    } rows[] = {
        {"a boot sector", "raw",
         BODY(PIECE(0, "\xEB\x63\x90\x10\x8E\xD0\xBC"), PIECE(510, "\x55\xAA"))},
        {"one that begins with 55 bytes of text", "raw",
         BODY(PIECE(0, "\r\nThis is no boot loader, put another disk into the drive"),
              PIECE(510, "\x55\xAA"))},
        {"one that begins with a line feed", "raw",
         BODY(PIECE(0, "\n"), PIECE(510, "\x55\xAA\xAA"))},
        {"random bytes after a line feed", "raw",
         BODY(PIECE(0, "\n\x9C\x51"), PIECE(511, "\x55\xAA"))},
        {"random bytes after one, like gzip's", "raw", BODY(PIECE(0, "\n\x1F\x8B\x08"))},
        {"a mark of a text", "raw", BODY(PIECE(0, "\xEF\xBB\xBFtext"))},
        {"headers and no file", "raw", BODY(PIECE(0, "HTTP/1.1 200 OK\r\n\r\nok"))},
        {"headers without an end", "raw",
         BODY(PIECE(0, "HTTP/1.1 200 OK\r\nA: b\r\nQFI\xFB\0\0\0\3"))},
        {"no headers", "raw", BODY(PIECE(0, "HTTP/1.1 200 OK\r\nA b\r\n\r\nQFI\xFB"))},
        {"a control byte in a header", "raw", BODY(PIECE(0, "A: \1\r\n\r\nQFI\xFB"))},
        {"digits and no size", "raw", BODY(PIECE(0, "1000\nQFI\xFB"))},
        {"too many digits", "raw", BODY(PIECE(0, "10000000000000000\r\nQFI\xFB"))},
        {"a magic further on", "raw", BODY(PIECE(0, "\n\0QFI\xFB\0\0\0\3"))},
        {"an ISO with a text in front", "iso",
         BODY(PIECE(0, "\nQFI\xFB\0\0\0\3"), PIECE(32768, "\0CD001\1"))},
        {"zeros", "raw", BODY(PIECE(0, "\0"))},
        {"nothing", "raw", {0, {{0}}}},
        {"a line end alone", "raw", {1, {PIECE(0, "\n")}}},
        {"a part of headers", "raw", {7, {PIECE(0, "HTTP/1.")}}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char why[FORMAT_WORDS];
        if (judged(&rows[i].body, rows[i].disk_format, true, why) != FORMAT_GOOD)
            fail_msg("%s: %s", rows[i].what, why);
    }
}

/* Every prefix is read without going beyond it. */
static void truncated_front_is_read_safely(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof FRONTS / sizeof *FRONTS; i++) {
        struct sparse_body body = made_of(&FRONTS[i], &FILES[0]);
        for (body.size = 0; body.size < FRONTS[i].bytes.count + 4; body.size++) {
            char why[FORMAT_WORDS];
            assert_int_not_equal(judged(&body, "raw", true, why), FORMAT_DAMAGED);
        }
    }
}

static void lines_before_the_image_have_a_maximum(void **state)
{
    (void)state;
    static char head[60000];
    char why[FORMAT_WORDS];
    memset(head, 'a', sizeof head);
    memcpy(head, "A: ", 3); /* NOLINT(bugprone-not-null-terminated-result) */
    struct sparse_body body = BODY({0, head, sizeof head}, PIECE(20000, "\r\n\r\nQFI\xFB\0\0\0\3"));
    assert_int_equal(judged(&body, "raw", true, why), FORMAT_GOOD);
    for (size_t at = 0; at < sizeof head; at += 4)
        memcpy(head + at, "A:\r\n", 4); /* NOLINT(bugprone-not-null-terminated-result) */
    body.pieces[1] = (struct piece)PIECE(20000, "\r\nQFI\xFB\0\0\0\3");
    assert_int_equal(judged(&body, "raw", true, why), FORMAT_GOOD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(program_output_before_the_image_is_recognized),
        cmocka_unit_test(sound_image_is_left_alone),
        cmocka_unit_test(truncated_front_is_read_safely),
        cmocka_unit_test(lines_before_the_image_have_a_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
