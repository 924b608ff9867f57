/* SPDX-License-Identifier: Apache-2.0 */
/* The table, and config/glance-intake.conf, which shows all of it. */
#include "config/config_priv.h"
#include "intake/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SAMPLE_MAX = 65536 };

static void read_sample(struct buffer *out)
{
    FILE *file = fopen(INTAKE_SOURCE_DIR "/config/glance-intake.conf", "re");
    assert_non_null(file);
    char piece[4096];
    for (size_t count; (count = fread(piece, 1, sizeof piece, file)) > 0;)
        assert_true(buffer_append(out, piece, count));
    fclose(file);
}

/* Each line of the doc after a '# '. */
static void print_doc(const char *doc, struct buffer *out)
{
    for (const char *end; *doc; doc = *end ? end + 1 : end) {
        end = strchrnul(doc, '\n');
        assert_true(buffer_print(out, "# %.*s\n", (int)(end - doc), doc));
    }
}

static void print_table(struct buffer *out)
{
    const char *section = "";
    for (size_t i = 0; i < settings_table_count; i++) {
        const struct setting *row = &settings_table[i];
        if (strcmp(section, row->section) != 0)
            assert_true(buffer_print(out, "\n[%s]\n", row->section));
        else
            assert_true(buffer_print(out, "\n"));
        section = row->section;
        print_doc(row->doc, out);
        assert_true(buffer_print(out, "%s =%s%s\n", row->key, *row->default_text ? " " : "",
                                 row->default_text));
    }
}

/* Every key, its doc and its default, and nothing else after the introduction. */
static void sample_file_matches_the_table(void **state)
{
    (void)state;
    struct buffer sample;
    struct buffer table;
    buffer_init(&sample, SAMPLE_MAX);
    buffer_init(&table, SAMPLE_MAX);
    read_sample(&sample);
    print_table(&table);
    const char *body = strstr(buffer_text(&sample), "\n[DEFAULT]\n");
    assert_non_null(body);
    assert_string_equal(body, buffer_text(&table));
    buffer_free(&sample);
    buffer_free(&table);
}

static void no_key_appears_twice(void **state)
{
    (void)state;
    for (size_t i = 0; i < settings_table_count; i++)
        for (size_t j = i + 1; j < settings_table_count; j++)
            assert_false(strcmp(settings_table[i].section, settings_table[j].section) == 0 &&
                         strcmp(settings_table[i].key, settings_table[j].key) == 0);
}

static void read_and_print(const struct setting *row, const char *text, struct settings *settings,
                           char out[SETTINGS_WHY_MAX])
{
    struct buffer buffer;
    buffer_init(&buffer, SETTINGS_WHY_MAX - 1);
    if (!row->kind->read(row, text, settings, &buffer))
        fail_msg("[%s] %s: %s", row->section, row->key, buffer_text(&buffer));
    row->kind->print(row, settings, &buffer);
    snprintf(out, SETTINGS_WHY_MAX, "%s", buffer_text(&buffer));
    buffer_free(&buffer);
}

/* "60s" prints as "1m", which is read as the same value. */
static void each_default_is_read_and_printed(void **state)
{
    (void)state;
    struct settings *settings = calloc(1, sizeof *settings);
    assert_non_null(settings);
    for (size_t i = 0; i < settings_table_count; i++) {
        const struct setting *row = &settings_table[i];
        char printed[SETTINGS_WHY_MAX];
        char again[SETTINGS_WHY_MAX];
        read_and_print(row, row->default_text, settings, printed);
        read_and_print(row, printed, settings, again);
        assert_string_equal(printed, again);
        assert_int_equal(*printed == '\0', *row->default_text == '\0');
    }
    settings_free(settings);
}

static void docs_are_sentences_within_the_width(void **state)
{
    (void)state;
    for (size_t i = 0; i < settings_table_count; i++) {
        const char *doc = settings_table[i].doc;
        assert_int_equal(doc[strlen(doc) - 1], '.');
        for (const char *end; *doc; doc = *end ? end + 1 : end) {
            end = strchrnul(doc, '\n');
            assert_true(end - doc <= 90);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sample_file_matches_the_table),
        cmocka_unit_test(no_key_appears_twice),
        cmocka_unit_test(each_default_is_read_and_printed),
        cmocka_unit_test(docs_are_sentences_within_the_width),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
