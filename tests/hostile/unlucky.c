/* unlucky - to be preloaded into the server: what can't be had from a healthy machine. UNLUCKY says which:
 *   threads   no thread can be made
 *   error     reading a file of UNLUCKY_SIZE bytes fails
 *   slow      the first read of such a file takes UNLUCKY_MS longer; UNLUCKY_MARK is a file that is made as it begins
 * What is read by a mapping or by the ring is as lucky as ever. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* glibc has some of them under two names, and its headers declare none of these as ours. */
ssize_t pread64(int fd, void *at, size_t len, off_t first);
ssize_t preadv64v2(int fd, const struct iovec *iov, int count, off_t first, int flags);
ssize_t sendfile64(int to, int from, off_t *first, size_t len);

static bool is(const char *kind) {
    const char *chosen = getenv("UNLUCKY");
    return chosen && strcmp(chosen, kind) == 0;
}

static long number(const char *name) {
    const char *value = getenv(name);
    return value ? atol(value) : -1;
}

/* Whether a read of fd is to fail; or it has been a slow one. Who won't wait is told that he would have to. */
static bool struck(int fd, bool waits) {
    static atomic_bool was_slow;
    struct stat st;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size != number("UNLUCKY_SIZE"))
        return false;
    if (is("slow") && !waits && !atomic_load(&was_slow)) {
        errno = EAGAIN;
        return true;
    }
    if (is("slow") && !atomic_exchange(&was_slow, true)) {
        const char *mark = getenv("UNLUCKY_MARK");
        long ms = number("UNLUCKY_MS");
        if (mark)
            close(open(mark, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
        struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
        while (nanosleep(&left, &left) < 0 && errno == EINTR)
            ;
    }
    if (is("error"))
        errno = EIO;
    return is("error");
}

static void *real(const char *name) {
    return dlsym(RTLD_NEXT, name);
}

/* Defines the function `name` that is the real one but for bad luck with `fd`. */
#define READS(name, fd, waits, parameters, ...)                                                                        \
    ssize_t name parameters {                                                                                          \
        ssize_t(*function) parameters;                                                                                 \
        void *found = real(#name);                                                                                     \
        memcpy(&function, &found, sizeof found);                                                                       \
        return struck(fd, waits) ? -1 : function(__VA_ARGS__);                                                         \
    }

READS(read, fd, true, (int fd, void *at, size_t len), fd, at, len)
READS(pread, fd, true, (int fd, void *at, size_t len, off_t first), fd, at, len, first)
READS(pread64, fd, true, (int fd, void *at, size_t len, off_t first), fd, at, len, first)
READS(preadv2, fd, !(flags & RWF_NOWAIT), (int fd, const struct iovec *iov, int count, off_t first, int flags), fd, iov,
      count, first, flags)
READS(preadv64v2, fd, !(flags & RWF_NOWAIT), (int fd, const struct iovec *iov, int count, off_t first, int flags), fd,
      iov, count, first, flags)
READS(sendfile, from, true, (int to, int from, off_t *first, size_t len), to, from, first, len)
READS(sendfile64, from, true, (int to, int from, off_t *first, size_t len), to, from, first, len)

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*begin)(void *), void *argument) {
    int (*function)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    void *found = real("pthread_create");
    memcpy(&function, &found, sizeof found);
    return is("threads") ? EAGAIN : function(thread, attributes, begin, argument);
}
