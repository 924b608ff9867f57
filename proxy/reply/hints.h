/* SPDX-License-Identifier: Apache-2.0 */
/* Expands the texts of a refusal for the client that reads them. */
#ifndef REPLY_HINTS_H
#define REPLY_HINTS_H

#include <stdbool.h>

struct buffer;
struct refusal_context;

enum tool_command {
    TOOL_UPLOAD, /* send the file to the image */
    TOOL_STAGE,
    TOOL_CREATE, /* create another image, with the file */
    TOOL_SET,    /* set the image's formats */
    TOOL_SHOW,
    TOOL_DELETE,
    TOOL_USAGE, /* show what the project has in its images */
    TOOL_COMMANDS
};

/* curl is on every machine, and sends the length of a file. */
#define TOOL_CURL "curl -T {file} -H 'X-Auth-Token: TOKEN' {url}"

struct tool {
    const char *mark;    /* text in the client's User-Agent */
    const char *words;   /* for a sentence: "Send the file with ..." */
    const char *nothing; /* the usual cause of an empty upload */
    const char *then;    /* between two commands */
    const char *commands[TOOL_COMMANDS];
};

/* The tool of a client; curl if it is not known. `user_agent` may be NULL; the result never is. */
const struct tool *tool_of(const char *user_agent);

/* Appends the text with its placeholders expanded. False: no memory, or `out` is full. */
bool hints_fill_in(const char *text, const struct refusal_context *context, struct buffer *out);

#endif
