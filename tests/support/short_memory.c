/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded, this makes one of SHORT_MEMORY allocations fail while the file SHORT_MEMORY_WHILE
 * exists: those that the program itself makes, of SHORT_MEMORY_FROM bytes or more (default: any
 * size). Allocations of libraries succeed: their failures are not tested here. */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Under the names by which the program finds them, and those by which glibc has its own. */
void *short_malloc(size_t size) __asm__("malloc");
void *short_calloc(size_t count, size_t size) __asm__("calloc");
void *short_realloc(void *old, size_t size) __asm__("realloc");
void *short_reallocarray(void *old, size_t count, size_t size) __asm__("reallocarray");
char *short_strdup(const char *text) __asm__("strdup");
char *short_strndup(const char *text, size_t most) __asm__("strndup");
int short_vasprintf(char **out, const char *format, va_list arguments) __asm__("vasprintf")
    __attribute__((format(printf, 2, 0)));
int short_asprintf(char **out, const char *format, ...) __asm__("asprintf")
    __attribute__((format(printf, 2, 3)));
int short_asprintf_chk(char **out, int flag, const char *format, ...) __asm__("__asprintf_chk")
    __attribute__((format(printf, 3, 4)));
void *real_malloc(size_t size) __asm__("__libc_malloc");
void *real_calloc(size_t count, size_t size) __asm__("__libc_calloc");
void *real_realloc(void *old, size_t size) __asm__("__libc_realloc");

static uintptr_t code, code_end; /* the program's */
static const char *while_there;
static unsigned long one_of; /* 0: nothing fails */
static unsigned long from;   /* bytes */

__attribute__((constructor)) static void begin(void)
{
    const char *rate = getenv("SHORT_MEMORY");
    char program[512] = "";
    char line[1024];
    FILE *maps = fopen("/proc/self/maps", "r");
    if (!rate || !maps || readlink("/proc/self/exe", program, sizeof program - 1) < 0)
        abort();
    while (fgets(line, sizeof line, maps)) {
        char *end;
        uintptr_t begins = strtoul(line, &end, 16);
        uintptr_t ends = strtoul(end + 1, &end, 16);
        if (end[3] == 'x' && strstr(line, program)) {
            code = begins;
            code_end = ends;
        }
    }
    fclose(maps);
    while_there = getenv("SHORT_MEMORY_WHILE");
    const char *least = getenv("SHORT_MEMORY_FROM");
    from = least ? strtoul(least, NULL, 10) : 0;
    one_of = while_there ? strtoul(rate, NULL, 10) : 0;
}

/* A xorshift generator (Marsaglia): the threads need not share one. */
static bool draw(void)
{
    static _Thread_local uint64_t state;
    if (!state)
        state = (uintptr_t)&state | 1;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % one_of == 0;
}

static bool fails(const void *caller, size_t size)
{
    uintptr_t place = (uintptr_t)caller;
    bool drawn = one_of && size >= from && place >= code && place < code_end && draw() &&
                 access(while_there, F_OK) == 0;
    if (drawn)
        errno = ENOMEM;
    return drawn;
}

#define FAILS(size) fails(__builtin_return_address(0), size)

void *short_malloc(size_t size)
{
    return FAILS(size) ? NULL : real_malloc(size);
}

void *short_calloc(size_t count, size_t size)
{
    return FAILS(count * size) ? NULL : real_calloc(count, size);
}

void *short_realloc(void *old, size_t size)
{
    return FAILS(size) ? NULL : real_realloc(old, size);
}

void *short_reallocarray(void *old, size_t count, size_t size)
{
    size_t bytes;
    bool too_much = __builtin_mul_overflow(count, size, &bytes);
    return too_much || FAILS(bytes) ? NULL : real_realloc(old, bytes);
}

char *short_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = FAILS(size) ? NULL : real_malloc(size);
    return copy ? memcpy(copy, text, size) : NULL;
}

char *short_strndup(const char *text, size_t most)
{
    size_t length = strnlen(text, most);
    char *copy = FAILS(length + 1) ? NULL : real_malloc(length + 1);
    if (!copy)
        return NULL;
    copy[length] = '\0';
    return memcpy(copy, text, length);
}

__attribute__((format(printf, 2, 0))) static int print(char **out, const char *format,
                                                       va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int count = vsnprintf(NULL, 0, format, arguments);
    *out = count < 0 ? NULL : real_malloc((size_t)count + 1);
    if (*out)
        vsnprintf(*out, (size_t)count + 1, format, again);
    va_end(again);
    return *out ? count : -1;
}

int short_vasprintf(char **out, const char *format, va_list arguments)
{
    return FAILS(0) ? -1 : print(out, format, arguments);
}

int short_asprintf(char **out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int count = FAILS(0) ? -1 : print(out, format, arguments);
    va_end(arguments);
    return count;
}

int short_asprintf_chk(char **out, int flag, const char *format, ...)
{
    (void)flag;
    va_list arguments;
    va_start(arguments, format);
    int count = FAILS(0) ? -1 : print(out, format, arguments);
    va_end(arguments);
    return count;
}
