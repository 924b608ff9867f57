/* SPDX-License-Identifier: Apache-2.0 */
#include "support/examined.h"

/* qemu-img convert -O vmdk -o subformat=streamOptimized, 8 MiB */
static const char HEADER[] = "KDMV\3\0\0\0\3\0\3\0\0\x40\0\0\0\0\0\0\x80\0\0\0\0\0\0\0\1\0\0\0"
                             "\0\0\0\0\x14\0\0\0\0\0\0\0\0\2\0\0\x15\0\0\0\0\0\0\0\x1A\0\0\0"
                             "\0\0\0\0\x80\0\0\0\0\0\0\0\0\n \r\n\1";
static const char DESCRIPTOR[] = "# Disk DescriptorFile\n"
                                 "version=1\n"
                                 "CID=ee852f57\n"
                                 "parentCID=ffffffff\n"
                                 "createType=\"streamOptimized\"\n"
                                 "\n"
                                 "# Extent description\n"
                                 "RW 16384 SPARSE \"image.vmdk\"\n";
static const char FLAT[] = "# Disk DescriptorFile\n"
                           "version=1\n"
                           "CID=ee852f57\n"
                           "parentCID=ffffffff\n"
                           "createType=\"monolithicFlat\"\n"
                           "RW 16384 FLAT \"/etc/passwd\" 0\n";

enum { SIZE = 1122304, SECTOR = 512 };

#define BASE                                                                                       \
    {0, HEADER, sizeof HEADER},                                                                    \
    {                                                                                              \
        SECTOR, DESCRIPTOR, sizeof DESCRIPTOR                                                      \
    }
#define WITH(...)                                                                                  \
    {                                                                                              \
        SIZE,                                                                                      \
        {                                                                                          \
            BASE, __VA_ARGS__                                                                      \
        }                                                                                          \
    }
#define MIB_8  (UINT64_C(8) << 20)
#define AT_END PIECE(56, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF")
#define FOOTER                                                                                     \
    {                                                                                              \
        SIZE - 2 * SECTOR, HEADER, sizeof HEADER                                                   \
    }
#define PART          "it has no descriptor: it is a part of another image"
#define ENDPOINT_NONE "its descriptor is not behind its header"
#define CAPACITY_0    "its header has no capacity: it is the descriptor of other files"

static const struct examined_row SPARSE_ROWS[] = {
    {"as it is made", {SIZE, {BASE}}, "vmdk", MIB_8, NULL, NULL},
    {"version 1", WITH(PIECE(4, "\1")), "vmdk", MIB_8, NULL, NULL},
    {"version 0", WITH(PIECE(4, "\0")), "vmdk", 0, "version is 0", NULL},
    {"version 4", WITH(PIECE(4, "\4")), "vmdk", 0, "version is 4", NULL},
    {"sent as text", WITH(PIECE(73, "\r\n \r\r\n")), "vmdk", 0, "line ends", NULL},
    {"2^63 bytes", WITH(PIECE(18, "\x40")), "vmdk", 0, "size", NULL},
    {"2^64 bytes and more", WITH(PIECE(18, "\x80")), "vmdk", 0, "size", NULL},
    {"no capacity", WITH(PIECE(13, "\0")), "vmdk", 0, NULL, CAPACITY_0},
    {"no descriptor", WITH(PIECE(28, "\0")), "vmdk", MIB_8, NULL, PART},
    {"an empty descriptor", WITH(PIECE(SECTOR, "\0")), "vmdk", MIB_8, NULL, PART},
    {"a descriptor elsewhere", WITH(PIECE(28, "\2")), "vmdk", MIB_8, NULL, ENDPOINT_NONE},
    {"a descriptor far away", WITH(PIECE(35, "\1")), "vmdk", MIB_8, NULL, ENDPOINT_NONE},
    {"a descriptor without a length", WITH(PIECE(36, "\0")), "vmdk", MIB_8, NULL, ENDPOINT_NONE},
    {"a descriptor that is too long", WITH(PIECE(36, "\x80")), "vmdk", MIB_8, NULL, "larger"},
    {"the longest descriptor", WITH(PIECE(36, "\x7F")), "vmdk", MIB_8, NULL, NULL},
    {"a short one, and what is read behind it",
     WITH(PIECE(36, "\1"), PIECE(SECTOR + sizeof DESCRIPTOR - 1,
                                 "#                                                              \n"
                                 "#                                                              \n"
                                 "#                                                              \n"
                                 "#                                                              \n"
                                 "#                                                              \n"
                                 "#                                                              \n"
                                 "# parentFileNameHint=\"/etc/passwd\"")),
     "vmdk", MIB_8, NULL, "it has a parent image"},
    {"flat", WITH({SECTOR, FLAT, sizeof FLAT}), "vmdk", MIB_8, NULL, "monolithicFlat"},
};

