/* unlucky - to be preloaded into the server: what can't be had from a healthy machine. UNLUCKY says which:
 *   threads   no thread can be made
 *   start     to make one takes UNLUCKY_MS longer; UNLUCKY_MARK is a file that is made as that begins
 *   tired     none can be made while UNLUCKY_MARK is there
 *   error     reading a file of UNLUCKY_SIZE bytes fails
 *   unread    the same while UNLUCKY_MARK is there
 *   slow      the first read of such a file takes UNLUCKY_MS longer; UNLUCKY_MARK is a file that is made as it begins
 *   hung      every open of a file in a folder named "hung" takes UNLUCKY_MS longer
 *   memory    the allocation (malloc, calloc, mmap) that comes after UNLUCKY_SIZE others fails
 *   ring      there is no memory for an io_uring
 *   unentered an io_uring can be made, but not used
 *   accept    each other accept fails, with one after the other of what can befall a connection
 *   signals   every other receive and send is interrupted by a signal
 *   fork      no process can be made while UNLUCKY_MARK is there
 *   clock     the clock of the day jumps ten years back and thirty on, each second
 *   short     reading a file, and sending from one, is done in part
 *   log       writing to a file fails while UNLUCKY_MARK is there, for one reason after the other
 *   heap      no memory is to be had while UNLUCKY_MARK is there
 *   spawn     no program can be started while UNLUCKY_MARK is there
 *   watch     an epoll set takes no more descriptors while UNLUCKY_MARK is there
 *   starved   an io_uring has no memory for what it is asked while UNLUCKY_MARK is there
 *   pause     to accept takes UNLUCKY_MS longer; UNLUCKY_MARK is a file that is made then
 *   orphan    no process can be made by one that the server has made
 *   unasked   nobody may ask for the limits of resources
 *   lost      a file or folder can't be had while UNLUCKY_MARK is there, whose size says which, or all
 *   narrow    no filter of system calls can be had while UNLUCKY_MARK is there
 *   copies    nothing can be sent from a file by reference
 *   terminal  to be a terminal is asked about as glibc does from 2.42 on
 *   results   every third op of an io_uring fails (unlucky_ring.c)
 *   weather   now this, now that: which, the size of UNLUCKY_MARK says (see there)
 * What is read by a mapping or by the ring is as lucky as ever. */
#define _GNU_SOURCE
#include "unlucky.h"

#include <asm/termbits.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* glibc has some of them under two names, and its headers declare none of these as ours. */
ssize_t pread64(int fd, void *at, size_t len, off_t first);
ssize_t preadv64v2(int fd, const struct iovec *iov, int count, off_t first, int flags);
ssize_t sendfile64(int to, int from, off_t *first, size_t len);

/* The one that the size of UNLUCKY_MARK says. Its name is all that a sandbox lets a process ask of it. */
static const char *weather(void) {
    static const char *const kinds[] = {"", "accept", "signals", "short", "log", "heap", "tired", "fork"};
    const char *mark = getenv("UNLUCKY_MARK");
    struct stat st;
    int before = errno;
    size_t kind = mark && stat(mark, &st) == 0 ? (size_t)st.st_size : 0;
    errno = before;
    return kinds[kind < sizeof kinds / sizeof *kinds ? kind : 0];
}

bool unlucky_is(const char *kind) {
    const char *chosen = getenv("UNLUCKY");
    if (chosen && strcmp(chosen, "weather") == 0)
        chosen = weather();
    return chosen && strcmp(chosen, kind) == 0;
}

static long number(const char *name) {
    const char *value = getenv(name);
    return value ? atol(value) : -1;
}

static void take_longer(void) {
    long ms = number("UNLUCKY_MS");
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        ;
}

