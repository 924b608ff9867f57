/* SPDX-License-Identifier: Apache-2.0 */
#include "download.h"

#include "exchange.h"
#include "glance.h"
#include "image.h"
#include "upload.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Lives as long as the response. */
struct download {
    struct exchange *exchange; /* outlives the reading */
    int file;
    uint64_t first; /* of the file's bytes */
    uint64_t count;
};

static ssize_t read_some(void *context, uint64_t position, char *buffer, size_t size)
{
    struct download *download = context;
    struct exchange *exchange = download->exchange;
    struct fault *fault = &exchange->fault;
    size_t room = fault_room(fault, position, size);
    if (room == 0) {
        fault_strike(exchange);
        if (fault->cut) {
            fault_cut_socket(fault, exchange_socket(exchange));
            return MHD_CONTENT_READER_END_WITH_ERROR;
        }
        room = fault_room(fault, position, size);
    }
    if (fault->rate && !glance_pause(exchange->glance, exchange_socket(exchange),
                                     (double)room / (double)fault->rate))
        return MHD_CONTENT_READER_END_WITH_ERROR;
    ssize_t got = pread(download->file, buffer, room, (off_t)(download->first + position));
    return got > 0 ? got : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void download_free(void *context)
{
    struct download *download = context;
    close(download->file);
    free(download);
}

/* One range of RFC 9110. False: it does not fit `size`. Anything but a single range of bytes
 * means the whole. */
static bool read_range(const char *range, uint64_t size, uint64_t *first, uint64_t *count)
{
    unsigned long long from, to;
    if (!range || strchr(range, ',')) {
        *first = 0;
        *count = size;
    } else if (sscanf(range, "bytes=%llu-%llu", &from, &to) == 2 && from <= to && from < size) {
        *first = from;
        *count = (to < size ? to + 1 : size) - from;
    } else if (sscanf(range, "bytes=-%llu", &to) == 1 && to > 0 && size > 0) {
        *count = to < size ? to : size;
        *first = size - *count;
    } else if (sscanf(range, "bytes=%llu-", &from) == 1 && from < size &&
               range[strlen(range) - 1] == '-') {
        *first = from;
        *count = size - from;
    } else {
        return false;
    }
    return true;
}

static void send_data(struct exchange *exchange, const json_t *image, int file, const char *range)
{
    uint64_t size = (uint64_t)lseek(file, 0, SEEK_END);
    struct download *download = malloc(sizeof *download);
    if (!download || !read_range(range, size, &download->first, &download->count)) {
        answer_error(exchange, download ? 416 : 500, "The Range requested is not available.");
        free(download);
        close(file);
        return;
    }
    download->exchange = exchange;
    download->file = file;
    answer_empty(exchange, range && download->count < size ? 206 : 200);
    answer_header(exchange, "Content-Type", "application/octet-stream");
    answer_header(exchange, "Content-Md5", "%s", image_text(image, "checksum"));
    if (exchange->answer.status == 206)
        answer_header(
            exchange, "Content-Range", "bytes %llu-%llu/%llu", (unsigned long long)download->first,
            (unsigned long long)(download->first + download->count - 1), (unsigned long long)size);
    exchange->answer.stream = MHD_create_response_from_callback(download->count, 65536, read_some,
                                                                download, download_free);
}

void download_finish(struct exchange *exchange)
{
    char path[4096];
    const json_t *image = image_of(exchange);
    if (!image)
        return;
    if (image_is(image, "queued")) {
        answer_empty(exchange, 204);
        return;
    }
    if (image_is(image, "deactivated") && !exchange->caller->admin) {
        answer_error(exchange, 403,
                     "The requested image has been deactivated. "
                     "Image data download is forbidden.");
        return;
    }
    data_path(exchange->glance, exchange->image_id, "", path);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        answer_empty(exchange, 204);
        return;
    }
    char *range = exchange_header(exchange, "Range");
    send_data(exchange, image, file, range);
    free(range);
}