static const struct examined_row STREAM_ROWS[] = {
    {"a footer", WITH(AT_END, FOOTER), "vmdk", MIB_8, NULL, NULL},
    {"no footer", WITH(AT_END), "vmdk", MIB_8, NULL, NULL},
    {"a footer with more capacity", WITH(AT_END, FOOTER, PIECE(SIZE - 2 * SECTOR + 14, "\1")),
     "vmdk", UINT64_C(40) << 20, NULL, NULL},
    {"a footer with less", WITH(AT_END, FOOTER, PIECE(SIZE - 2 * SECTOR + 13, "\1")), "vmdk", MIB_8,
     NULL, NULL},
    {"a footer with more than there can be",
     WITH(AT_END, FOOTER, PIECE(SIZE - 2 * SECTOR + 19, "\1")), "vmdk", 0, "size", NULL},
    {"a footer that nobody asks for", WITH(FOOTER, PIECE(SIZE - 2 * SECTOR + 14, "\1")), "vmdk",
     MIB_8, NULL, NULL},
    {"a footer within the opening",
     {4 * SECTOR,
      {BASE, AT_END, {2 * SECTOR, HEADER, sizeof HEADER}, PIECE(2 * SECTOR + 14, "\1")}},
     "vmdk",
     UINT64_C(40) << 20,
     NULL,
     NULL},
};

#define VMDK_TEXT(text)                                                                            \
    {                                                                                              \
        sizeof(text) - 1,                                                                          \
        {                                                                                          \
            PIECE(0, text)                                                                         \
        }                                                                                          \
    }
#define ALONE "it is only a descriptor"

static const struct examined_row TEXT_ROWS[] = {
    {"flat", {512, {{0, FLAT, sizeof FLAT}}}, "vmdk", 0, NULL, "monolithicFlat"},
    {"one that says it is sparse",
     {512, {{0, DESCRIPTOR, sizeof DESCRIPTOR}}},
     "vmdk",
     0,
     NULL,
     ALONE},
    {"no first line", VMDK_TEXT("version=1\nRW 1 FLAT \"/etc/passwd\"\n"), "vmdk", 0, NULL,
     "names the extent /etc/passwd"},
    {"blank lines and comments", VMDK_TEXT("#a\n\r\n  \r\n\n# b\nversion=3\r\n"), "vmdk", 0, NULL,
     "no createType"},
    {"a fourth version", VMDK_TEXT("version=4\n"), "text", 0, NULL, NULL},
    {"another version", VMDK_TEXT("version=1.0\n"), "text", 0, NULL, NULL},
    {"no end of the line", VMDK_TEXT("version=1"), "text", 0, NULL, NULL},
    {"something in front", VMDK_TEXT("x\nversion=1\n"), "text", 0, NULL, NULL},
    {"only comments", VMDK_TEXT("# Disk DescriptorFile\n# version=1"), "text", 0, NULL, NULL},
};

static void sparse_header_embeds_its_descriptor(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof SPARSE_ROWS / sizeof *SPARSE_ROWS; i++)
        examined_check(&SPARSE_ROWS[i], "vmdk");
}

static void the_capacity_of_a_stream_is_the_larger_of_two(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof STREAM_ROWS / sizeof *STREAM_ROWS; i++)
        examined_check(&STREAM_ROWS[i], "vmdk");
}

static void a_descriptor_alone_is_a_vmdk_and_unsafe(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof TEXT_ROWS / sizeof *TEXT_ROWS; i++)
        examined_check(&TEXT_ROWS[i], "raw");
}

static void esx_extents_are_parts(void **state)
{
    (void)state;
    static const struct examined_row row = {"COWD", {SIZE, {PIECE(0, "COWD\1")}}, "vmdk", 0,
                                            NULL,   "a part of another image"};
    examined_check(&row, "vmdk");
}

static void declared_vmdk_is_read_as_a_descriptor(void **state)
{
    (void)state;
    static const struct examined_row rows[] = {
        {"not at the beginning", VMDK_TEXT("{createType=\"monolithicFlat\"\n"), "json", 0, NULL,
         ALONE},
        {"in an ISO",
         {368640,
          {PIECE(0, "x createType=\"monolithicFlat\""), PIECE(32768, "\1CD001\1"),
           PIECE(32896, "\0\x08\x08\0")}},
         "iso",
         0,
         NULL,
         ALONE},
        {"behind a NUL",
         {512, {PIECE(0, "x\0createType=\"monolithicFlat\"")}},
         NULL,
         0,
         NULL,
         NULL},
        {"an empty body", {0, {{0}}}, NULL, 0, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        examined_check(&rows[i], "vmdk");
}

static void incomplete_text_may_be_a_descriptor(void **state)
{
    (void)state;
    static char spaces[FORMAT_OPENING];
    memset(spaces, ' ', sizeof spaces);
    struct examined_row row = {"blanks", {2 * FORMAT_OPENING, {{0, spaces, sizeof spaces}}},
                               "text",   0,
                               NULL,     "larger than any is"};
    examined_check(&row, "vmdk");
    row.unsafe = NULL;
    examined_check(&row, "qcow2");
    row.unsafe = NULL;
    row.body.pieces[0].count--;
    examined_check(&row, "vmdk");
}

static void a_header_that_is_cut_is_broken(void **state)
{
    (void)state;
    examined_cut(&SPARSE_ROWS[0], 4, SECTOR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sparse_header_embeds_its_descriptor),
        cmocka_unit_test(the_capacity_of_a_stream_is_the_larger_of_two),
        cmocka_unit_test(a_descriptor_alone_is_a_vmdk_and_unsafe),
        cmocka_unit_test(esx_extents_are_parts),
        cmocka_unit_test(declared_vmdk_is_read_as_a_descriptor),
        cmocka_unit_test(incomplete_text_may_be_a_descriptor),
        cmocka_unit_test(a_header_that_is_cut_is_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
