/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the opening of the data before the image exists, and finds the format in it.
 *
 * A body of its own reads it, out of a form if there is one, and decompresses it if the image is
 * going to be decompressed. All that it reads from the client is kept, and comes once more for the
 * body that is sent (struct upload_source). So that one judges the whole data by the image as it
 * was created. */
#include "exchange/new_image/new_image_flow.h"

#include "intake/client.h"
#include "intake/form_fields.h"
#include "intake/memory.h"
#include "intake/snapshot.h"
#include "intake/stream.h"

#include <string.h>

/* Bytes: the opening, and a form's fields and heads before the file. bzip2 needs a block of
 * 900,000 bytes before it gives any, and the decompressor reads 512 KiB ahead. */
enum { READ_MAX = 256 * 1024, COMPRESSED_READ_MAX = 2 << 20 };

/* --- the body that finds ---------------------------------------------------------------------- */

static ssize_t read_and_keep(void *context, void *into, size_t room)
{
    struct new_image_flow *flow = new_image_of(context);
    ssize_t got = upload_source_read(context, into, room);
    if (got <= 0 || buffer_append(&flow->read, into, (size_t)got))
        return got;
    flow->no_memory = buffer_may_hold(&flow->read, (size_t)got);
    return STREAM_LOST;
}

static void wake(void *context)
{
    upload_wake(upload_of(context));
}

/* Before the policy has decided, any rule may be the one that applies. */
static bool may_be_decompressed(const struct new_image_flow *flow)
{
    const struct snapshot *snapshot = flow->upload.x.snapshot;
    if (flow->upload.check.decision.rule)
        return upload_checks(&flow->upload).compressed == CHECK_DECOMPRESS;
    return snapshot->settings->upload.checks.compressed == CHECK_DECOMPRESS ||
           policy_decompresses(snapshot->policy);
}

/* The opening is needed for the format, and for the size of the disk. */
static bool is_looked_into(const struct new_image_flow *flow)
{
    const struct new_image *wanted = &flow->wanted;
    return (!wanted->disk_format || wanted->min_disk_from == MIN_DISK_AUTO) &&
           may_be_decompressed(flow);
}

static bool begin(struct new_image_flow *flow)
{
    static const struct check_levels off; /* the body that is sent checks */
    struct exchange *x = &flow->upload.x;
    bool decompresses = is_looked_into(flow);
    const struct body_plan plan = {
        .read = read_and_keep,
        .wake = wake,
        .context = x,
        .length_known = upload_framing(&flow->upload) != FRAMING_CHUNKED,
        .length = flow->file_length ? flow->file_length : upload_length(&flow->upload),
        .content_type = headers_get(&client_head(x->client)->headers, "Content-Type"),
        .disk_format = flow->wanted.disk_format,
        .container_format = flow->wanted.container_format,
        .decompresses = decompresses,
        .checks = off,
        .settings = x->snapshot->settings,
        .spools = x->parts->spools,
        .decompress_threads = x->parts->decompress_threads,
        .loop = x->parts->loop,
    };
    buffer_init(&flow->read, decompresses ? COMPRESSED_READ_MAX : READ_MAX);
    flow->finder = body_new(&plan);
    return flow->finder != NULL;
}

/* --- the format ------------------------------------------------------------------------------ */

static const char *container_of(const char *disk_format)
{
    static const char *const own[] = {"aki", "ari", "ami"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strcmp(disk_format, own[i]) == 0)
            return own[i];
    return "bare";
}

/* With `warn` or `off` the client may name a format, and have it stored compressed. */
static bool refuses_compressed(const struct new_image_flow *flow)
{
    enum check_level level = flow->upload.check.decision.rule
                                 ? upload_checks(&flow->upload).compressed
                                 : flow->upload.x.snapshot->settings->upload.checks.compressed;
    return level == CHECK_REJECT || level == CHECK_DECOMPRESS;
}

static enum step_result refuse_unknown(struct new_image_flow *flow)
{
    struct exchange *x = &flow->upload.x;
    const char *seen = flow->found.seen;
    const char *where = flow->decompressed ? "decompressed, " : "";
    if (flow->found.compressed && refuses_compressed(flow))
        return exchange_refuse_for(x, REFUSAL_COMPRESSED, "%s%s", where, seen);
    return exchange_refuse_for(x, REFUSAL_FORMAT_UNKNOWN, "%s%s%slooked for were %s", where, seen,
                               *seen ? "; " : "", FORMATS_LOOKED_FOR);
}

