/* SPDX-License-Identifier: Apache-2.0 */
/* The headers are those that qemu-img writes; the rest are changes of them. */
#include "support/examined.h"

/* compat=0.10, 64 MiB */
static const char V2[] = "QFI\xFB\0\0\0\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10\0\0\0\0\4\0\0\0"
                         "\0\0\0\0\0\0\0\1\0\0\0\0\0\3\0\0\0\0\0\0\0\1\0\0\0\0\0\1\0\0\0\0"
                         "\0\0\0\0\0\0\0";
/* compat=1.1, 64 MiB, with the beginning of its table of feature names */
static const char V3[] = "QFI\xFB\0\0\0\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10\0\0\0\0\4\0\0\0"
                         "\0\0\0\0\0\0\0\1\0\0\0\0\0\3\0\0\0\0\0\0\0\1\0\0\0\0\0\1\0\0\0\0"
                         "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                         "\0\0\0\4\0\0\0\x70\0\0\0\0\0\0\0\0\x68\3\xF8\x57\0\0\1\x80\0\0dirty bit";

enum { V2_HEADER = 72, V3_HEADER = 104, FILE_SIZE = 196616 };

#define MIB_64 (UINT64_C(64) << 20)

#define CHANGED(...)                                                                               \
    {                                                                                              \
        FILE_SIZE,                                                                                 \
        {                                                                                          \
            {0, V3, sizeof V3 - 1}, __VA_ARGS__                                                    \
        }                                                                                          \
    }
#define BROKEN(what, why, ...)                                                                     \
    {                                                                                              \
        what, CHANGED(__VA_ARGS__), "qcow2", MIB_64, why, NULL                                     \
    }
#define UNSAFE(what, why, ...)                                                                     \
    {                                                                                              \
        what, CHANGED(__VA_ARGS__), "qcow2", MIB_64, NULL, why                                     \
    }
#define SOUND(what, size, ...)                                                                     \
    {                                                                                              \
        what, CHANGED(__VA_ARGS__), "qcow2", size, NULL, NULL                                      \
    }

static const struct examined_row SOUND_ROWS[] = {
    {"version 2", {FILE_SIZE, {{0, V2, sizeof V2}}}, "qcow2", MIB_64, NULL, NULL},
    {"version 3", {FILE_SIZE, {{0, V3, sizeof V3 - 1}}}, "qcow2", MIB_64, NULL, NULL},
    SOUND("dirty and corrupt", MIB_64, PIECE(79, "\3")),
    SOUND("another compression", MIB_64, PIECE(79, "\x08"), PIECE(104, "\1")),
    SOUND("extended L2, clusters of 128 KiB", MIB_64, PIECE(79, "\x10"), PIECE(23, "\x11"),
          PIECE(53, "\2"), PIECE(45, "\4")),
    SOUND("encrypted with LUKS", MIB_64, PIECE(35, "\2")),
    SOUND("all that one L1 entry covers", UINT64_C(512) << 20, PIECE(28, "\x20\0\0\0")),
    SOUND("the largest that an 8 byte header has", UINT64_C(1) << 50, PIECE(24, "\0\4\0\0\0\0\0\0"),
          PIECE(36, "\0\x20\0\0")),
    SOUND("the smallest cluster", MIB_64, PIECE(23, "\x09"), PIECE(36, "\0\0\x08\0")),
    SOUND("the largest cluster", MIB_64, PIECE(23, "\x15"), PIECE(45, "\x20"), PIECE(53, "\x40")),
    SOUND("the longest header", MIB_64, PIECE(100, "\0\1\0\0"), PIECE(112, "DATA")),
    SOUND("the shortest header", MIB_64, PIECE(103, "\x68")),
    SOUND("a header as long as a cluster", MIB_64, PIECE(23, "\x09"), PIECE(36, "\0\0\x08\0"),
          PIECE(100, "\0\0\2\0")),
    SOUND("reference counts of 64 bits", MIB_64, PIECE(99, "\6")),
    SOUND("the largest L1 table", MIB_64, PIECE(36, "\0\x40\0\0")),
    SOUND("a data file behind the end of the extensions", MIB_64,
          PIECE(112, "\0\0\0\0\0\0\0\0DATA\0\0\0\1x")),
    SOUND("features that are compatible", MIB_64, PIECE(80, "\xFF\xFF\xFF\xFF")),
};

