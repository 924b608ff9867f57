/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/page_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char OWN[] = "body {}";
static const struct page_file FILES[] = {
    {"/own.css", PAGE_CSS, OWN, OWN + sizeof OWN - 1},
    {"/style.css", PAGE_CSS, OWN, OWN + sizeof OWN - 1},
};

static const struct page_file *find(const char *path)
{
    return page_file_among(FILES, sizeof FILES / sizeof *FILES, path);
}

static void a_page_has_its_own_files_and_the_shared_ones(void **state)
{
    (void)state;
    assert_ptr_equal(find("/own.css"), &FILES[0]);
    assert_ptr_equal(find("/style.css"), &FILES[1]); /* its own one goes first */
    const struct page_file *shared = page_file_among(NULL, 0, "/style.css");
    assert_string_equal(shared->type, "text/css; charset=utf-8");
    assert_non_null(memmem(shared->begin, (size_t)(shared->end - shared->begin), ":root {", 7));
    assert_string_equal(find("/texts.js")->type, "text/javascript; charset=utf-8");
    assert_string_equal(find("/icon.svg")->type, "image/svg+xml");
}

static void no_other_file_is_found(void **state)
{
    (void)state;
    static const char *const paths[] = {"", "/", "style.css", "/style.css/", "//style.css", "/own"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        assert_null(find(paths[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_has_its_own_files_and_the_shared_ones),
        cmocka_unit_test(no_other_file_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
