/* The kernel is asked three ways what it has in memory, as none tells all of it: cachestat(2) of many bytes at once,
   but it counts those that are still on their way; a read with RWF_NOWAIT of one byte, or of those that are wanted; and
   the file system's kind, where that has no such read. */
#define _GNU_SOURCE
#include "site/disk.h"
#include "base/calls.h"
#include "site/local.h"

#include <errno.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    SYS_CACHESTAT = 451, /* in the C library's headers since Linux 6.5 */
};

struct cachestat_range {
    uint64_t first, len;
};

struct cachestat_result {
    uint64_t cached, dirty, writeback, evicted, recently_evicted; /* pages */
};

/* musl has no preadv2 yet. */
#ifdef RWF_NOWAIT
static ssize_t read_nowait(int fd, const struct iovec *iov, uint64_t first) {
    return preadv2(fd, iov, 1, (off_t)first, RWF_NOWAIT);
}
#else
static ssize_t read_nowait(int fd, const struct iovec *iov, uint64_t first) {
    const int rwf_nowait = 8, high_shift = 8 * sizeof(long);
    long high = high_shift < 64 ? (long)(first >> high_shift % 64) : 0;
    return syscall(SYS_preadv2, fd, iov, 1L, (long)first, high, rwf_nowait);
}
#endif

/* 0, or why it can't be read without waiting: EAGAIN, it isn't in memory; EOPNOTSUPP, no byte can. */
static int try_byte(int fd, uint64_t first) {
    char byte;
    struct iovec iov = {&byte, sizeof byte};
    return read_nowait(fd, &iov, first) < 0 ? errno : 0;
}

bool disk_is_gone(int fd, uint64_t first) {
    return try_byte(fd, first) == EAGAIN;
}

/* What the kernel reads ahead is in its cache before it has come from the disk. It comes in order, as far as it is read
   for one reader: so the ends tell. */
bool disk_at_hand(int fd, uint64_t first, size_t len, bool arriving) {
    static const uint64_t page = 4096; /* counted in pages of the kernel's, which may be larger: then "not at hand" */
    struct cachestat_range range = {first, len};
    struct cachestat_result result;
    return syscall(SYS_CACHESTAT, fd, &range, &result, 0) == 0 &&
           result.cached >= (first + len + page - 1) / page - first / page &&
           !(arriving && (disk_is_gone(fd, first + len - 1) || disk_is_gone(fd, first)));
}

ssize_t disk_read_at_hand(int fd, char *at, size_t len, uint64_t first) {
    struct iovec iov = {at, len};
    ssize_t n;
    do {
        calls_begins(CALLS_READ, fd);
        n = (ssize_t)calls_returned(CALLS_READ, fd, read_nowait(fd, &iov, first));
    } while (n < 0 && errno == EINTR);
    return n < 0 && errno == EOPNOTSUPP ? -EAGAIN : n < 0 ? -errno : n;
}

ssize_t disk_read(int fd, char *at, size_t len, uint64_t first) {
    size_t done = 0;
    while (done < len) {
        ssize_t n = calls_pread(fd, at + done, len - done, (off_t)(first + done));
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0)
            break;
        done += n > 0 ? (size_t)n : 0;
    }
    return (ssize_t)done;
}

/* Some that lie here have no read that doesn't wait, either. */
bool disk_remote(struct known *known, const struct stat *st, int fd, enum load_effort effort) {
    uint64_t fact, key = known_key(known, KNOWN_LOCAL, st, 0);
    if (try_byte(fd, 0) != EOPNOTSUPP || known_get(known, key, &fact))
        return false;
    if (effort != LOAD_WAITS || !local_fd(fd))
        return true;
    known_put(known, key, 0);
    return false;
}
