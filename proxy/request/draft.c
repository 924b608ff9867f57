/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the structured fields of the draft: Items that are Integers or Booleans. */
#include "intake/draft.h"

#include "intake/headers.h"
#include "intake/request.h"

#include <string.h>
#include <strings.h>

enum { INTEGER_DIGITS = 15 }; /* RFC 9651 3.3.1 */

static const char PART_TYPE[] = "application/partial-upload";

/* --- structured fields ---------------------------------------------------------------------- */

/* The item of a field that is there once. Parameters of it have no meaning here. */
static const char *item_of(const struct headers *headers, const char *name, size_t *length)
{
    const char *text = headers_count(headers, name) == 1 ? headers_get(headers, name) : NULL;
    if (!text)
        return NULL;
    text += strspn(text, " ");
    *length = strcspn(text, ";");
    while (text[*length] == '\0' && *length > 0 && text[*length - 1] == ' ')
        --*length;
    return text;
}

static bool read_integer(const struct headers *headers, const char *name, uint64_t *out)
{
    size_t length;
    uint64_t value = 0;
    const char *text = item_of(headers, name, &length);
    if (!text || length == 0 || length > INTEGER_DIGITS || strspn(text, "0123456789") < length)
        return false;
    for (size_t i = 0; i < length; i++)
        value = 10 * value + (uint64_t)(text[i] - '0');
    *out = value;
    return true;
}

bool draft_spoken(const struct headers *headers)
{
    uint64_t version;
    return read_integer(headers, DRAFT_VERSION_FIELD, &version) && version == 8;
}

enum draft_completeness draft_completeness(const struct headers *headers)
{
    size_t length;
    const char *text = item_of(headers, "Upload-Complete", &length);
    if (!text || length != 2 || text[0] != '?' || (text[1] != '0' && text[1] != '1'))
        return DRAFT_UNSAID;
    return text[1] == '1' ? DRAFT_COMPLETE : DRAFT_INCOMPLETE;
}

/* --- requests ------------------------------------------------------------------------------- */

/* Upload-Length, or what the completing request says by its own length. `offset`: of its data. */
static enum refusal find_length(const struct headers *headers, const struct draft_part *part,
                                bool *known, uint64_t *length, const char **detail)
{
    uint64_t end = part->offset + part->count;
    bool completes = draft_completeness(headers) == DRAFT_COMPLETE;
    *known = read_integer(headers, "Upload-Length", length);
    if (*known && (completes ? *length != end : *length < end)) {
        *detail = "its Upload-Length does not fit the bytes that it brings";
        return REFUSAL_SIZE_MISMATCH;
    }
    if (completes)
        *length = end;
    *known = *known || completes;
    return REFUSAL_NONE;
}

static enum refusal check_framing(const struct framing_facts *framing, const char **detail)
{
    if (framing->framing != FRAMING_CHUNKED)
        return REFUSAL_NONE;
    *detail = "a part of it has a Content-Length";
    return REFUSAL_LENGTH_REQUIRED;
}

static enum refusal check_part(const struct headers *headers, struct draft_part *part,
                               const char **detail)
{
    const char *type = headers_get(headers, "Content-Type");
    if (headers_count(headers, "Content-Type") != 1 || strcasecmp(type, PART_TYPE) != 0) {
        *detail = "the Content-Type of a part is application/partial-upload";
        return REFUSAL_UNSUPPORTED_CONTENT_TYPE;
    }
    if (!read_integer(headers, "Upload-Offset", &part->offset)) {
        *detail = "its Upload-Offset is not one number of bytes";
        return REFUSAL_BAD_REQUEST;
    }
    if (draft_completeness(headers) == DRAFT_UNSAID) {
        *detail = "its Upload-Complete is neither ?0 nor ?1";
        return REFUSAL_BAD_REQUEST;
    }
    return REFUSAL_NONE;
}

enum refusal draft_read_part(const struct headers *headers, const struct framing_facts *framing,
                             struct draft_part *out, const char **detail)
{
    *out = (struct draft_part){.count = framing->length};
    enum refusal reason = check_part(headers, out, detail);
    if (!reason)
        reason = check_framing(framing, detail);
    return reason ? reason : find_length(headers, out, &out->length_known, &out->length, detail);
}

enum refusal draft_read_creation(const struct headers *headers, const struct framing_facts *framing,
                                 uint64_t *length, const char **detail)
{
    bool known = false;
    const struct draft_part part = {.count = framing->length};
    enum refusal reason = check_framing(framing, detail);
    if (!reason)
        reason = find_length(headers, &part, &known, length, detail);
    if (!reason && !known) {
        *detail = "an upload that begins with a part has Upload-Length";
        reason = REFUSAL_LENGTH_REQUIRED;
    }
    return reason;
}
