/* Whether a server runs with a file is told by its lock, as the number in it may be another process' by now: of a new
   container, or since the machine started. The file is written under another name and renamed, so nobody reads half of
   it, and none of the names ever stands for a server that has ended. */
#define _GNU_SOURCE
#include "server/pid_file.h"
#include "base/say.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* What stands there: a pid, 0: nothing that any would be sorry for; -1: no pid file. */
static long read_pid(int fd) {
    char text[32];
    ssize_t len = pread(fd, text, sizeof text - 1, 0);
    if (len <= 0)
        return len;
    text[len] = '\0';
    char *end;
    long pid = strtol(text, &end, 10);
    return pid > 0 && (*end == '\n' || !*end) ? pid : -1;
}

/* Whether the path may be replaced. False after say(). */
static bool pid_file_is_free(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    if (fd < 0 && errno == ENOENT)
        return true;
    bool regular = fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    long pid = regular ? read_pid(fd) : -1;
    bool locked = pid > 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
    if (fd < 0)
        say("--pid-file %s: %s", path, strerror(errno));
    else if (pid < 0)
        say("--pid-file %s: exists and holds no process number: choose another, or remove it", path);
    else if (locked)
        say("--pid-file %s: a server (pid %ld) runs with it: stop it, or choose another file", path, pid);
    if (fd >= 0)
        close(fd);
    return pid >= 0 && !locked;
}

/* Writes `draft` and locks it: a descriptor, or -1 with errno. */
static int pid_file_draft(const char *draft, pid_t pid) {
    char line[32];
    int len = snprintf(line, sizeof line, "%ld\n", (long)pid);
    int fd = open(draft, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return -1;
    if (write(fd, line, (size_t)len) == len && (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno == ENOLCK))
        return fd;
    int error = errno;
    unlink(draft);
    close(fd);
    errno = error;
    return -1;
}

bool pid_file_open(struct pid_file *file, const char *path, pid_t pid, bool successor) {
    char draft[PATH_MAX];
    *file = (struct pid_file){.path = NULL, .fd = -1};
    if (!path)
        return true;
    if (!successor && !pid_file_is_free(path))
        return false;
    snprintf(draft, sizeof draft, "%s.%ld", path, (long)pid);
    unlink(draft); /* of one with our number that was killed just then */
    file->fd = pid_file_draft(draft, pid);
    if (file->fd < 0 || rename(draft, path) < 0) {
        say("--pid-file %s: %s", path, strerror(errno));
        if (file->fd >= 0) {
            unlink(draft);
            close(file->fd);
        }
        return false;
    }
    file->path = path;
    return true;
}

void pid_file_close(struct pid_file *file) {
    struct stat ours, there;
    if (!file->path)
        return;
    if (fstat(file->fd, &ours) == 0 && lstat(file->path, &there) == 0 && ours.st_dev == there.st_dev &&
        ours.st_ino == there.st_ino)
        unlink(file->path);
    close(file->fd);
}
