/* SPDX-License-Identifier: Apache-2.0 */
#include "format/format_priv.h"

#include "support/sparse_body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { SIZE = 65536 };

#define HEADER PIECE(0, "KDMV\1"), PIECE(28, "\1"), PIECE(36, "\x14")
#define BEGIN  "# Disk DescriptorFile\nversion=1\nCID=64a0262a\nparentCID=ffffffff\n"
#define SPARSE "createType=\"monolithicSparse\"\n"
#define ONE    "RW 16384 SPARSE \"image.vmdk\"\n"

#define TEXT(text)                                                                                 \
    {                                                                                              \
        SIZE,                                                                                      \
        {                                                                                          \
            HEADER, PIECE(512, text)                                                               \
        }                                                                                          \
    }

static const struct row {
    struct sparse_body body;
    const char *why; /* how it begins; NULL: Glance takes it */
} ROWS[] = {
    {TEXT(BEGIN SPARSE ONE), NULL},
    {TEXT(BEGIN "createType=\"streamOptimized\"\n" ONE "\nddb.adapterType = \"ide\"\n"), NULL},
    {TEXT(BEGIN "CREATETYPE=\"MonolithicSparse\"\r\n  rdonly 1 sparse \"a\"  \r\n"), NULL},
    {TEXT(BEGIN SPARSE ONE "NOACCESS 12 ZERO"), NULL},
    {TEXT(SPARSE ONE "encoding=\"UTF 8\"\n"), NULL},
    {{SIZE, {HEADER, PIECE(4, "\3"), PIECE(512, SPARSE ONE)}}, NULL},
    /* types */
    {TEXT(BEGIN ONE), "Glance does not take its createType '': "},
    {TEXT(BEGIN "createType=\"monolithicFlat\"\n" ONE),
     "Glance does not take its createType 'monolithicFlat': "},
    {TEXT(BEGIN "createType = \"monolithicSparse\"\n" ONE),
     "Glance does not take its createType '': "},
    {TEXT("createType=\"vmfs\"\n" SPARSE ONE), "Glance does not take its createType 'vmfs': "},
    /* lines */
    {TEXT(BEGIN SPARSE "CID = 1\n" ONE),
     "Glance does not take the line 'CID = 1' of its descriptor: "},
    {TEXT(BEGIN SPARSE ONE "hello\n"), "Glance does not take the line 'hello' of its descriptor: "},
    {TEXT(BEGIN SPARSE "RW\t1 SPARSE \"a\"\n"), "Glance does not take the line 'RW?1 SPARSE"},
    {TEXT(BEGIN SPARSE ONE "RW 1 SPARSE \"/a\"\n"),
     "Glance does not take the extent 'RW 1 SPARSE \"/a\"': "},
    {TEXT(BEGIN SPARSE), "Glance sees no extent in its descriptor: "},
    /* no descriptor, or none that can be read */
    {TEXT(""), "Glance cannot read its descriptor: "},
    {TEXT(BEGIN SPARSE ONE "# \xC3\xA9\n"), "Glance cannot read its descriptor: "},
    {{512, {HEADER}}, "Glance cannot read its descriptor: "},
    {{SIZE, {HEADER, PIECE(36, "\0"), PIECE(512, SPARSE ONE)}},
     "Glance cannot read its descriptor: "},
    {{SIZE, {HEADER, PIECE(28, "\2"), PIECE(512, SPARSE ONE)}},
     "Glance sees no descriptor behind its header: "},
    {{SIZE, {HEADER, PIECE(4, "\4"), PIECE(512, SPARSE ONE)}},
     "Glance sees no descriptor behind its header: "},
    {{SIZE, {HEADER, PIECE(4, "\0"), PIECE(512, SPARSE ONE)}},
     "Glance sees no descriptor behind its header: "},
};

static void descriptor_verdict_is_predicted(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        const struct row *row = &ROWS[i];
        char why[FORMAT_WORDS] = "";
        size_t count;
        unsigned char *opening = sparse_opening(&row->body, &count);
        const struct view view = {opening, count, false};
        bool taken = glance_accepts_descriptor(&view, why);
        if (taken != !row->why || (row->why && strncmp(why, row->why, strlen(row->why)) != 0))
            fail_msg("row %zu: \"%s\"", i, why);
        free(opening);
    }
}

/* As an upload may end anywhere. */
static void truncated_descriptor_is_read_safely(void **state)
{
    (void)state;
    static const struct sparse_body body = TEXT(BEGIN SPARSE ONE);
    size_t count;
    unsigned char *opening = sparse_opening(&body, &count);
    for (size_t length = 0; length < 800; length++) {
        char why[FORMAT_WORDS] = "";
        unsigned char *copy = sparse_alloc(length);
        memcpy(copy, opening, length);
        const struct view view = {copy, length, false};
        glance_accepts_descriptor(&view, why);
        free(copy);
    }
    free(opening);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(descriptor_verdict_is_predicted),
                                       cmocka_unit_test(truncated_descriptor_is_read_safely)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