/* The size that the client promises is that of the compressed data, or of the image. */
static uint64_t length_of(const struct new_image_flow *flow)
{
    const struct upload_head *head = &flow->upload.head;
    uint64_t length;
    if (body_length(flow->finder, &length))
        return length;
    bool promised = flow->decompressed && head->promised &&
                    !(flow->upload.size.known && flow->upload.size.bytes == head->promise);
    return promised ? head->promise : FORMAT_LENGTH_UNKNOWN;
}

static enum step_result find(struct new_image_flow *flow)
{
    size_t count;
    const void *opening = body_opening(flow->finder, &count);
    flow->decompressed = body_decompressed(flow->finder);
    flow->length = length_of(flow);
    bool found = format_find(opening, count, flow->length, &flow->found);
    const char *told = flow->wanted.disk_format;
    if (told) {
        flow->found.container_format = container_of(told);
        flow->found.disk_format = told;
    } else if (!found) {
        return refuse_unknown(flow);
    }
    if (flow->wanted.container_format)
        flow->found.container_format = flow->wanted.container_format;
    return STEP_NEXT;
}

/* --- the fields of a form -------------------------------------------------------------------- */

static const char *take_field(void *context, const char *name, const char *value)
{
    struct new_image_flow *flow = context;
    bool late = strcmp(name, "project") == 0 || strcmp(name, "domain") == 0;
    return late ? "project and domain belong in the address: the login comes before the form"
                : new_image_set(&flow->wanted, name, value, flow->fault);
}

static const char *take_file(void *context, const char *filename)
{
    struct new_image_flow *flow = context;
    return new_image_name_file(&flow->wanted, filename, flow->fault);
}

static enum step_result read_form(struct new_image_flow *flow)
{
    struct exchange *x = &flow->upload.x;
    const char *type = headers_get(&client_head(x->client)->headers, "Content-Type");
    const struct form_visitor visitor = {.field = take_field, .file = take_file, .context = flow};
    if (!flow->upload.head.declared_form)
        return STEP_NEXT;
    const char *fault = form_fields_read(type, buffer_text(&flow->read), flow->read.len, &visitor);
    if (!fault && !flow->wanted.name)
        fault = "neither the address nor the form has a name for the image";
    if (fault == NO_MEMORY)
        return exchange_no_memory(x);
    return fault ? exchange_refuse_for(x, REFUSAL_BAD_REQUEST, "%s", fault) : STEP_NEXT;
}

/* --- the step -------------------------------------------------------------------------------- */

static enum step_result refuse_body(struct new_image_flow *flow)
{
    const char *detail;
    enum refusal reason = body_refusal(flow->finder, &detail);
    return exchange_refuse_for(&flow->upload.x, reason, "%s", detail);
}

/* The client has gone, or what it sends before its file does not end. */
static enum step_result lose(struct new_image_flow *flow)
{
    struct exchange *x = &flow->upload.x;
    if (flow->no_memory)
        return exchange_no_memory(x);
    if (!buffer_may_hold(&flow->read, flow->read.max / 2))
        return body_decompressed(flow->finder)
                   ? exchange_refuse_for(x, REFUSAL_COMPRESSED,
                                         "its first %d MiB do not have the beginning of the image",
                                         COMPRESSED_READ_MAX >> 20)
                   : exchange_refuse_for(x, REFUSAL_MULTIPART_MALFORMED,
                                         "there is too much before its file");
    return exchange_drop_client(x);
}

static enum step_result finish(struct new_image_flow *flow)
{
    enum step_result result = read_form(flow);
    if (result == STEP_NEXT)
        result = find(flow);
    body_free(flow->finder);
    flow->finder = NULL;
    flow->upload.source.again = flow->read;
    buffer_init(&flow->read, 0);
    return result;
}

enum step_result new_image_open(struct exchange *x)
{
    struct new_image_flow *flow = new_image_of(x);
    if (x->entering && !begin(flow))
        return exchange_no_memory(x);
    switch (body_prepare_opening(flow->finder)) {
    case STREAM_WAIT:
        return STEP_WAIT;
    case STREAM_LOST:
        return lose(flow);
    case STREAM_REFUSED:
        return refuse_body(flow);
    default:
        return finish(flow);
    }
}
