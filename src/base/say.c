/* A line is one write, from whatever thread or forked process: so there is no lock, and who is killed leaves none
   behind. The file changes beneath its descriptor, whose number stays the same for whoever is about to write. */
#define _GNU_SOURCE
#include "base/say.h"
#include "base/calendar.h"
#include "base/local_time.h"
#include "base/same_file.h"
#include "base/slice.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static _Atomic enum say_level level_least = SAY_NOTICE;
static const char *_Atomic file_path; /* NULL: stderr */
static atomic_int file_fd = STDERR_FILENO;
static pid_t opened_by;
static atomic_uint missed;

void say_from(enum say_level least) {
    level_least = least;
}

/* Not blocking: a pipe without a reader would keep us, and one that is full. */
int say_open_file(const char *path) {
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0644);
}

/* The descriptor stays the same from the first file on, for whoever is about to write. */
void say_move(const char *path, int fd) {
    if (path && file_fd == STDERR_FILENO) {
        opened_by = getpid();
        file_fd = fd;
    } else if (path) {
        dup3(fd, file_fd, O_CLOEXEC);
        close(fd);
    } else if (file_fd != STDERR_FILENO) {
        dup3(STDERR_FILENO, file_fd, O_CLOEXEC);
    }
    file_path = path;
}

const char *say_path(void) {
    return file_path;
}

void say_lift(int least) {
    int fd = file_path ? fcntl(file_fd, F_DUPFD_CLOEXEC, least) : -1;
    if (fd < 0)
        file_path = NULL;
    file_fd = fd < 0 ? STDERR_FILENO : fd;
}

int say_fd(void) {
    return file_path ? file_fd : -1;
}

void say_reopen(void) {
    static const char failed[] = "httpd: the error log can't be opened again and stays as it was\n";
    const char *path = file_path;
    int error = errno;
    bool renamed = path && !same_file(file_fd, path); /* what wasn't may be out of reach by now: root's, /dev/stderr */
    int fd = renamed ? say_open_file(path) : -1;
    if (fd >= 0) {
        dup3(fd, file_fd, O_CLOEXEC); /* at once, for whoever is about to write */
        close(fd);
    } else if (renamed && write(file_fd, failed, sizeof failed - 1) < 0) {
        atomic_fetch_add(&missed, 1);
    }
    errno = error;
}

void say_printable(char *text) {
    for (char *c = text; *c; c++)
        if (ascii_is_control(*c))
            *c = '?';
}

/* What a line begins with, in a buffer that has room for it. */
static size_t put_head(char *line, enum say_level level) {
    static const char *const names[SAY_LEVELS] = {"error", "warning", "notice", "info"};
    struct timespec now;
    if (!file_path)
        return (size_t)sprintf(line, "httpd: ");
    clock_gettime(CLOCK_REALTIME, &now);
    if (getpid() == opened_by)
        local_time_update(now.tv_sec);
    struct calendar c = calendar_of(now.tv_sec + local_time_offset());
    size_t len =
        (size_t)sprintf(line, "%04d-%02d-%02d %02d:%02d:%02d ", c.year, c.month, c.day, c.hour, c.minute, c.second);
    len += (size_t)local_time_put_offset(line + len, local_time_offset(), 0);
    return len + (size_t)sprintf(line + len, " [%s] %d: ", names[level], (int)getpid());
}

/* Whether it was written. */
static bool put_line(const char *line, size_t len) {
    struct pollfd fd = {.fd = file_fd, .events = POLLOUT};
    return poll(&fd, 1, 0) == 1 && (fd.revents & POLLOUT) && write(file_fd, line, len) == (ssize_t)len;
}

void say_as(enum say_level level, const char *format, ...) {
    char line[1024];
    int error = errno;
    if (level > level_least)
        return;
    unsigned count = atomic_exchange(&missed, 0);
    if (count > 0) {
        size_t len = put_head(line, SAY_WARNING);
        len += (size_t)sprintf(line + len, "%u lines are missing here: they could not be written\n", count);
        if (!put_line(line, len))
            atomic_fetch_add(&missed, count);
    }
    va_list args;
    va_start(args, format);
    size_t head = put_head(line, level), room = sizeof line - head - 1;
    int len = vsnprintf(line + head, room, format, args);
    va_end(args);
    size_t end = head + (len < 0 ? 0 : (size_t)len < room ? (size_t)len : room - 1);
    line[end] = '\0';
    say_printable(line + head); /* a path may hold any */
    line[end++] = '\n';
    if (!put_line(line, end))
        atomic_fetch_add(&missed, 1);
    errno = error;
}
