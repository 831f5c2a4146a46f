#define _GNU_SOURCE
#include "base/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

_Thread_local const struct calls_listener *calls_listener;

int64_t calls_tell(enum calls_kind kind, int fd, int64_t result) {
    int error = errno;
    calls_listener->returned(kind, fd, result < 0 ? -error : result);
    errno = error;
    return result;
}

int calls_openat(int folder_fd, const char *path, int flags) {
    calls_begins(CALLS_OPEN, folder_fd);
    return (int)calls_returned(CALLS_OPEN, folder_fd, openat(folder_fd, path, flags));
}

int calls_openat2(int folder_fd, const char *path, struct open_how *how, size_t size) {
    calls_begins(CALLS_OPEN, folder_fd);
    return (int)calls_returned(CALLS_OPEN, folder_fd, syscall(SYS_openat2, folder_fd, path, how, size));
}

int calls_fstat(int fd, struct stat *st) {
    calls_begins(CALLS_STAT, fd);
    return (int)calls_returned(CALLS_STAT, fd, fstat(fd, st));
}

ssize_t calls_pread(int fd, void *at, size_t len, off_t first) {
    calls_begins(CALLS_READ, fd);
    return (ssize_t)calls_returned(CALLS_READ, fd, pread(fd, at, len, first));
}

long calls_getdents(int folder_fd, void *records, size_t len) {
    calls_begins(CALLS_LIST, folder_fd);
    return (long)calls_returned(CALLS_LIST, folder_fd, syscall(SYS_getdents64, folder_fd, records, len));
}

void calls_close(int fd) {
    calls_begins(CALLS_CLOSE, fd);
    calls_returned(CALLS_CLOSE, fd, close(fd));
}
