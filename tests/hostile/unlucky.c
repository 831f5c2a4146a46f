/* unlucky - to be preloaded into the server: what can't be had from a healthy machine. UNLUCKY says which:
 *   threads   no thread can be made
 *   error     reading a file of UNLUCKY_SIZE bytes fails
 *   slow      the first read of such a file takes UNLUCKY_MS longer; UNLUCKY_MARK is a file that is made as it begins
 *   hung      every open of a file in a folder named "hung" takes UNLUCKY_MS longer
 *   memory    the allocation (malloc, calloc) that comes after UNLUCKY_SIZE others fails
 *   ring      there is no memory for an io_uring
 *   accept    each other accept fails, with one after the other of what can befall a connection
 *   signals   every other receive and send is interrupted by a signal
 *   fork      no process can be made while UNLUCKY_MARK is there
 *   clock     the clock of the day jumps ten years, to and fro, each second
 * What is read by a mapping or by the ring is as lucky as ever. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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

/* Points `function` to what comes after ours. */
static void find(const char *name, void *function) {
    void *found = real(name);
    memcpy(function, &found, sizeof found);
}

/* Every other time. */
static bool now_and_then(void) {
    static atomic_uint times;
    return atomic_fetch_add(&times, 1) % 2;
}

long syscall(long number_of_it, ...) {
    long (*function)(long, ...);
    long a[6];
    va_list rest;
    va_start(rest, number_of_it);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(rest, long);
    va_end(rest);
    find("syscall", &function);
    if (is("ring") && number_of_it == SYS_io_uring_setup) {
        errno = ENOMEM;
        return -1;
    }
    if (is("hung") && number_of_it == SYS_openat2 && strstr((const char *)a[1], "hung/")) {
        if (((const struct open_how *)a[2])->resolve & RESOLVE_CACHED) {
            errno = EAGAIN;
            return -1;
        }
        long ms = number("UNLUCKY_MS");
        struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
        while (nanosleep(&left, &left) < 0 && errno == EINTR)
            ;
    }
    return function(number_of_it, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* By which glibc knows its own. */
void *__libc_malloc(size_t len);
void *__libc_calloc(size_t count, size_t len);

/* Whether this allocation of the process is the one that fails. */
static bool spent(void) {
    static atomic_long count;
    if (!environ || !is("memory") || atomic_fetch_add(&count, 1) != number("UNLUCKY_SIZE"))
        return false;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t len) {
    return spent() ? NULL : __libc_malloc(len);
}

void *calloc(size_t count, size_t len) {
    return spent() ? NULL : __libc_calloc(count, len);
}

int accept4(int fd, struct sockaddr *peer, socklen_t *len, int flags) {
    static const int errors[] = {ECONNABORTED, EPERM, ENOBUFS, EINTR, EPROTO, ENFILE, EMFILE, ENOMEM, EHOSTUNREACH};
    static atomic_uint at;
    int (*function)(int, struct sockaddr *, socklen_t *, int);
    find("accept4", &function);
    if (!is("accept") || !now_and_then())
        return function(fd, peer, len, flags);
    errno = errors[atomic_fetch_add(&at, 1) % (sizeof errors / sizeof *errors)];
    return -1;
}

ssize_t recv(int fd, void *at, size_t len, int flags) {
    ssize_t (*function)(int, void *, size_t, int);
    find("recv", &function);
    if (is("signals") && now_and_then()) {
        errno = EINTR;
        return -1;
    }
    return function(fd, at, len, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    ssize_t (*function)(int, const struct msghdr *, int);
    find("sendmsg", &function);
    if (is("signals") && now_and_then()) {
        errno = EINTR;
        return -1;
    }
    return function(fd, message, flags);
}

pid_t fork(void) {
    pid_t (*function)(void);
    struct stat mark;
    find("fork", &function);
    if (is("fork") && stat(getenv("UNLUCKY_MARK"), &mark) == 0) {
        errno = EAGAIN;
        return -1;
    }
    return function();
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int (*function)(clockid_t, struct timespec *);
    find("clock_gettime", &function);
    int result = function(clock, now);
    if (result == 0 && is("clock") && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) && now->tv_sec % 2)
        now->tv_sec -= 10 * 365 * 86400;
    return result;
}
