/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of settings whose value is one of a few words. Each set of words is a kind. The index
 * of a word is its value. */
#include "config/config_priv.h"
#include "intake/buffer.h"

#include <string.h>

/* Writes "fix or strict", "off, warn or reject". */
static void print_words(const char *const *words, struct buffer *out)
{
    for (size_t i = 0; words[i]; i++)
        buffer_print(out, "%s%s", i == 0 ? "" : words[i + 1] ? ", " : " or ", words[i]);
}

static bool find_word(const struct setting *row, const char *text, unsigned *value,
                      struct buffer *why)
{
    const char *const *words = row->kind->words;
    for (unsigned i = 0; words[i]; i++)
        if (strcmp(text, words[i]) == 0) {
            *value = i;
            return true;
        }
    buffer_print(why, "'%.80s' is not ", text);
    print_words(words, why);
    return false;
}

/* --- enums ----------------------------------------------------------------------------- */

/* gcc and clang store an enum without negative values as an unsigned int. */
_Static_assert(sizeof(enum log_format) == sizeof(unsigned), "-fshort-enums breaks the choices");

static bool choice_read(const struct setting *row, const char *text, struct settings *settings,
                        struct buffer *why)
{
    unsigned value;
    bool good = find_word(row, text, &value, why);
    if (good)
        *(unsigned *)((char *)settings + row->offset) = value;
    return good;
}

static void choice_print(const struct setting *row, const struct settings *settings,
                         struct buffer *out)
{
    unsigned value = *(const unsigned *)((const char *)settings + row->offset);
    buffer_print(out, "%s", row->kind->words[value]);
}

const struct setting_kind kind_log_format = {
    .read = choice_read,
    .print = choice_print,
    .words = {[LOG_FORMAT_TEXT] = "text", [LOG_FORMAT_JSON] = "json"},
};

const struct setting_kind kind_access_log = {
    .read = choice_read,
    .print = choice_print,
    .words = {[ACCESS_LOG_OFF] = "off", [ACCESS_LOG_UPLOADS] = "uploads", [ACCESS_LOG_ALL] = "all"},
};

const struct setting_kind kind_unknown_length = {
    .read = choice_read,
    .print = choice_print,
    .words = {[UNKNOWN_LENGTH_SPOOL] = "spool",
              [UNKNOWN_LENGTH_STREAM] = "stream",
              [UNKNOWN_LENGTH_REJECT] = "reject"},
};

const struct setting_kind kind_slow_upload = {
    .read = choice_read,
    .print = choice_print,
    .words = {[SLOW_UPLOAD_STREAM] = "stream", [SLOW_UPLOAD_SPOOL] = "spool"},
};

const struct setting_kind kind_backing = {
    .read = choice_read,
    .print = choice_print,
    .words = {[RESUME_BACKING_HOLD] = "hold", [RESUME_BACKING_SPOOL] = "spool"},
};

const struct setting_kind kind_tls_version = {
    .read = choice_read,
    .print = choice_print,
    .words = {[TLS_VERSION_1_2] = "1.2", [TLS_VERSION_1_3] = "1.3"},
};

const struct setting_kind kind_forwarded_header = {
    .read = choice_read,
    .print = choice_print,
    .words = {[FORWARDED_HEADER_X_FORWARDED_FOR] = "x-forwarded-for",
              [FORWARDED_HEADER_FORWARDED] = "forwarded"},
};

const struct setting_kind kind_check_level = {
    .read = choice_read,
    .print = choice_print,
    .words = {[CHECK_OFF] = "off", [CHECK_WARN] = "warn", [CHECK_REJECT] = "reject"},
};

const struct setting_kind kind_compressed = {
    .read = choice_read,
    .print = choice_print,
    .words = {[CHECK_OFF] = "off",
              [CHECK_WARN] = "warn",
              [CHECK_REJECT] = "reject",
              [CHECK_DECOMPRESS] = "decompress"},
};

const struct setting_kind kind_glance_checks = {
    .read = choice_read,
    .print = choice_print,
    .words =
        {[GLANCE_CHECKS_AUTO] = "auto", [GLANCE_CHECKS_ON] = "on", [GLANCE_CHECKS_OFF] = "off"},
};

const struct setting_kind kind_verify = {
    .read = choice_read,
    .print = choice_print,
    .words = {[VERIFY_OFF] = "off", [VERIFY_SIZE] = "size", [VERIFY_DIGEST] = "digest"},
};

/* --- booleans with other words than true and false ------------------------------------- */

static bool two_words_read(const struct setting *row, const char *text, struct settings *settings,
                           struct buffer *why)
{
    unsigned value;
    bool good = find_word(row, text, &value, why);
    if (good)
        *(bool *)((char *)settings + row->offset) = value != 0;
    return good;
}

static void two_words_print(const struct setting *row, const struct settings *settings,
                            struct buffer *out)
{
    bool value = *(const bool *)((const char *)settings + row->offset);
    buffer_print(out, "%s", row->kind->words[value]);
}

const struct setting_kind kind_content_type = {
    .read = two_words_read,
    .print = two_words_print,
    .words = {[false] = "strict", [true] = "fix"},
};

const struct setting_kind kind_multipart = {
    .read = two_words_read,
    .print = two_words_print,
    .words = {[false] = "reject", [true] = "unwrap"},
};

const struct setting_kind kind_quota = {
    .read = two_words_read,
    .print = two_words_print,
    .words = {[false] = "off", [true] = "check"},
};
