/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of a refusal, filled in for the client that reads them. */
#ifndef REPLY_HINTS_H
#define REPLY_HINTS_H

#include <stdbool.h>

struct buffer;
struct refusal_context;

enum tool_command {
    TOOL_UPLOAD, /* the file, to the image */
    TOOL_STAGE,
    TOOL_CREATE, /* another image, with the file */
    TOOL_SET,    /* the image's formats */
    TOOL_SHOW,
    TOOL_DELETE,
    TOOL_USAGE, /* what the project has in its images */
    TOOL_COMMANDS
};

/* What every machine has, and what says a file's length. */
#define TOOL_CURL "curl -T {file} -H 'X-Auth-Token: TOKEN' {url}"

struct tool {
    const char *mark;    /* in the client's User-Agent */
    const char *words;   /* in a sentence: "Send the file with ..." */
    const char *nothing; /* how it came to send nothing */
    const char *then;    /* between two commands */
    const char *commands[TOOL_COMMANDS];
};

/* Never NULL: curl, if nothing is known of the client. */
const struct tool *tool_of(const char *user_agent);

/* Adds the text, its placeholders filled in. False: no memory, or no room. */
bool hints_fill_in(const char *text, const struct refusal_context *context, struct buffer *out);

#endif
