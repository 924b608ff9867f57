/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/buffer.h"
#include "policy/policy_priv.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "support/policies.h"

#define SIZE(array) (sizeof(array) / sizeof(array)[0])

/* --- opening ----------------------------------------------------------------------------- */

/* NULL: it can be opened. */
static void check_open(void **state, const char *bytes, size_t count, const char *problem)
{
    struct diagnostics diagnostics = {0};
    struct document document = {.path = scratch_write(state, "x.yaml", bytes, count),
                                .diagnostics = &diagnostics};
    bool good = document_open(&document);
    assert_int_equal(good, problem == NULL);
    assert_int_equal(diagnostics.count, good ? 0 : 1);
    if (problem)
        assert_string_equal(diagnostics.lines[0] + strlen(document.path), problem);
    if (good)
        yaml_document_delete(&document.tree);
    diagnostics_free(&diagnostics);
}

static void unused_yaml_features_are_refused(void **state)
{
    static const char *const rows[][2] = {
        {"a: b\n", NULL},
        {"", NULL},
        {"---\na: b\n...\n", NULL},
        {"a:\n  b: &x c\n", ":2: anchors and tags have no place in a policy"},
        {"a: &x [b]\n", ":1: anchors and tags have no place in a policy"},
        {"a: &x {b: c}\n", ":1: anchors and tags have no place in a policy"},
        {"a: !!str b\n", ":1: anchors and tags have no place in a policy"},
        {"a: *x\n", ":1: aliases have no place in a policy"},
        {"a: b\n---\nc: d\n", ":2: a second YAML document"},
        {"a: [[[[[[[[b]]]]]]]]\n", ":1: nested too deeply"},
        {"[[[[[[[[b]]]]]]]]\n", NULL},
        {"\n\na: [b\n",
         ":4: not YAML: did not find expected ',' or ']' while parsing a flow sequence"},
    };
    for (size_t i = 0; i < SIZE(rows); i++)
        check_open(state, rows[i][0], strlen(rows[i][0]), rows[i][1]);
}

static void a_policy_has_a_maximum(void **state)
{
    static char text[POLICY_FILE_MAX + 1];
    memset(text, '\n', sizeof text);
    check_open(state, text, POLICY_FILE_MAX, NULL);
    check_open(state, text, sizeof text, ": larger than 1048576 bytes, or no memory for it");
}

static void policy_file_must_exist(void **state)
{
    struct diagnostics diagnostics = {0};
    struct document document = {.path = scratch_path(state, "absent"), .diagnostics = &diagnostics};
    assert_false(document_open(&document));
    document.path = scratch_dir(state, "d");
    assert_false(document_open(&document));
    assert_int_equal(diagnostics.count, 2);
    diagnostics_free(&diagnostics);
}

/* --- walking ----------------------------------------------------------------------------- */

static const char *const keys[] = {"one", "two", "list"};

static void note(struct document *document, const yaml_node_t *node, const char *text, void *target)
{
    (void)document;
    assert_true(buffer_print(target, "%d:%s ", document_line(node), text));
}

static void visit(struct document *document, size_t key, const yaml_node_t *value, void *target)
{
    assert_true(buffer_print(target, "%s=", keys[key]));
    document_each_text(document, value, keys[key], note, target);
}

static const struct mapping mapping = {"it", keys, SIZE(keys), visit};

static void check_walk(void **state, const char *text, const char *visited,
                       const char *const *expected)
{
    struct diagnostics diagnostics = {0};
    struct buffer out;
    buffer_init(&out, 65536);
    struct document document = {.path = scratch_file(state, "x.yaml", text),
                                .diagnostics = &diagnostics};
    assert_true(document_open(&document));
    document_walk(&document, &mapping, yaml_document_get_root_node(&document.tree), &out);
    assert_string_equal(buffer_text(&out), visited);
    size_t count = 0;
    for (; expected[count]; count++) {
        assert_true(count < diagnostics.count);
        assert_string_equal(diagnostics.lines[count] + strlen(document.path), expected[count]);
    }
    assert_int_equal(count, diagnostics.count);
    yaml_document_delete(&document.tree);
    diagnostics_free(&diagnostics);
    buffer_free(&out);
}

