/* System calls of a load: each is told to whoever listens in this thread, as it begins and when it has returned. Where
   nobody does, a look at a pointer is all that it costs. Results and errno are the system's. */
#ifndef CALLS_H
#define CALLS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct open_how;

enum calls_kind { CALLS_OPEN, CALLS_STAT, CALLS_READ, CALLS_LIST, CALLS_CLOSE };

/* Result: -errno for an error. */
struct calls_listener {
    void (*begins)(enum calls_kind kind, int fd);
    void (*returned)(enum calls_kind kind, int fd, int64_t result);
};

extern _Thread_local const struct calls_listener *calls_listener; /* NULL: nobody listens */

static inline void calls_begins(enum calls_kind kind, int fd) {
    if (__builtin_expect(calls_listener != NULL, 0))
        calls_listener->begins(kind, fd);
}

/* `result`: negative with errno. Returns it. */
int64_t calls_tell(enum calls_kind kind, int fd, int64_t result);

static inline int64_t calls_returned(enum calls_kind kind, int fd, int64_t result) {
    return __builtin_expect(calls_listener != NULL, 0) ? calls_tell(kind, fd, result) : result;
}

int calls_openat(int folder_fd, const char *path, int flags);
int calls_openat2(int folder_fd, const char *path, struct open_how *how, size_t size);
int calls_fstat(int fd, struct stat *st);
ssize_t calls_pread(int fd, void *at, size_t len, off_t first);
long calls_getdents(int folder_fd, void *records, size_t len);
void calls_close(int fd);

#endif
