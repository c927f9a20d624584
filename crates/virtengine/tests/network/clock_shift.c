/* Preloaded into nodes under test: moves the wall clock of some processes, leaves all other clocks alone.
   CLOCK_SHIFTS is a list such as "node1=3600,node2=-3600"; a process whose command line ends in "/node1" is shifted.
   CLOCK_RATE such as "20@1700000000" makes the wall clock run twenty times as fast since that second. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long shift;
static long rate = 1;
static long since;

static void read_rate(void) {
    const char *text = getenv("CLOCK_RATE");
    const char *at = text ? strchr(text, '@') : NULL;
    if (at) {
        rate = atol(text);
        since = atol(at + 1);
    }
}

__attribute__((constructor)) static void read_shift(void) {
    read_rate();
    char line[4096];
    FILE *file = fopen("/proc/self/cmdline", "r");
    size_t length = file ? fread(line, 1, sizeof line - 1, file) : 0;
    if (file) fclose(file);
    while (length > 0 && line[length - 1] == 0) length--;
    line[length] = 0;
    const char *last = line + length;
    while (last > line && last[-1] != '/' && last[-1] != 0) last--;
    const char *entry = getenv("CLOCK_SHIFTS");
    while (entry && *entry) {
        size_t name = strcspn(entry, "=");
        if (entry[name] == '=' && name == strlen(last) && strncmp(entry, last, name) == 0) shift = atol(entry + name + 1);
        entry = strchr(entry, ',');
        if (entry) entry++;
    }
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    int result = (int)syscall(SYS_clock_gettime, clock, time);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        if (rate > 1 && time->tv_sec >= since) {
            long long passed = ((long long)(time->tv_sec - since) * 1000000000 + time->tv_nsec) * rate;
            time->tv_sec = since + (long)(passed / 1000000000);
            time->tv_nsec = (long)(passed % 1000000000);
        }
        time->tv_sec += shift;
    }
    return result;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    (void)zone;
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *out) {
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}