static const struct examined_row BROKEN_ROWS[] = {
    BROKEN("version 0", "version is 0", PIECE(7, "\0")),
    BROKEN("version 4", "version is 4", PIECE(7, "\4")),
    BROKEN("clusters of 256 bytes", "clusters", PIECE(23, "\x08")),
    BROKEN("clusters of 4 MiB", "clusters", PIECE(23, "\x16")),
    BROKEN("cluster bits beyond shifting", "clusters", PIECE(20, "\xFF")),
    BROKEN("a header of 103 bytes", "header has an impossible length", PIECE(103, "\x67")),
    BROKEN("a header larger than a cluster", "header has an impossible length",
           PIECE(101, "\1\0\1")),
    BROKEN("reference counts of 128 bits", "what is used", PIECE(99, "\7")),
    BROKEN("a third encryption", "encrypted", PIECE(35, "\3")),
    BROKEN("an L1 table that is too small", "L1 table", PIECE(28, "\x20\0\0\1")),
    BROKEN("extended L2 needs two entries", "L1 table", PIECE(79, "\x10"), PIECE(28, "\x10\0\0\1")),
    BROKEN("an L1 table that is too large", "L1 table", PIECE(36, "\0\x40\0\1")),
    BROKEN("an L1 table within a cluster", "L1 table", PIECE(46, "\2")),
    BROKEN("an L1 table on the header", "L1 table", PIECE(45, "\0")),
    BROKEN("reference counts within a cluster", "reference counts", PIECE(55, "\1")),
    BROKEN("reference counts on the header", "reference counts", PIECE(53, "\0")),
    BROKEN("no reference counts", "reference counts", PIECE(59, "\0"), PIECE(63, "\1")),
    BROKEN("reference counts at the last byte of all", "reference counts",
           PIECE(48, "\0\0\0\0\0\0\0\1")),
};

static const struct examined_row UNSAFE_ROWS[] = {
    UNSAFE("a backing file", "it has a backing file, /etc/passwd", PIECE(8, "\0\0\0\0\0\0\2\0"),
           PIECE(16, "\0\0\0\x0B"), PIECE(512, "/etc/passwd and more")),
    UNSAFE("a backing file whose name is cut short", "a backing file, /etc",
           PIECE(8, "\0\0\0\0\0\0\2\0"), PIECE(16, "\0\0\0\4"), PIECE(512, "/etc/passwd")),
    UNSAFE("a backing file whose name is far away", "it has a backing file", PIECE(8, "\1"),
           PIECE(16, "\0\0\0\x0B")),
    UNSAFE("a backing file whose name is longer than the opening", "it has a backing file",
           PIECE(15, "\1"), PIECE(16, "\xFF\xFF\xFF\xFF")),
    UNSAFE("a backing file without a name", "it has a backing file", PIECE(15, "\1")),
    UNSAFE("a name that is not for a log", "backing file, a?b??c", PIECE(14, "\2"),
           PIECE(16, "\0\0\0\6"),
           PIECE(512, "a\nb\x1B\xE4"
                      "c")),
    UNSAFE("a name that is long", "aaaaaaaa...", PIECE(14, "\2"), PIECE(18, "\4"),
           PIECE(512,
                 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")),
    UNSAFE("a data file", "it keeps its data in another file, /etc/shadow", PIECE(79, "\4"),
           PIECE(112, "DATA\0\0\0\x0B/etc/shadow\0\0\0\0\0\0\0\0\0")),
    UNSAFE("a data file that is only named", "another file, x", PIECE(112, "DATA\0\0\0\1x")),
    UNSAFE("a data file behind another extension", "another file, x",
           PIECE(112, "\x68\3\xF8\x57\0\0\0\1\0\0\0\0\0\0\0\0DATA\0\0\0\1x")),
    UNSAFE("a data file that is not named", "it keeps its data in another file", PIECE(79, "\4"),
           PIECE(112, "\0\0\0\0DATA")),
    UNSAFE("a data file whose name is longer than the opening", "it keeps its data in another file",
           PIECE(79, "\4"), PIECE(112, "DATA\0\0\xFF\xF8x")),
    {"a data file that is named right behind the header of version 2",
     {FILE_SIZE, {{0, V2, sizeof V2}, PIECE(V2_HEADER, "DATA\0\0\0\1x")}},
     "qcow2",
     MIB_64,
     NULL,
     "it keeps its data in another file, x"},
    UNSAFE("an unknown feature", "incompatible bit 5", PIECE(79, "\x20")),
    UNSAFE("the last unknown feature", "incompatible bit 63", PIECE(72, "\x80")),
};

#define CHECK_ALL(rows)                                                                            \
    for (size_t i = 0; i < sizeof(rows) / sizeof *(rows); i++)                                     \
    examined_check(&(rows)[i], "qcow2")

static void sound_headers_give_the_size(void **state)
{
    (void)state;
    CHECK_ALL(SOUND_ROWS);
}

static void impossible_headers_are_broken(void **state)
{
    (void)state;
    CHECK_ALL(BROKEN_ROWS);
}

static void qcow2_naming_other_files_is_unsafe(void **state)
{
    (void)state;
    CHECK_ALL(UNSAFE_ROWS);
}

static void version_2_has_no_features(void **state)
{
    (void)state;
    struct examined_row row = SOUND_ROWS[0];
    row.body.pieces[1] = (struct piece)PIECE(V2_HEADER, "\0\0\0\0\0\0\0\xFF");
    examined_check(&row, "qcow2");
}

static void a_header_that_is_cut_is_broken(void **state)
{
    (void)state;
    examined_cut(&SOUND_ROWS[0], 8, 60);
    examined_cut(&SOUND_ROWS[1], 8, V3_HEADER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_headers_give_the_size),
        cmocka_unit_test(impossible_headers_are_broken),
        cmocka_unit_test(qcow2_naming_other_files_is_unsafe),
        cmocka_unit_test(version_2_has_no_features),
        cmocka_unit_test(a_header_that_is_cut_is_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
