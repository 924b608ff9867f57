/* SPDX-License-Identifier: Apache-2.0 */
#include "input.h"

#include <stdlib.h>
#include <string.h>

char *input_text(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (!text)
        abort();
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

char *input_line(char **text)
{
    char *line = *text;
    size_t length = strcspn(line, "\n");
    *text = line + length + (line[length] != '\0');
    line[length] = '\0';
    return line;
}

void input_headers(char **text, struct headers *headers)
{
    while (**text) {
        char *value = input_line(text);
        char *name = strsep(&value, ":");
        if (value && *value == ' ')
            value++;
        if (!headers_add(headers, name, value ? value : ""))
            abort();
    }
}
