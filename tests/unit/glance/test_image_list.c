/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/image_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define IMAGE(id, status, name, owner, algo, value)                                                \
    "{\"id\":" id ",\"status\":\"" status "\",\"name\":\"" name "\",\"owner\":\"" owner            \
    "\",\"os_hash_algo\":\"" algo "\",\"os_hash_value\":\"" value "\"}"
#define LIST(images) "{\"images\":[" images "]}"
#define GOOD         IMAGE("\"1\"", "active", "a", "p", "sha512", "ab")

static const struct image_looked_for WANTED = {
    .name = "a", .owner = "p", .os_hash_algo = "sha512", .os_hash_value = "ab"};

static void all_of_it_must_fit(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        bool found;
    } rows[] = {
        {LIST(GOOD), true},
        {LIST("3," IMAGE("\"2\"", "active", "b", "p", "sha512", "ab") "," GOOD), true},
        {LIST(IMAGE("\"1\"", "queued", "a", "p", "sha512", "ab")), false},
        {LIST(IMAGE("\"1\"", "active", "b", "p", "sha512", "ab")), false},
        {LIST(IMAGE("\"1\"", "active", "a", "q", "sha512", "ab")), false},
        {LIST(IMAGE("\"1\"", "active", "a", "p", "sha256", "ab")), false},
        {LIST(IMAGE("\"1\"", "active", "a", "p", "sha512", "cd")), false},
        {LIST(IMAGE("1", "active", "a", "p", "sha512", "ab")), false},
        {LIST(IMAGE("\"\"", "active", "a", "p", "sha512", "ab")), false},
        {LIST(IMAGE("\"too-long-an-id\"", "active", "a", "p", "sha512", "ab")), false},
        {LIST("{\"id\":\"1\"}"), false},
        {"{}", false},
        {"[", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char id[8] = "";
        bool found = image_list_find(rows[i].json, strlen(rows[i].json), &WANTED, id, sizeof id);
        assert_int_equal(found, rows[i].found);
        if (found)
            assert_string_equal(id, "1");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_of_it_must_fit)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
