/* What httpd tells its operator: the error log. Each thing is one line and one write, which is never waited for: a line
   that can't be written at once is dropped, and the next one says how many were. To stderr a line is "httpd: TEXT"; to
   a file "2026-11-26 18:29:22 +0000 [warning] PID: TEXT". May be called from any thread. */
#ifndef SAY_H
#define SAY_H

enum say_level {
    SAY_ERROR,   /* what was asked for isn't done */
    SAY_WARNING, /* it is, but worse than it should be */
    SAY_NOTICE,  /* start, stop and the like */
    SAY_INFO,    /* each connection: --verbose */
    SAY_LEVELS
};

__attribute__((format(printf, 2, 3))) void say_as(enum say_level level, const char *format, ...);

#define say(...) say_as(SAY_ERROR, __VA_ARGS__)

/* Makes a text fit for a line, whatever bytes somebody else chose for it: each control byte becomes '?'. */
void say_printable(char *text);

/* Says only what is as grave as `least` or more, from now on. At first that is SAY_NOTICE. */
void say_from(enum say_level least);

/* Opens the file at `path` for lines to be appended to. -1 with errno set. */
int say_open_file(const char *path);

/* Has lines appended to the file at `path`, which is open as `fd` (taken). The path must live as long as the process;
   NULL: to stderr. In one thread at a time. */
void say_move(const char *path, int fd);

/* The file that lines go to. NULL: stderr. */
const char *say_path(void);

/* Has the file's descriptor be a free one from `least` on. In one thread. */
void say_lift(int least);

/* The file's descriptor; -1: lines go to stderr. */
int say_fd(void);

/* Opens the path again: for SIGUSR1, in whose handler it may be called. If that fails the old file stays. */
void say_reopen(void);

#endif
