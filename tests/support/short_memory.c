/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded, this lets one of SHORT_MEMORY allocations fail while the file SHORT_MEMORY_WHILE is
 * there: those that the program itself makes. The libraries get what they ask for: what becomes of
 * them without is not ours to test. */
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
void *real_malloc(size_t size) __asm__("__libc_malloc");
void *real_calloc(size_t count, size_t size) __asm__("__libc_calloc");
void *real_realloc(void *old, size_t size) __asm__("__libc_realloc");

static uintptr_t code, code_end; /* the program's */
static const char *while_there;
static unsigned long one_of; /* 0: nothing fails */

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
        uintptr_t from = strtoul(line, &end, 16);
        uintptr_t to = strtoul(end + 1, &end, 16);
        if (end[3] == 'x' && strstr(line, program)) {
            code = from;
            code_end = to;
        }
    }
    fclose(maps);
    while_there = getenv("SHORT_MEMORY_WHILE");
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

static bool fails(const void *caller)
{
    uintptr_t place = (uintptr_t)caller;
    return one_of && place >= code && place < code_end && draw() && access(while_there, F_OK) == 0;
}

#define FAILS() fails(__builtin_return_address(0))

void *short_malloc(size_t size)
{
    return FAILS() ? NULL : real_malloc(size);
}

void *short_calloc(size_t count, size_t size)
{
    return FAILS() ? NULL : real_calloc(count, size);
}

void *short_realloc(void *old, size_t size)
{
    return FAILS() ? NULL : real_realloc(old, size);
}

void *short_reallocarray(void *old, size_t count, size_t size)
{
    size_t bytes;
    bool too_much = __builtin_mul_overflow(count, size, &bytes);
    return too_much || FAILS() ? NULL : real_realloc(old, bytes);
}

char *short_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = FAILS() ? NULL : real_malloc(size);
    return copy ? memcpy(copy, text, size) : NULL;
}
