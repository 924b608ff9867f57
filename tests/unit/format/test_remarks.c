/* SPDX-License-Identifier: Apache-2.0 */
#include "support/examined.h"

#define QCOW2                                                                                      \
    PIECE(0, "QFI\xFB\0\0\0\2"), PIECE(23, "\x10"), PIECE(28, "\4\0\0\0"), PIECE(39, "\1"),        \
        PIECE(45, "\3"), PIECE(53, "\1"), PIECE(59, "\1")
#define VDI PIECE(64, "\x7F\x10\xDA\xBE\1\0\1\0"), PIECE(76, "\1"), PIECE(378, "\x10")

enum { BIG = 0x80000, L1_END = 0x30000 + 8 /* of QCOW2 */ };

/* A file that is examined completely, and the remark: "" for none. */
static void check(const struct sparse_body *body, const struct format_declaration *declaration,
                  bool known, enum format_judgement judgement, const char *words)
{
    struct format_examination examination;
    char why[FORMAT_WORDS];
    sparse_length_is_known = known;
    sparse_judge(body, declaration, &examination, why);
    examination.next.length = 0;
    if (!known)
        examination.length = FORMAT_LENGTH_UNKNOWN;
    size_t count;
    unsigned char *opening = sparse_opening(body, &count);
    assert_int_equal(format_remark(declaration, &examination, opening, count, false, why),
                     judgement);
    assert_string_equal(why, words);
    free(opening);
}

static struct format_declaration claimed(const char *disk_format, const char *container_format)
{
    struct format_declaration declaration = {.disk_format = disk_format,
                                             .container_format = container_format};
    declaration.counts[FORMAT_COMPRESSED] = declaration.counts[FORMAT_DAMAGED] = true;
    return declaration;
}

#define SECTORS                                                                                    \
    " bytes, and such a file has whole sectors of 512: a program may have taken it for text and "  \
    "changed its line ends"

static void partial_sector_is_remarked(void **state)
{
    (void)state;
    static const struct {
        struct sparse_body body;
        const char *disk_format, *container_format;
        const char *words; /* "": nothing */
    } rows[] = {
        {{BIG, {QCOW2}}, "qcow2", "bare", ""},
        {{BIG - 3, {QCOW2}}, "qcow2", "bare", "this is qcow2 of 524285" SECTORS},
        {{BIG + 1, {QCOW2}}, "qcow2", "bare", "this is qcow2 of 524289" SECTORS},
        {{BIG - 3, {QCOW2}}, "qcow2", "docker", ""},
        {{L1_END, {QCOW2}}, "qcow2", "bare", ""},     /* as qemu-img create makes one */
        {{L1_END - 1, {QCOW2}}, "qcow2", "bare", ""}, /* truncated: reported */
        {{BIG + 1, {VDI}}, "vdi", "bare", "this is vdi of 524289" SECTORS},
        {{BIG + 1, {VDI}}, "raw", "bare", ""},
        {{BIG + 1, {QCOW2, PIECE(15, "\1")}}, "qcow2", "bare", ""}, /* unsafe */
        {{BIG + 1, {PIECE(510, "\x55\xAA")}}, "raw", "bare", ""},
        {{BIG + 1, {PIECE(32768, "\0CD001\1")}}, "iso", "bare", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct format_declaration declaration =
            claimed(rows[i].disk_format, rows[i].container_format);
        check(&rows[i].body, &declaration, true, *rows[i].words ? FORMAT_DAMAGED : FORMAT_GOOD,
              rows[i].words);
        check(&rows[i].body, &declaration, false, FORMAT_GOOD, "");
    }
}

static void no_remark_before_the_end(void **state)
{
    (void)state;
    static const struct sparse_body body = {BIG + 1, {QCOW2}};
    const struct format_declaration declaration = claimed("qcow2", "bare");
    struct format_examination examination;
    size_t count;
    char why[FORMAT_WORDS];
    unsigned char *opening = sparse_opening(&body, &count);
    format_examine(opening, count, "qcow2", body.size, &examination);
    assert_int_not_equal(examination.next.length, 0);
    assert_int_equal(format_remark(&declaration, &examination, opening, count, false, why),
                     FORMAT_GOOD);
    free(opening);
}

static void an_initramfs_may_be_compressed(void **state)
{
    (void)state;
    static const struct {
        struct sparse_body body;
        const char *disk_format, *words;
    } rows[] = {
        {{BIG, {PIECE(0, "\x1F\x8B\x08")}},
         "raw",
         "declared raw, but this is gzip: unless it is an initramfs, decompress it first"},
        {{BIG, {PIECE(0, "\x02\x21\x4C\x18")}},
         "raw",
         "declared raw, but this is lz4: unless it is an initramfs, decompress it first"},
        {{BIG, {PIECE(0, "\x04\x22\x4D\x18")}}, "raw", ""},
        {{BIG, {PIECE(0, "\x1F\x8B\x08")}}, "ari", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct format_declaration declaration = claimed(rows[i].disk_format, "bare");
        check(&rows[i].body, &declaration, true, *rows[i].words ? FORMAT_COMPRESSED : FORMAT_GOOD,
              rows[i].words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(partial_sector_is_remarked),
        cmocka_unit_test(no_remark_before_the_end),
        cmocka_unit_test(an_initramfs_may_be_compressed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