static void make_mark(void) {
    const char *mark = getenv("UNLUCKY_MARK");
    if (mark)
        close(open(mark, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
}

static bool marked(void) {
    const char *mark = getenv("UNLUCKY_MARK");
    struct stat st;
    int before = errno;
    bool there = mark && stat(mark, &st) == 0;
    errno = before;
    return there;
}

static bool is_lost(const char *path) {
    static const char *const names[] = {"lost", "page.html", "other", "app.html", "code.js.gz"}; /* as in unlucky.py */
    const char *mark = getenv("UNLUCKY_MARK"), *slash = strrchr(path, '/');
    struct stat st;
    bool there = mark && stat(mark, &st) == 0, all = there && (size_t)st.st_size == sizeof names / sizeof *names;
    return all || (there && strcmp(slash ? slash + 1 : path, names[st.st_size]) == 0);
}

static bool is_file(int fd) {
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* As much as is done of `len` bytes. */
static size_t part(int fd, size_t len) {
    return unlucky_is("short") && len > 1 && is_file(fd) ? len / 3 + 1 : len;
}

/* Whether a read of fd is to fail; or it has been a slow one. Who won't wait is told that he would have to. */
static bool struck(int fd, bool waits) {
    static atomic_bool was_slow;
    struct stat st;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size != number("UNLUCKY_SIZE"))
        return false;
    if (unlucky_is("slow") && !waits && !atomic_load(&was_slow)) {
        errno = EAGAIN;
        return true;
    }
    if (unlucky_is("slow") && !atomic_exchange(&was_slow, true)) {
        make_mark();
        take_longer();
    }
    if (!unlucky_is("error") && !(unlucky_is("unread") && marked()))
        return false;
    errno = EIO;
    return true;
}

static bool refused(int fd) {
    if (!unlucky_is("copies"))
        return struck(fd, true);
    errno = EINVAL;
    return true;
}

static void *real(const char *name) {
    return dlsym(RTLD_NEXT, name);
}

/* Defines the function `name` that is the real one but for bad luck. */
#define READS(name, fails, parameters, ...)                                                                            \
    ssize_t name parameters {                                                                                          \
        ssize_t(*function) parameters;                                                                                 \
        void *found = real(#name);                                                                                     \
        memcpy(&function, &found, sizeof found);                                                                       \
        return fails ? -1 : function(__VA_ARGS__);                                                                     \
    }

READS(read, struck(fd, true), (int fd, void *at, size_t len), fd, at, part(fd, len))
READS(pread, struck(fd, true), (int fd, void *at, size_t len, off_t first), fd, at, part(fd, len), first)
READS(pread64, struck(fd, true), (int fd, void *at, size_t len, off_t first), fd, at, part(fd, len), first)
/* The first piece in part. */
static struct iovec cut(int fd, const struct iovec *iov) {
    return (struct iovec){iov->iov_base, part(fd, iov->iov_len)};
}

READS(preadv2, struck(fd, !(flags & RWF_NOWAIT)), (int fd, const struct iovec *iov, int count, off_t first, int flags),
      fd, unlucky_is("short") ? (struct iovec[]){cut(fd, iov)} : iov, unlucky_is("short") ? 1 : count, first, flags)
READS(preadv64v2, struck(fd, !(flags & RWF_NOWAIT)),
      (int fd, const struct iovec *iov, int count, off_t first, int flags), fd,
      unlucky_is("short") ? (struct iovec[]){cut(fd, iov)} : iov, unlucky_is("short") ? 1 : count, first, flags)
READS(sendfile, refused(from), (int to, int from, off_t *first, size_t len), to, from, first, part(from, len))
READS(sendfile64, refused(from), (int to, int from, off_t *first, size_t len), to, from, first, part(from, len))

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*begin)(void *), void *argument) {
    int (*function)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    void *found = real("pthread_create");
    memcpy(&function, &found, sizeof found);
    if (unlucky_is("start")) {
        make_mark();
        take_longer();
    }
    bool fails = unlucky_is("threads") || (unlucky_is("tired") && marked());
    return fails ? EAGAIN : function(thread, attributes, begin, argument);
}

void unlucky_find(const char *name, void *function) {
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
    unlucky_find("syscall", &function);
    if (unlucky_is("signals") && (number_of_it == SYS_recvfrom || number_of_it == SYS_sendto) && now_and_then()) {
        errno = EINTR;
        return -1;
    }
    if (unlucky_is("ring") && number_of_it == SYS_io_uring_setup) {
        errno = ENOMEM;
        return -1;
    }
    if (unlucky_is("unentered") && number_of_it == SYS_io_uring_enter) {
        errno = EPERM;
        return -1;
    }
    if (unlucky_is("starved") && number_of_it == SYS_io_uring_enter && marked()) {
        errno = EAGAIN;
        return -1;
    }
    if (unlucky_is("hung") && number_of_it == SYS_openat2 && strstr((const char *)a[1], "hung/")) {
        if (((const struct open_how *)a[2])->resolve & RESOLVE_CACHED) {
            errno = EAGAIN;
            return -1;
        }
        take_longer();
    }
    if (unlucky_is("lost") && number_of_it == SYS_openat2 && is_lost((const char *)a[1])) {
        errno = EIO;
        return -1;
    }
    if (unlucky_is("narrow") && number_of_it == SYS_seccomp && marked()) {
        errno = ENOMEM;
        return -1;
    }
    if (unlucky_is("results") && unlucky_ring_calls(number_of_it, a))
        return 0;
    long result = function(number_of_it, a[0], a[1], a[2], a[3], a[4], a[5]);
    if (unlucky_is("results") && number_of_it == SYS_io_uring_setup && result >= 0)
        unlucky_ring_open((int)result, (const struct io_uring_params *)a[1]);
    return result;
}

/* By which glibc knows its own. */
void *__libc_malloc(size_t len);
void *__libc_calloc(size_t count, size_t len);

/* Whether this allocation of the process is one that fails. */
static bool spent(void) {
    static atomic_long count;
    if (!environ ||
        !(unlucky_is("heap") ? marked()
                             : unlucky_is("memory") && atomic_fetch_add(&count, 1) == number("UNLUCKY_SIZE")))
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

void *mmap(void *at, size_t len, int protection, int flags, int fd, off_t first) {
    void *(*function)(void *, size_t, int, int, int, off_t);
    unlucky_find("mmap", &function);
    if (spent())
        return MAP_FAILED;
    void *mapped = function(at, len, protection, flags, fd, first);
    if (unlucky_is("results") && mapped != MAP_FAILED)
        unlucky_ring_mapped(fd, first, mapped);
    return mapped;
}

int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                const posix_spawnattr_t *attributes, char *const argv[], char *const environment[]) {
    int (*function)(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const[],
                    char *const[]);
    unlucky_find("posix_spawn", &function);
    return unlucky_is("spawn") && marked() ? EAGAIN : function(pid, path, actions, attributes, argv, environment);
}

int epoll_ctl(int set, int op, int fd, struct epoll_event *event) {
    int (*function)(int, int, int, struct epoll_event *);
    unlucky_find("epoll_ctl", &function);
    if (op != EPOLL_CTL_ADD || !unlucky_is("watch") || !marked())
        return function(set, op, fd, event);
    errno = ENOSPC;
    return -1;
}

ssize_t writev(int fd, const struct iovec *iov, int count) {
    static const int errors[] = {ENOSPC, EIO, EDQUOT, EFBIG};
    static atomic_uint at;
    ssize_t (*function)(int, const struct iovec *, int);
    unlucky_find("writev", &function);
    if (!unlucky_is("log") || !is_file(fd) || !marked())
        return function(fd, iov, count);
    errno = errors[atomic_fetch_add(&at, 1) % (sizeof errors / sizeof *errors)];
    return -1;
}

int accept4(int fd, struct sockaddr *peer, socklen_t *len, int flags) {
    static const int errors[] = {ECONNABORTED, EPERM, ENOBUFS, EINTR, EPROTO, ENFILE, EMFILE, ENOMEM, EHOSTUNREACH};
    static atomic_uint at;
    int (*function)(int, struct sockaddr *, socklen_t *, int);
    unlucky_find("accept4", &function);
    if (unlucky_is("pause")) {
        int accepted = function(fd, peer, len, flags);
        if (accepted >= 0) {
            take_longer();
            make_mark();
        }
        return accepted;
    }
    if (!unlucky_is("accept") || !now_and_then())
        return function(fd, peer, len, flags);
    errno = errors[atomic_fetch_add(&at, 1) % (sizeof errors / sizeof *errors)];
    return -1;
}

ssize_t recv(int fd, void *at, size_t len, int flags) {
    ssize_t (*function)(int, void *, size_t, int);
    unlucky_find("recv", &function);
    if (unlucky_is("signals") && now_and_then()) {
        errno = EINTR;
        return -1;
    }
    return function(fd, at, len, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    ssize_t (*function)(int, const struct msghdr *, int);
    unlucky_find("sendmsg", &function);
    if (unlucky_is("signals") && now_and_then()) {
        errno = EINTR;
        return -1;
    }
    return function(fd, message, flags);
}

pid_t fork(void) {
    pid_t (*function)(void);
    unlucky_find("fork", &function);
    static pid_t first;
    bool orphan = unlucky_is("orphan") && first && first != getpid();
    first = getpid();
    if (orphan || (unlucky_is("fork") && marked())) {
        errno = EAGAIN;
        return -1;
    }
    return function();
}

int isatty(int fd) {
    static int (*function)(int fd);
    struct termios2 settings;
    unlucky_find("isatty", &function);
    return unlucky_is("terminal") ? ioctl(fd, TCGETS2, &settings) == 0 : function(fd);
}

int getrlimit(__rlimit_resource_t resource, struct rlimit *limit) {
    int (*function)(__rlimit_resource_t, struct rlimit *);
    unlucky_find("getrlimit", &function);
    if (!unlucky_is("unasked"))
        return function(resource, limit);
    errno = EPERM;
    return -1;
}

/* By the clock that doesn't jump, so that all of a process' clocks do at once. */
static time_t jump(void) {
    static const time_t years[] = {0, -10, 30};
    int (*function)(clockid_t, struct timespec *);
    struct timespec steady;
    unlucky_find("clock_gettime", &function);
    if (!unlucky_is("clock") || function(CLOCK_MONOTONIC_COARSE, &steady) < 0)
        return 0;
    return years[steady.tv_sec % 3] * 365 * 86400;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int (*function)(clockid_t, struct timespec *);
    unlucky_find("clock_gettime", &function);
    int result = function(clock, now);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += jump();
    return result;
}

time_t time(time_t *now) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME_COARSE, &t);
    if (now)
        *now = t.tv_sec;
    return t.tv_sec;
}

int gettimeofday(struct timeval *now, void *zone) {
    struct timespec t;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &t);
    *now = (struct timeval){t.tv_sec, t.tv_nsec / 1000};
    return 0;
}
