/* SPDX-License-Identifier: Apache-2.0 */
/* The placeholders in a refusal's texts. Most stand for a command that works in place of the one
 * that failed, in the words of the client that sent it: whoever uses openstack is not told about
 * curl. */
#include "reply/hints.h"

#include "intake/reply.h"
#include "intake/utf8.h"

#include <stdio.h>
#include <string.h>

static const char ANY_URL[] = "http://HOST:9292/v2/images/ID/file";

/* Of a format's name: nothing that a shell would take for its own. */
static const char LETTERS[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";

enum { FORMAT_MAX = 32, DEPTH_MAX = 3 };

/* What a text is filled in with. */
struct filling {
    const struct refusal_context *context;
    const struct tool *tool;
    const char *file; /* "FILE", or "COPY" of what was made of it */
    char format[FORMAT_MAX];
    char container[FORMAT_MAX];
    unsigned depth;
    struct buffer *out;
};

static bool fill(const char *text, const struct filling *filling);

/* --- plain values ---------------------------------------------------------------------- */

/* ": its status is active"; an operator's own text may end with a full stop, which the sentence
 * around it has already. */
static bool put_detail(const struct filling *filling)
{
    const char *detail = filling->context->detail;
    struct buffer *out = filling->out;
    if (!detail || !*detail)
        return true;
    if (!buffer_append(out, ": ", 2) || !utf8_clean(detail, out))
        return false;
    while (strchr(".: ", out->data[out->len - 1]))
        out->data[--out->len] = '\0';
    return true;
}

static bool put_value(const struct filling *filling, const char *value, const char *otherwise)
{
    return utf8_clean(value ? value : otherwise, filling->out);
}

static bool put_url(const struct filling *filling)
{
    return put_value(filling, filling->context->url, ANY_URL);
}

static bool put_https(const struct filling *filling)
{
    return put_value(filling, filling->context->url, "https://HOST:9292");
}

static bool put_image(const struct filling *filling)
{
    return put_value(filling, filling->context->image_id, "ID");
}

static bool put_file(const struct filling *filling)
{
    return put_value(filling, filling->file, "FILE");
}

static bool put_format(const struct filling *filling)
{
    return utf8_clean(filling->format, filling->out);
}

static bool put_container(const struct filling *filling)
{
    return utf8_clean(filling->container, filling->out);
}

/* The upload's address without its end. */
static bool put_url_up_to(const struct filling *filling, const char *end)
{
    const char *url = filling->context->url ? filling->context->url : ANY_URL;
    const char *last = strstr(url, end);
    char text[1024];
    snprintf(text, sizeof text, "%.*s", last ? (int)(last - url) : (int)strlen(url), url);
    return utf8_clean(text, filling->out);
}

static bool put_base(const struct filling *filling)
{
    return put_url_up_to(filling, "/v2/images/");
}

/* Of the image itself. */
static bool put_of(const struct filling *filling)
{
    return put_base(filling) && buffer_print(filling->out, "/v2/images/") && put_image(filling);
}

/* What qemu-img calls the image's format. */
static bool put_qemu(const struct filling *filling)
{
    static const char *const names[][2] = {{"vhd", "vpc"}, {"ami", "raw"}, {"ari", "raw"},
                                           {"aki", "raw"}, {"iso", "raw"}, {"ploop", "parallels"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(filling->format, names[i][0]) == 0)
            return put_value(filling, names[i][1], "");
    return put_format(filling);
}

/* --- commands -------------------------------------------------------------------------- */

static bool put_command(const struct filling *filling, enum tool_command command)
{
    return fill(filling->tool->commands[command], filling);
}

static bool put_tool(const struct filling *filling)
{
    return put_value(filling, filling->tool->words, "");
}

static bool put_then(const struct filling *filling)
{
    return put_value(filling, filling->tool->then, "");
}

static bool put_upload(const struct filling *filling)
{
    const char *url = filling->context->url;
    size_t length = url ? strlen(url) : 0;
    bool staged = length > 6 && strcmp(url + length - 6, "/stage") == 0;
    return put_command(filling, staged ? TOOL_STAGE : TOOL_UPLOAD);
}

/* Of what was made of the file. */
static bool put_upload_copy(const struct filling *filling)
{
    struct filling copy = *filling;
    copy.file = "COPY";
    return put_upload(&copy);
}

/* One that says its length: glanceclient never does. */
static bool put_curl(const struct filling *filling)
{
    return fill(TOOL_CURL, filling);
}

static bool put_create(const struct filling *filling)
{
    return put_command(filling, TOOL_CREATE);
}

static bool put_set(const struct filling *filling)
{
    return put_command(filling, TOOL_SET);
}

static bool put_show(const struct filling *filling)
{
    return put_command(filling, TOOL_SHOW);
}

static bool put_delete(const struct filling *filling)
{
    return put_command(filling, TOOL_DELETE);
}

static bool put_usage(const struct filling *filling)
{
    return put_command(filling, TOOL_USAGE);
}

/* The word behind an option that the particulars name. False: they do not. */
static bool find_option(const char *detail, const char *option, char word[FORMAT_MAX])
{
    const char *at = detail ? strstr(detail, option) : NULL;
    size_t length = at ? strspn(at + strlen(option), LETTERS) : 0;
    if (length == 0 || length >= FORMAT_MAX)
        return false;
    snprintf(word, FORMAT_MAX, "%.*s", (int)length, at + strlen(option));
    return true;
}

/* The command that makes a COPY of the FILE, in particulars about Glance. It is the advice at their
 * end: what stands in front of it may be text of the file. */
static bool put_conversion(struct filling *filling, const char *detail)
{
    static const char convert[] = "qemu-img convert ", names[] = " FILE COPY";
    const char *at = NULL, *next = filling->context->for_glance ? detail : NULL;
    while (next && (next = strstr(next, convert)))
        at = next++;
    const char *end = at ? strstr(at, names) : NULL;
    if (!end)
        return true;
    filling->file = "COPY";
    return buffer_append(filling->out, at, (size_t)(end - at) + strlen(names)) && put_then(filling);
}

/* Where the particulars tell the right format, an image of that; else the right file. If they tell
 * how to make it, that first. */
static bool put_right(const struct filling *filling)
{
    const char *detail = filling->context->detail;
    struct filling right = *filling;
    bool format = find_option(detail, "--disk-format ", right.format);
    bool container = find_option(detail, "--container-format ", right.container);
    return put_conversion(&right, detail) &&
           (format || container ? put_create(&right) : put_upload(&right));
}

/* A smaller file of the same disk: of the image's own format, if that can be smaller. */
static bool put_shrink(const struct filling *filling)
{
    static const char *const ways[][2] = {
        {"qcow2", "-c -O qcow2"}, {"vmdk", "-O vmdk -o subformat=streamOptimized"},
        {"vhd", "-O vpc"},        {"vhdx", "-O vhdx"},
        {"vdi", "-O vdi"},
    };
    struct filling copy = *filling;
    copy.file = "COPY";
    if (!filling->context->upload)
        return put_value(filling, "Send less in one request.", "");
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (strcmp(filling->format, ways[i][0]) == 0)
            return buffer_print(filling->out, "qemu-img convert %s FILE COPY", ways[i][1]) &&
                   put_then(filling) && put_upload(&copy);
    snprintf(copy.format, sizeof copy.format, "qcow2");
    return buffer_print(filling->out, "qemu-img convert -c -O qcow2 FILE COPY && ") &&
           put_create(&copy);
}

/* Of an upload, what to do about the image; of anything else, that it can be repeated. */
static bool put_afterwards(const struct filling *filling)
{
    return put_value(filling,
                     filling->context->upload
                         ? "Look at the image: if it is queued, upload again; while it is saving, "
                           "Glance may still be busy with it."
                         : "Try again in a moment.",
                     "");
}

static bool put_look(const struct filling *filling)
{
    return filling->context->upload ? put_show(filling) : put_afterwards(filling);
}

/* --- the text -------------------------------------------------------------------------- */

static const struct placeholder {
    const char *name;
    bool (*put)(const struct filling *filling);
} PLACEHOLDERS[] = {
    {"{detail}", put_detail},
    {"{url}", put_url},
    {"{https}", put_https},
    {"{image}", put_image},
    {"{file}", put_file},
    {"{format}", put_format},
    {"{container}", put_container},
    {"{base}", put_base},
    {"{of}", put_of},
    {"{qemu}", put_qemu},
    {"{tool}", put_tool},
    {"{then}", put_then},
    {"{upload}", put_upload},
    {"{upload_copy}", put_upload_copy},
    {"{curl}", put_curl},
    {"{create}", put_create},
    {"{set}", put_set},
    {"{show}", put_show},
    {"{delete}", put_delete},
    {"{usage}", put_usage},
    {"{right}", put_right},
    {"{shrink}", put_shrink},
    {"{afterwards}", put_afterwards},
    {"{look}", put_look},
};

static const struct placeholder *placeholder_at(const char *text)
{
    for (size_t i = 0; i < sizeof PLACEHOLDERS / sizeof *PLACEHOLDERS; i++)
        if (strncmp(text, PLACEHOLDERS[i].name, strlen(PLACEHOLDERS[i].name)) == 0)
            return &PLACEHOLDERS[i];
    return NULL;
}

static bool fill(const char *text, const struct filling *filling)
{
    struct filling inner = *filling;
    bool fits = inner.depth++ < DEPTH_MAX;
    while (*text && fits) {
        const struct placeholder *placeholder = placeholder_at(text);
        fits = placeholder ? placeholder->put(&inner) : buffer_append(inner.out, text, 1);
        text += placeholder ? strlen(placeholder->name) : 1;
    }
    return fits;
}

static void take_word(const char *word, const char *otherwise, char out[FORMAT_MAX])
{
    bool good = word && *word && strlen(word) < FORMAT_MAX && !word[strspn(word, LETTERS)];
    snprintf(out, FORMAT_MAX, "%s", good ? word : otherwise);
}

bool hints_fill_in(const char *text, const struct refusal_context *context, struct buffer *out)
{
    struct filling filling = {
        .context = context, .tool = tool_of(context->user_agent), .file = "FILE", .out = out};
    take_word(context->disk_format, "FORMAT", filling.format);
    take_word(context->container_format, "bare", filling.container);
    return fill(text, &filling);
}
