/* SPDX-License-Identifier: Apache-2.0 */
#include "input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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

int input_file(const void *data, size_t size, char path[INPUT_PATH_MAX])
{
    int file = memfd_create("input", 0);
    if (file < 0 || write(file, data, size) != (ssize_t)size)
        abort();
    snprintf(path, INPUT_PATH_MAX, "/proc/self/fd/%d", file);
    return file;
}

void input_file_close(int file)
{
    close(file);
}
