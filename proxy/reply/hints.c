/* SPDX-License-Identifier: Apache-2.0 */
/* Expands the placeholders in the texts of a refusal. Most stand for a command that works in place
 * of the failed one. The command is one of the client's own program: a user of openstack gets no
 * curl command. */
#include "reply/hints.h"

#include "intake/reply.h"
#include "intake/utf8.h"
#include "reply/commands.h"

#include <stdio.h>
#include <string.h>

static const char ANY_URL[] = "http://HOST:9292/v2/images/ID/file";

/* Characters in the name of a format: none is special to a shell. */
static const char LETTERS[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";

enum { FORMAT_MAX = 32, DEPTH_MAX = 3 };

/* The values for the placeholders, and the output. */
struct expansion {
    const struct refusal_context *context;
    const struct tool *tool;
    const char *file; /* "FILE", or "COPY" for a converted file */
    char format[FORMAT_MAX];
    char container[FORMAT_MAX];
    unsigned depth;
    struct buffer *out;
};

static bool expand(const char *text, const struct expansion *expansion);

/* --- plain values ---------------------------------------------------------------------- */

/* Writes ": its status is active". Strips a full stop at the end of an operator's own text, because
 * the sentence around it has one. */
static bool put_detail(const struct expansion *expansion)
{
    const char *detail = expansion->context->detail;
    struct buffer *out = expansion->out;
    if (!detail || !*detail)
        return true;
    if (!buffer_append(out, ": ", 2) || !utf8_clean(detail, out))
        return false;
    while (strchr(".: ", out->data[out->len - 1]))
        out->data[--out->len] = '\0';
    return true;
}

static bool put_value(const struct expansion *expansion, const char *value, const char *fallback)
{
    return utf8_clean(value ? value : fallback, expansion->out);
}

static bool put_url(const struct expansion *expansion)
{
    return put_value(expansion, expansion->context->url, ANY_URL);
}

static bool put_https(const struct expansion *expansion)
{
    return put_value(expansion, expansion->context->url, "https://HOST:9292");
}

static bool put_image(const struct expansion *expansion)
{
    return put_value(expansion, expansion->context->image_id, "ID");
}

static bool put_file(const struct expansion *expansion)
{
    return put_value(expansion, expansion->file, "FILE");
}

static bool put_format(const struct expansion *expansion)
{
    return utf8_clean(expansion->format, expansion->out);
}

static bool put_container(const struct expansion *expansion)
{
    return utf8_clean(expansion->container, expansion->out);
}

/* Writes the URL of the upload up to `end`. */
static bool put_url_up_to(const struct expansion *expansion, const char *end)
{
    const char *url = expansion->context->url ? expansion->context->url : ANY_URL;
    const char *last = strstr(url, end);
    char text[1024];
    snprintf(text, sizeof text, "%.*s", last ? (int)(last - url) : (int)strlen(url), url);
    return utf8_clean(text, expansion->out);
}

static bool put_base(const struct expansion *expansion)
{
    return put_url_up_to(expansion, "/v2/images/");
}

/* Writes the URL of the image. */
static bool put_of(const struct expansion *expansion)
{
    return put_base(expansion) && buffer_print(expansion->out, "/v2/images/") &&
           put_image(expansion);
}

static bool put_qemu(const struct expansion *expansion)
{
    return put_value(expansion, command_qemu_name(expansion->format), "");
}

/* --- commands -------------------------------------------------------------------------- */

/* A command has placeholders itself; DEPTH_MAX bounds the recursion. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static bool put_command(const struct expansion *expansion, enum tool_command command)
{
    return expand(expansion->tool->commands[command], expansion);
}

static bool put_tool(const struct expansion *expansion)
{
    return put_value(expansion, expansion->tool->words, "");
}

static bool put_then(const struct expansion *expansion)
{
    return put_value(expansion, expansion->tool->then, "");
}

static bool put_upload(const struct expansion *expansion)
{
    const char *url = expansion->context->url;
    size_t length = url ? strlen(url) : 0;
    bool staged = length > 6 && strcmp(url + length - 6, "/stage") == 0;
    return put_command(expansion, staged ? TOOL_STAGE : TOOL_UPLOAD);
}

/* Writes the command that uploads the converted file. */
static bool put_upload_copy(const struct expansion *expansion)
{
    struct expansion copy = *expansion;
    copy.file = "COPY";
    return put_upload(&copy);
}

/* A command that sends the length. glanceclient never does. */
static bool put_curl(const struct expansion *expansion)
{
    return expand(TOOL_CURL, expansion);
}

static bool put_create(const struct expansion *expansion)
{
    return put_command(expansion, TOOL_CREATE);
}

static bool put_show(const struct expansion *expansion)
{
    return put_command(expansion, TOOL_SHOW);
}

/* Finds the word after `option` in the detail. False: there is none. */
static bool find_option(const char *detail, const char *option, char word[FORMAT_MAX])
{
    const char *at = detail ? strstr(detail, option) : NULL;
    size_t length = at ? strspn(at + strlen(option), LETTERS) : 0;
    if (length == 0 || length >= FORMAT_MAX)
        return false;
    snprintf(word, FORMAT_MAX, "%.*s", (int)length, at + strlen(option));
    return true;
}

/* Writes the command in the detail that converts FILE to COPY, if the violation is Glance's. The
 * last match counts, because text from the file may be in front of it. */
static bool put_conversion(struct expansion *expansion, const char *detail)
{
    static const char convert[] = "qemu-img convert ", names[] = " FILE COPY";
    const char *at = NULL, *next = expansion->context->for_glance ? detail : NULL;
    while (next && (next = strstr(next, convert)))
        at = next++;
    const char *end = at ? strstr(at, names) : NULL;
    if (!end)
        return true;
    expansion->file = "COPY";
    return buffer_append(expansion->out, at, (size_t)(end - at) + strlen(names)) &&
           put_then(expansion);
}

/* Writes a command that creates an image of the right format if the detail names it, else one that
 * uploads the right file. A command in the detail that converts the file comes first. */
static bool put_right(const struct expansion *expansion)
{
    const char *detail = expansion->context->detail;
    struct expansion right = *expansion;
    bool format = find_option(detail, "--disk-format ", right.format);
    bool container = find_option(detail, "--container-format ", right.container);
    return put_conversion(&right, detail) &&
           (format || container ? put_create(&right) : put_upload(&right));
}

/* Writes commands that make and upload a smaller file of the same disk: in the image's own format
 * if that can be smaller, else as qcow2 to a new image. */
static bool put_shrink(const struct expansion *expansion)
{
    const char *command = command_that_shrinks(expansion->format);
    struct expansion copy = *expansion;
    copy.file = "COPY";
    if (!expansion->context->upload)
        return put_value(expansion, "Send less in one request.", "");
    if (command)
        return put_value(expansion, command, "") && put_then(expansion) && put_upload(&copy);
    snprintf(copy.format, sizeof copy.format, "qcow2");
    return buffer_print(expansion->out, "qemu-img convert -c -O qcow2 FILE COPY && ") &&
           put_create(&copy);
}

/* Writes commands that decompress the file and upload the result. */
static bool put_decompress(const struct expansion *expansion)
{
    const char *command = command_that_decompresses(expansion->context->detail);
    if (!command)
        return put_upload(expansion);
    return put_value(expansion, command, "") && put_then(expansion) && put_upload_copy(expansion);
}

/* For an upload: what to do about the image. For any other request: that it can be repeated. */
static bool put_afterwards(const struct expansion *expansion)
{
    return put_value(expansion,
                     expansion->context->upload
                         ? "Look at the image: if it is queued, upload again; while it is saving, "
                           "Glance may still be busy with it."
                         : "Try again in a moment.",
                     "");
}

static bool put_look(const struct expansion *expansion)
{
    return expansion->context->upload ? put_show(expansion) : put_afterwards(expansion);
}

/* --- the text -------------------------------------------------------------------------- */

static const struct placeholder {
    const char *name;
    bool (*put)(const struct expansion *expansion); /* NULL: it is a command */
    enum tool_command command;
} PLACEHOLDERS[] = {
    {"{detail}", .put = put_detail},
    {"{url}", .put = put_url},
    {"{https}", .put = put_https},
    {"{image}", .put = put_image},
    {"{file}", .put = put_file},
    {"{format}", .put = put_format},
    {"{container}", .put = put_container},
    {"{base}", .put = put_base},
    {"{of}", .put = put_of},
    {"{qemu}", .put = put_qemu},
    {"{tool}", .put = put_tool},
    {"{then}", .put = put_then},
    {"{upload}", .put = put_upload},
    {"{upload_copy}", .put = put_upload_copy},
    {"{curl}", .put = put_curl},
    {"{create}", .put = put_create},
    {"{set}", .command = TOOL_SET},
    {"{show}", .put = put_show},
    {"{delete}", .command = TOOL_DELETE},
    {"{usage}", .command = TOOL_USAGE},
    {"{right}", .put = put_right},
    {"{shrink}", .put = put_shrink},
    {"{decompress}", .put = put_decompress},
    {"{afterwards}", .put = put_afterwards},
    {"{look}", .put = put_look},
};

static const struct placeholder *placeholder_at(const char *text)
{
    for (size_t i = 0; i < sizeof PLACEHOLDERS / sizeof *PLACEHOLDERS; i++)
        if (strncmp(text, PLACEHOLDERS[i].name, strlen(PLACEHOLDERS[i].name)) == 0)
            return &PLACEHOLDERS[i];
    return NULL;
}

/* NOLINTNEXTLINE(misc-no-recursion) */
static bool put(const struct placeholder *placeholder, const struct expansion *expansion)
{
    return placeholder->put ? placeholder->put(expansion)
                            : put_command(expansion, placeholder->command);
}

/* NOLINTNEXTLINE(misc-no-recursion) */
static bool expand(const char *text, const struct expansion *expansion)
{
    struct expansion inner = *expansion;
    bool fits = inner.depth++ < DEPTH_MAX;
    while (*text && fits) {
        const struct placeholder *placeholder = placeholder_at(text);
        fits = placeholder ? put(placeholder, &inner) : buffer_append(inner.out, text, 1);
        text += placeholder ? strlen(placeholder->name) : 1;
    }
    return fits;
}

static void copy_word(const char *word, const char *fallback, char out[FORMAT_MAX])
{
    bool good = word && *word && strlen(word) < FORMAT_MAX && !word[strspn(word, LETTERS)];
    snprintf(out, FORMAT_MAX, "%s", good ? word : fallback);
}

bool hints_fill_in(const char *text, const struct refusal_context *context, struct buffer *out)
{
    struct expansion expansion = {
        .context = context, .tool = tool_of(context->user_agent), .file = "FILE", .out = out};
    copy_word(context->disk_format, "FORMAT", expansion.format);
    copy_word(context->container_format, "bare", expansion.container);
    return expand(text, &expansion);
}
