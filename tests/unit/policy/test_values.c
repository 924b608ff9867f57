/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/policies.h"

/* The value of the first key of `text`, read by one of the readers. */
struct value {
    struct diagnostics diagnostics;
    struct document document;
    const yaml_node_t *node;
};

static void value_open(void **state, struct value *value, const char *text)
{
    *value = (struct value){.document.path = scratch_file(state, "x.yaml", text)};
    value->document.diagnostics = &value->diagnostics;
    assert_true(document_open(&value->document));
    yaml_node_t *root = yaml_document_get_root_node(&value->document.tree);
    value->node =
        yaml_document_get_node(&value->document.tree, root->data.mapping.pairs.start->value);
}

/* `problem` NULL: there must be none. */
static void value_close(struct value *value, const char *problem)
{
    assert_int_equal(value->diagnostics.count, problem != NULL);
    if (problem)
        assert_string_equal(value->diagnostics.lines[0] + strlen(value->document.path), problem);
    yaml_document_delete(&value->document.tree);
    diagnostics_free(&value->diagnostics);
}

static void a_text_is_copied(void **state)
{
    struct value value;
    value_open(state, &value, "a: b c\n");
    char *copy = text_read(&value.document, value.node, "it");
    assert_string_equal(copy, "b c");
    free(copy);
    value_close(&value, NULL);
    value_open(state, &value, "\na: [b]\n");
    assert_null(text_read(&value.document, value.node, "it"));
    value_close(&value, ":2: it must be a single text");
}

static void a_size_has_a_unit(void **state)
{
    static const struct {
        const char *text;
        uint64_t size;
        const char *problem, *problem_of_limit;
    } rows[] = {
        {"a: 10GiB\n", UINT64_C(10) << 30, NULL, NULL},
        {"a: 7\n", 7, NULL, NULL},
        {"a: 0\n", 0, NULL, ":1: it 0 would accept nothing; to refuse, use deny"},
        {"a: {}\n", 4711, ":1: it must be a single text", ":1: it must be a single text"},
        {"a: 5GB\n", 4711,
         ":1: it '5GB' is not a size: a whole number and B, KiB, MiB, GiB or TiB, such as 10GiB",
         ":1: it '5GB' is not a size: a whole number and B, KiB, MiB, GiB or TiB, such as 10GiB"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct value value;
        uint64_t size = 4711;
        value_open(state, &value, rows[i].text);
        assert_int_equal(size_read(&value.document, value.node, "it", &size), !rows[i].problem);
        assert_int_equal(size, rows[i].size);
        value_close(&value, rows[i].problem);
        value_open(state, &value, rows[i].text);
        limit_read(&value.document, value.node, "it", &size);
        value_close(&value, rows[i].problem_of_limit);
    }
}

static void name_must_be_valid_in_a_header(void **state)
{
    static const struct {
        const char *name, *problem, *problem_of_store;
    } rows[] = {
        {"A.b_c-9", NULL, NULL},
        {"os_glance_x", NULL,
         ":1: store 'os_glance_x' is Glance's own: images do not belong there"},
        {"a b", ":1: it 'a b' must be 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-'",
         ":1: store 'a b' must be 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-'"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct value value;
        value_open(state, &value, "a: b\n");
        name_check(&value.document, value.node, rows[i].name, "it");
        value_close(&value, rows[i].problem);
        value_open(state, &value, "a: b\n");
        store_name_check(&value.document, value.node, rows[i].name);
        value_close(&value, rows[i].problem_of_store);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_begin, scratch_end)
    const struct CMUnitTest tests[] = {
        TEST(a_text_is_copied),
        TEST(a_size_has_a_unit),
        TEST(name_must_be_valid_in_a_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
