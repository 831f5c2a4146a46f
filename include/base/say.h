/* What httpd tells its operator: the error log. A line a thing, each in one write, never waited for: one that can't be
   written at once is dropped, counted, and missed aloud with the next. To stderr a line is "httpd: TEXT"; to a file
   "2026-11-26 18:29:22 +0000 [warning] PID: TEXT". */
#ifndef SAY_H
#define SAY_H

#include <stdbool.h>

enum say_level {
    SAY_ERROR,   /* what was asked for isn't done */
    SAY_WARNING, /* it is, but worse than it should be */
    SAY_NOTICE,  /* start, stop and the like */
    SAY_INFO,    /* each connection: --verbose */
    SAY_LEVELS
};

__attribute__((format(printf, 2, 3))) void say_as(enum say_level level, const char *format, ...);

#define say(...) say_as(SAY_ERROR, __VA_ARGS__)

/* What is less than `least` goes unsaid. SAY_NOTICE before. */
void say_from(enum say_level least);
bool say_wanted(enum say_level level);

/* Opens the file at `path` for lines to be appended to. -1 with errno set. */
int say_open_file(const char *path);

/* Has lines appended to that (fd is taken), of which the path must stay as long as the process. NULL: to stderr. In one
   thread at a time. */
void say_move(const char *path, int fd);

/* Where they go. NULL: to stderr. */
const char *say_path(void);

/* Opens the path again: for SIGUSR1, in whose handler it may be called. If that fails the old file stays. */
void say_reopen(void);

#endif
