/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/headers.h"

#include "../../../proxy/request/request_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define IMAGES "application/vnd.openstack.images-"

static const struct {
    const char *first; /* NULL: no Accept at all */
    const char *second;
    struct accept_version wanted;
} rows[] = {
    /* Unambiguous for Glance. */
    {IMAGES "v2", NULL, {true, true, true}},
    {IMAGES "v2.5", NULL, {true, true, true}},
    {IMAGES "v2.16", NULL, {true, true, true}},
    {IMAGES "v1", NULL, {true, false, true}},
    {IMAGES "v2.", NULL, {true, false, true}},
    {IMAGES "v2.x", NULL, {true, false, true}},
    {IMAGES "v22", NULL, {true, false, true}},
    {IMAGES "v20", NULL, {true, false, true}},
    {IMAGES, NULL, {true, false, true}},
    {IMAGES "V2", NULL, {true, false, true}},

    /* Tidied up it is version 2, unless WebOb finds it malformed. */
    {IMAGES "v2,", NULL, {true, true, false}},
    {",," IMAGES "v2 ,\t", NULL, {true, true, false}},
    {IMAGES "v2;q=1", NULL, {true, true, false}},
    {IMAGES "v2 ; Q=1.000", NULL, {true, true, false}},
    {IMAGES "v2 ", NULL, {true, true, false}},
    {"", IMAGES "v2", {true, true, false}},
    {IMAGES "v2", "", {true, true, false}},

    /* It begins as one, but is not version 2. */
    {IMAGES "v2;q=0.5", NULL, {true, false, false}},
    {IMAGES "v2;q=0", NULL, {true, false, false}},
    {IMAGES "v2;q=", NULL, {true, false, false}},
    {IMAGES "v2;a=b", NULL, {true, false, false}},
    {IMAGES "v2,*/*", NULL, {true, false, false}},
    {IMAGES "v2", "*/*", {true, false, false}},
    {IMAGES "v2", IMAGES "v2", {true, false, false}},
    {IMAGES "v2\"", NULL, {true, false, false}},

    /* Another type comes first, so the path has the version. */
    {NULL, NULL, {false, false, false}},
    {"", NULL, {false, false, false}},
    {"*/*", NULL, {false, false, false}},
    {"*/*," IMAGES "v2", NULL, {false, false, false}},
    {"*/*", IMAGES "v2", {false, false, false}},
    {"Application/vnd.openstack.images-v2", NULL, {false, false, false}},
    {"application/vnd.openstack.image", NULL, {false, false, false}},
};

static void accept_may_name_the_version(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct headers headers = {0};
        if (rows[i].first)
            assert_true(headers_add(&headers, "Accept", rows[i].first));
        assert_true(headers_add(&headers, "Accept-Encoding", IMAGES "v2"));
        if (rows[i].second)
            assert_true(headers_add(&headers, "ACCEPT", rows[i].second));
        struct accept_version found = accept_version_find(&headers);
        if (found.named != rows[i].wanted.named || found.v2 != rows[i].wanted.v2 ||
            found.certain != rows[i].wanted.certain)
            fail_msg("%s / %s: named %d, v2 %d, certain %d", rows[i].first, rows[i].second,
                     found.named, found.v2, found.certain);
        headers_free(&headers);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(accept_may_name_the_version)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
