/* SPDX-License-Identifier: Apache-2.0 */
/* Recognises a form that was sent with another Content-Type, such as curl -F with a Content-Type
 * set by hand. Only the bytes can tell. Other text that begins with two dashes has no head of a
 * part after its first line. */
#include "body/multipart.h"

#include "body/multipart_head.h"

#include <string.h>

/* "--B" and CRLF. */
enum { FIRST_LINE_MAX = 2 + MULTIPART_BOUNDARY_MAX + 2 };

static size_t lesser(size_t one, size_t other)
{
    return one < other ? one : other;
}

static bool boundary_copy(const char *bytes, size_t length, char out[MULTIPART_BOUNDARY_MAX + 1])
{
    memcpy(out, bytes, length);
    out[length] = '\0';
    return strlen(out) == length && multipart_boundary_valid(out);
}

enum multipart_guess multipart_guess(const char *bytes, size_t count,
                                     char out[MULTIPART_BOUNDARY_MAX + 1])
{
    if (memcmp(bytes, "--", lesser(count, 2)) != 0)
        return MULTIPART_NO;
    const char *line_end = memmem(bytes, lesser(count, FIRST_LINE_MAX), "\r\n", 2);
    if (!line_end)
        return count < FIRST_LINE_MAX ? MULTIPART_PERHAPS : MULTIPART_NO;
    if (!boundary_copy(bytes + 2, (size_t)(line_end - bytes) - 2, out))
        return MULTIPART_NO;
    const char *limit = bytes + lesser(count, MULTIPART_HIDDEN_MAX);
    const char *end = memmem(line_end, (size_t)(limit - line_end), "\r\n\r\n", 4);
    if (!end)
        return count < MULTIPART_HIDDEN_MAX ? MULTIPART_PERHAPS : MULTIPART_NO;
    struct multipart_head head;
    (void)multipart_head_read(line_end + 2, (size_t)(end - line_end), &head);
    return head.form_data ? MULTIPART_YES : MULTIPART_NO;
}
