/* SPDX-License-Identifier: Apache-2.0 */
#include "../../../proxy/format/format_priv.h"

#include "support/examined.h"

#include <stdio.h>

#define BEGIN  "# Disk DescriptorFile\nversion=1\nCID=64a0262a\n"
#define ROOT   "parentCID=ffffffff\n"
#define SPARSE "createType=\"monolithicSparse\"\n"
#define ONE    "RW 16384 SPARSE \"image.vmdk\"\n"

static const struct row {
    const char *text;
    const char *unsafe; /* all that is said; NULL: nothing */
} ROWS[] = {
    {BEGIN ROOT SPARSE ONE, NULL},
    {BEGIN ROOT "createType=\"streamOptimized\"\n" ONE, NULL},
    {BEGIN SPARSE ONE, NULL},
    /* as others write them */
    {BEGIN "parentCID=FFFFFFFF\r\ncreatetype = \"MonolithicSparse\" \r\n"
           "RDONLY 16384 SPARSE \"image.vmdk\" 0\r\n",
     NULL},
    {BEGIN ROOT SPARSE "  RW 16384\tSPARSE\t\"generated-stream.vmdk\"", NULL},
    {BEGIN ROOT SPARSE ONE "\n#DDB\nddb.adapterType = \"lsilogic\"\nddb.comment = \"a/b\"\n", NULL},
    {BEGIN ROOT SPARSE "RW 16384 SPARSE \"my image.vmdk\"\n", NULL},
    /* types */
    {BEGIN ROOT ONE, "its descriptor has no createType"},
    {BEGIN ROOT "createType=\"twoGbMaxExtentSparse\"\n" ONE,
     "its createType is twoGbMaxExtentSparse, so its data are in other files"},
    {BEGIN ROOT "createType=\"\"\n" ONE, "its createType is , so its data are in other files"},
    {BEGIN ROOT SPARSE "createType=\"fullDevice\"\n" ONE,
     "its createType is fullDevice, so its data are in other files"},
    /* extents */
    {BEGIN ROOT SPARSE, "its descriptor names no extent"},
    {BEGIN ROOT SPARSE ONE ONE, "its descriptor names the extent image.vmdk"},
    {BEGIN ROOT SPARSE "RW 16384 FLAT \"/etc/passwd\" 0\n",
     "its descriptor names the extent /etc/passwd"},
    {BEGIN ROOT SPARSE "RW 16384 SPARSE \"/etc/passwd\"\n",
     "its descriptor names the extent /etc/passwd"},
    {BEGIN ROOT SPARSE "RW 16384 SPARSE \"..\\image.vmdk\"\n",
     "its descriptor names the extent ..\\image.vmdk"},
    {BEGIN ROOT SPARSE "NOACCESS 16384 ZERO\n", "its descriptor names the extent ZERO"},
    {BEGIN ROOT SPARSE "rw 16384 vmfs \"image-flat.vmdk\"\n",
     "its descriptor names the extent image-flat.vmdk"},
    {BEGIN ROOT SPARSE "RW 16384 SPARSE /etc/passwd\n",
     "its descriptor names the extent /etc/passwd"},
    {BEGIN ROOT SPARSE ONE "RW", "its descriptor names the extent RW"},
    /* parents */
    {BEGIN "parentCID=64a0262a\n" SPARSE ONE, "it holds only the differences to a parent image"},
    {BEGIN ROOT SPARSE ONE "parentFileNameHint=\"/etc/passwd\"\n",
     "it has a parent image, parentFileNameHint=\"/etc/passwd\""},
    {BEGIN ROOT SPARSE ONE "# parentFileNameHint=\"base.vmdk\"",
     "it has a parent image, parentFileNameHint=\"base.vmdk\""},
    /* nothing */
    {"", "it has no descriptor: it is a part of another image"},
};

static void examine(const char *text, size_t count, char unsafe[FORMAT_WORDS])
{
    char *bytes = malloc(count ? count : 1);
    assert_non_null(bytes);
    memcpy(bytes, text, count);
    *unsafe = '\0';
    vmdk_descriptor_examine(bytes, count, unsafe);
    free(bytes);
}

static void one_sparse_extent_and_no_parent_is_safe(void **state)
{
    (void)state;
    char unsafe[FORMAT_WORDS];
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        examine(ROWS[i].text, strlen(ROWS[i].text), unsafe);
        if (strcmp(unsafe, ROWS[i].unsafe ? ROWS[i].unsafe : "") != 0)
            fail_msg("%s\n--> %s", ROWS[i].text, unsafe);
    }
}

static void descriptor_ends_at_the_first_nul(void **state)
{
    (void)state;
    static const char text[] = BEGIN ROOT SPARSE ONE "\0parentFileNameHint=\"/etc/passwd\"";
    char unsafe[FORMAT_WORDS];
    examine(text, sizeof text, unsafe);
    assert_string_equal(unsafe, "");
}

static void truncated_descriptor_is_unsafe(void **state)
{
    (void)state;
    static const char text[] = BEGIN ROOT SPARSE ONE;
    char unsafe[FORMAT_WORDS];
    for (size_t count = 0; count < sizeof text - sizeof "SPARSE \"image.vmdk\""; count++) {
        examine(text, count, unsafe);
        assert_string_not_equal(unsafe, "");
    }
}

static void a_line_has_a_maximum(void **state)
{
    (void)state;
    char text[2048];
    char unsafe[FORMAT_WORDS];
    int before = snprintf(text, sizeof text, "%s#", BEGIN ROOT SPARSE ONE);
    for (size_t length = 1022; length <= 1023; length++) {
        memset(text + before, 'x', length);
        examine(text, (size_t)before + length, unsafe);
        assert_string_equal(unsafe,
                            length < 1023 ? "" : "its descriptor has a line longer than any is");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_sparse_extent_and_no_parent_is_safe),
        cmocka_unit_test(descriptor_ends_at_the_first_nul),
        cmocka_unit_test(truncated_descriptor_is_unsafe),
        cmocka_unit_test(a_line_has_a_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
