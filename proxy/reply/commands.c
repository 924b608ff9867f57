/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that make another file of FILE. */
#include "reply/commands.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

const char *command_qemu_name(const char *format)
{
    static const char *const names[][2] = {{"vhd", "vpc"}, {"ami", "raw"}, {"ari", "raw"},
                                           {"aki", "raw"}, {"iso", "raw"}, {"ploop", "parallels"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(format, names[i][0]) == 0)
            return names[i][1];
    return format;
}

const char *command_that_shrinks(const char *format)
{
    static const char *const ways[][2] = {
        {"qcow2", "qemu-img convert -c -O qcow2 FILE COPY"},
        {"vmdk", "qemu-img convert -O vmdk -o subformat=streamOptimized FILE COPY"},
        {"vhd", "qemu-img convert -O vpc FILE COPY"},
        {"vhdx", "qemu-img convert -O vhdx FILE COPY"},
        {"vdi", "qemu-img convert -O vdi FILE COPY"},
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (strcmp(format, ways[i][0]) == 0)
            return ways[i][1];
    return NULL;
}

/* The words are those of proxy/format/table.c. */
const char *command_that_decompresses(const char *detail)
{
    static const char *const ways[][2] = {
        {"gzip", "gzip -dc FILE >COPY"},
        {"bzip2", "bzip2 -dc FILE >COPY"},
        {"xz", "xz -dc FILE >COPY"},
        {"zstd", "zstd -dc FILE >COPY"},
        {"lz4", "lz4 -dc FILE >COPY"},
        {"a 7z archive", "7z x -so FILE >COPY"},
        {"a zip archive", "unzip -p FILE >COPY"},
    };
    for (size_t i = 0; detail && i < sizeof ways / sizeof *ways; i++) {
        char words[64];
        snprintf(words, sizeof words, " %s: decompress it first", ways[i][0]);
        if (strstr(detail, words))
            return ways[i][1];
    }
    return NULL;
}
