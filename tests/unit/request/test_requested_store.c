/* SPDX-License-Identifier: Apache-2.0 */
/* The table "Headers" as Glance answers it: the store's name is what eventlet makes of the fields.
 */
#include "intake/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct {
    struct header fields[3];
    const char *requested;
} rows[] = {
    {{{0}}, NULL},
    {{{"X-Image-Meta-Name", "test"}}, NULL},
    {{{"X-Image-Meta-Store", "test"}}, "test"},
    {{{"x-image-meta-store", " \ttest "}}, "test"},
    {{{"X_Image_Meta_Store", "test"}}, "test"},
    {{{"X-Image_Meta-Store", "test"}}, "test"},
    {{{"X-Image-Meta-Store", "TEST"}}, "TEST"},
    {{{"X-Image-Meta-Store", ""}}, NULL},
    {{{"X-Image-Meta-Store", "  "}}, NULL},
    {{{"X-Image-Meta-Store", "test"}, {"X-Image-Meta-Store", "file"}}, "test,file"},
    {{{"X-Image-Meta-Store", "file"}, {"X-Image-Meta-Store", "file"}}, "file,file"},
    {{{"X_Image_Meta_Store", "file"}, {"X-Image-Meta-Store", "test"}}, "file,test"},
    {{{"X_Image_Meta_Store", ""}, {"X-Image-Meta-Store", "test"}}, ",test"},
    {{{"X-Image-Meta-Store", "test"}, {"X-Image-Meta-Store", ""}}, "test,"},
    {{{"X-Image-Meta-Store ", "test"}}, NULL},
};

static void requested_store_is_read_as_eventlet_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct headers headers = {0};
        char *requested;
        for (size_t j = 0; j < 3 && rows[i].fields[j].name; j++)
            assert_true(headers_add(&headers, rows[i].fields[j].name, rows[i].fields[j].value));
        assert_true(requested_store(&headers, &requested));
        assert_int_equal(!requested, !rows[i].requested);
        if (requested)
            assert_string_equal(requested, rows[i].requested);
        free(requested);
        headers_free(&headers);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(requested_store_is_read_as_eventlet_does)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