static void known_keys_are_visited_and_others_reported(void **state)
{
    check_walk(state, "two: b\n\none: a\n", "two=1:b one=3:a ", (const char *[]){NULL});
    check_walk(state, "list:\n  - a\n  - \"b c\"\n  - 'd'\n", "list=2:a 3:b c 4:d ",
               (const char *[]){NULL});
    check_walk(state, "onee: a\ntwo: b\ncolour: c\n? [x]\n: y\n", "two=2:b ",
               (const char *[]){":1: it has no 'onee': did you mean one?", ":3: it has no 'colour'",
                                ":4: a key of it must be a word", NULL});
    check_walk(state, "one: a\none: b\n", "one=1:a ",
               (const char *[]){":2: it has 'one' already", NULL});
    check_walk(state, "[one, a]\n", "", (const char *[]){":1: it must be keys and values", NULL});
}

static void texts_are_single_lines_and_not_empty(void **state)
{
    check_walk(state, "one: |\n  block\ntwo: >\n  fol\n  ded\n", "one=1:block two=3:fol ded ",
               (const char *[]){NULL});
    check_walk(state, "one: ''\ntwo:\nlist: [a, ~, null, 'null']\n", "one=two=list=3:a 3:null ",
               (const char *[]){":1: one is empty", ":2: two is empty", ":3: list is empty",
                                ":3: list is empty", NULL});
    check_walk(state, "one: \"a\\tb\"\ntwo: \"a\\0b\"\nlist: |\n  a\n  b\n", "one=two=list=",
               (const char *[]){":1: one has a line break or another control character in it",
                                ":2: two has a line break or another control character in it",
                                ":3: list has a line break or another control character in it",
                                NULL});
    check_walk(
        state, "one: {a: b}\nlist: [[a], b]\n", "one=list=2:b ",
        (const char *[]){":1: one must be a single text", ":2: list must be a single text", NULL});
    check_walk(state, "list: []\n", "list=", (const char *[]){":1: list is an empty list", NULL});
}

static void texts_and_lists_have_a_maximum(void **state)
{
    struct buffer text;
    buffer_init(&text, 65536);
    assert_true(buffer_print(&text, "one: %0*d\ntwo: %0*d\n", POLICY_TEXT_MAX + 1, 0, 1, 7));
    check_walk(state, buffer_text(&text), "one=two=2:7 ",
               (const char *[]){":1: one is too long", NULL});
    buffer_clear(&text);
    assert_true(buffer_print(&text, "list: ["));
    for (size_t i = 0; i < POLICY_LIST_MAX + 1; i++)
        assert_true(buffer_print(&text, "~, "));
    assert_true(buffer_print(&text, "a]\n"));
    struct diagnostics diagnostics = {0};
    struct document document = {.path = scratch_file(state, "l.yaml", buffer_text(&text)),
                                .diagnostics = &diagnostics};
    assert_true(document_open(&document));
    struct buffer out;
    buffer_init(&out, 100);
    document_walk(&document, &mapping, yaml_document_get_root_node(&document.tree), &out);
    assert_string_equal(diagnostics.lines[0] + strlen(document.path),
                        ":1: list is too long a list");
    assert_string_equal(buffer_text(&out), "list="); /* "a" is beyond the maximum */
    yaml_document_delete(&document.tree);
    diagnostics_free(&diagnostics);
    buffer_free(&text);
    buffer_free(&out);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_begin, scratch_end)
    const struct CMUnitTest tests[] = {
        TEST(unused_yaml_features_are_refused),
        TEST(a_policy_has_a_maximum),
        TEST(policy_file_must_exist),
        TEST(known_keys_are_visited_and_others_reported),
        TEST(texts_are_single_lines_and_not_empty),
        TEST(texts_and_lists_have_a_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
