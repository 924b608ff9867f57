/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/core/resume_fields.h"

#include "intake/clock.h"
#include "intake/settings.h"
#include "intake/tus.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

bool resume_add_number(struct headers *out, const char *name, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, value);
    return headers_add(out, name, text);
}

bool resume_add_expiry(struct headers *out, uint64_t wall_ms)
{
    char date[64];
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;
    if (!wall_ms)
        return true;
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&seconds, &parts));
    return headers_add(out, "Upload-Expires", date);
}

bool resume_add_limit(const struct settings *settings, uint64_t expires_wall_ms,
                      struct headers *out)
{
    char text[96];
    uint64_t now = clock_wall_ms();
    uint64_t left = expires_wall_ms > now ? expires_wall_ms - now : settings->resume.window;
    snprintf(text, sizeof text, "max-size=%" PRIu64 ", min-size=0, max-age=%" PRIu64,
             settings->upload.max_size, left / 1000);
    return headers_add(out, "Upload-Limit", text);
}

bool resume_add_dialect(enum resume_dialect dialect, enum refusal refused, struct headers *out)
{
    if (dialect != RESUME_BY_TUS)
        return true;
    return headers_add(out, "Tus-Resumable", TUS_VERSION) &&
           (refused != REFUSAL_TUS_VERSION || headers_add(out, "Tus-Version", TUS_VERSION));
}

bool resume_expose(struct headers *out)
{
    static const char names[] =
        "Location, Tus-Extension, Tus-Max-Size, Tus-Resumable, Tus-Version, Upload-Complete, "
        "Upload-Draft-Interop-Version, Upload-Expires, Upload-Length, Upload-Limit, Upload-Offset";
    return !headers_get(out, "Access-Control-Allow-Origin") ||
           headers_add(out, "Access-Control-Expose-Headers", names);
}

bool resume_add_location(const struct request_facts *request, struct headers *out)
{
    char *url = NULL;
    const struct origin *origin = &request->origin;
    bool known = origin->host && *origin->host;
    if (asprintf(&url, "%s%s%s%s/v2/images/%s/file", known ? origin->proto : "", known ? "://" : "",
                 known ? origin->host : "", origin->prefix, request->route.image_id) < 0)
        return false;
    bool good = headers_add(out, "Location", url);
    free(url);
    return good;
}
