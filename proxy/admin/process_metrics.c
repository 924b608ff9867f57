/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the metrics of the process, with the names that Prometheus' client libraries have:
 * https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics
 * What /proc does not tell is left out. */
#include "admin/admin_priv.h"

#include <dirent.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* Columns of /proc/self/stat (proc(5)), counted from 1. */
enum { STAT_MAX = 2048, START_TIME = 22, VIRTUAL_SIZE = 23, RESIDENT_PAGES = 24 };

static double seconds_of(clockid_t clock)
{
    struct timespec now = {0};
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Reads a column behind the name of the program, which may have blanks and parentheses. False: it
 * cannot be read. */
static bool read_column(unsigned column, uint64_t *value)
{
    char text[STAT_MAX];
    FILE *file = fopen("/proc/self/stat", "re");
    if (!file)
        return false;
    size_t length = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[length] = '\0';
    const char *at = strrchr(text, ')');
    for (unsigned i = 2; at && i < column; i++)
        at = strchr(at + 1, ' ');
    return at && sscanf(at, " %" SCNu64, value) == 1;
}

/* The kernel tells the ticks from the boot to the start. The time of the start is computed once:
 * otherwise each correction of the clock would look like a restart. */
static double start_time;

static void find_start_time(void)
{
    uint64_t ticks;
    if (read_column(START_TIME, &ticks))
        start_time = seconds_of(CLOCK_REALTIME) - seconds_of(CLOCK_BOOTTIME) +
                     (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

/* Without the descriptor that reads the directory. False: it cannot be read. */
static bool count_open_files(uint64_t *count)
{
    DIR *directory = opendir("/proc/self/fd");
    if (!directory)
        return false;
    *count = 0;
    for (const struct dirent *entry; (entry = readdir(directory));)
        *count += entry->d_name[0] != '.';
    *count -= *count > 0;
    closedir(directory);
    return true;
}

static bool head(const char *name, const char *type, const char *help, struct buffer *out)
{
    return buffer_print(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static bool put_count(const char *name, const char *help, bool known, uint64_t value,
                      struct buffer *out)
{
    return head(name, "gauge", help, out) &&
           (!known || buffer_print(out, "%s %" PRIu64 "\n", name, value));
}

static bool put_memory(struct buffer *out)
{
    uint64_t bytes = 0;
    uint64_t pages = 0;
    bool bytes_known = read_column(VIRTUAL_SIZE, &bytes);
    bool pages_known = read_column(RESIDENT_PAGES, &pages);
    return put_count("process_virtual_memory_bytes", "Virtual memory size in bytes.", bytes_known,
                     bytes, out) &&
           put_count("process_resident_memory_bytes", "Resident memory size in bytes.", pages_known,
                     pages * (uint64_t)sysconf(_SC_PAGESIZE), out);
}

static bool put_files(struct buffer *out)
{
    uint64_t open_files = 0;
    struct rlimit limit = {0};
    bool open_known = count_open_files(&open_files);
    bool limit_known = getrlimit(RLIMIT_NOFILE, &limit) == 0;
    return put_count("process_open_fds", "Number of open file descriptors.", open_known, open_files,
                     out) &&
           put_count("process_max_fds", "Maximum number of open file descriptors.", limit_known,
                     limit.rlim_cur, out);
}

static bool put_times(struct buffer *out)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find_start_time);
    return head("process_cpu_seconds_total", "counter",
                "Total user and system CPU time spent in seconds.", out) &&
           buffer_print(out, "process_cpu_seconds_total %.3f\n",
                        seconds_of(CLOCK_PROCESS_CPUTIME_ID)) &&
           head("process_start_time_seconds", "gauge",
                "Start time of the process since unix epoch in seconds.", out) &&
           (start_time == 0 || buffer_print(out, "process_start_time_seconds %.2f\n", start_time));
}

bool process_metrics(struct buffer *out)
{
    return put_times(out) && put_memory(out) && put_files(out);
}
