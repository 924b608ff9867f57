/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/endpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void an_endpoint_is_scheme_host_and_port(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *counts; /* NULL: no good */
    } rows[] = {
        {"http://127.0.0.1:9393", "http://127.0.0.1:9393"},
        {"https://glance.example.org", "https://glance.example.org"},
        {"http://glance-1_a:9393/", "http://glance-1_a:9393"},
        {"http://glance//", "http://glance"},
        {"http://[::1]:9393", "http://[::1]:9393"},
        {"http://[::1]", "http://[::1]"},
        {"glance:9393", NULL},
        {"HTTP://glance:9393", NULL},
        {"ftp://glance", NULL},
        {"http://", NULL},
        {"http://:9393", NULL},
        {"http://glance:", NULL},
        {"http://glance:0", NULL},
        {"http://glance:65536", NULL},
        {"http://glance:9393x", NULL},
        {"http://glance:999999999999", NULL},
        {"http://glance/image", NULL},
        {"http://glance:9393/v2", NULL},
        {"http://glance?x", NULL},
        {"http://glance#x", NULL},
        {"http://user:secret@glance", NULL},
        {"http://gla nce", NULL},
        {"http://[::1", NULL},
        {"http://[glance]", NULL},
        {"http://[]", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t length = 0;
        const char *fault = endpoint_fault(rows[i].text, &length);
        if (!fault != !!rows[i].counts)
            fail_msg("'%s': %s", rows[i].text, fault ? fault : "taken");
        if (rows[i].counts) {
            assert_int_equal(length, strlen(rows[i].counts));
            assert_memory_equal(rows[i].text, rows[i].counts, length);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_endpoint_is_scheme_host_and_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
