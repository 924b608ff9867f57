/* SPDX-License-Identifier: Apache-2.0 */
#include "request.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct door {
    const char *before; /* the id */
    const char *after;  /* it; NULL: there is no id */
    enum request_what what;
} doors[] = {
    {"PUT /v2/images/", "/file ", REQUEST_UPLOAD}, {"GET /v2/images/", "/file ", REQUEST_DOWNLOAD},
    {"GET /v2/images/", " ", REQUEST_SHOW},        {"GET /v2/info/stores ", NULL, REQUEST_STORES},
    {"GET /v2/info/usage ", NULL, REQUEST_USAGE},
};

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static void find_door(const char *head, struct request *request)
{
    enum { ID = 36 };
    for (size_t i = 0; i < sizeof doors / sizeof doors[0]; i++) {
        const struct door *door = &doors[i];
        if (!begins(head, door->before))
            continue;
        const char *id = head + strlen(door->before);
        if (door->after && (strnlen(id, ID) < ID || !begins(id + ID, door->after)))
            continue;
        request->what = door->what;
        request->id = door->after ? id : NULL;
        return;
    }
}

/* The value, NULL: it is another field. */
static const char *value_of(const char *line, const char *name)
{
    size_t length = strlen(name);
    if (strncasecmp(line, name, length) != 0 || line[length] != ':')
        return NULL;
    line += length + 1;
    return line + strspn(line, " ");
}

bool request_read(const char *head, struct request *request)
{
    *request = (struct request){.what = REQUEST_OTHER};
    find_door(head, request);
    const char *line = strstr(head, "\r\n");
    request->close = line && memmem(head, (size_t)(line - head), "HTTP/1.0", 8);
    for (; line; line = strstr(line, "\r\n")) {
        const char *value;
        line += 2;
        if ((value = value_of(line, "Content-Length")))
            request->length = strtoull(value, NULL, 10);
        else if ((value = value_of(line, "Connection")))
            request->close = strncasecmp(value, "close", 5) == 0;
        else if (value_of(line, "Expect"))
            request->expect = true;
        else if (value_of(line, "Transfer-Encoding"))
            return false;
    }
    return true;
}
