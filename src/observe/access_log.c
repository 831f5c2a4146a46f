/* The thread sleeps until there is a line, lets more gather for a moment, unless a lane fills up, and writes them all.
   It is woken by an eventfd, to which a maker writes for the first line only. */
#define _GNU_SOURCE
#include "observe/access_log.h"
#include "base/clock.h"
#include "base/helper_thread.h"
#include "base/local_time.h"
#include "base/say.h"
#include "guard/sandbox.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
    STACK_LEN = 64 * 1024,
    /* A child that is killed just before it writes to the eventfd wakes nobody: its line is found this late. */
    SLEEP_MS = 10 * 1000,
};

struct access_log {
    struct log_bell *bell;
    struct log_lanes lanes;
    struct log_lane *(*of_worker)[1 + CHILDREN_MAX]; /* its own, and its children's by their clients */
    pthread_mutex_t lock;                            /* of what is added to `lanes`, and of `next` */
    struct log_writer writer, next;
    atomic_bool at_once;
    struct counter_log *counts;
    pthread_t thread;
    bool started;
    atomic_bool reopen, moves, rests, stop; /* moves: to `next` */
};

static void ring(const struct access_log *log) {
    const uint64_t one = 1;
    if (write(log->bell->fd, &one, sizeof one) < 0)
        return; /* full is readable too */
}

static bool is_empty(const struct access_log *log) {
    struct slice pieces[2];
    unsigned count = atomic_load_explicit(&log->lanes.count, memory_order_acquire);
    for (unsigned i = 0; i < count; i++)
        if (log_lane_look(log->lanes.at[i], 0, pieces) > 0)
            return false;
    return true;
}

/* Until the bell rings, or what is written to has room, if that is waited for: then true. */
static bool await(const struct access_log *log, int ms, bool for_room) {
    struct pollfd fds[2] = {{.fd = log->bell->fd, .events = POLLIN},
                            {.fd = for_room ? log->writer.fd : -1, .events = POLLOUT}};
    uint64_t rings;
    if (poll(fds, 2, ms) > 0 && fds[0].revents && read(log->bell->fd, &rings, sizeof rings) < 0)
        return false; /* it has been read already */
    return fds[1].revents;
}

static bool is_wanted(const struct access_log *log) {
    return atomic_load(&log->stop) || atomic_load(&log->reopen) || atomic_load(&log->moves);
}

static void await_line(const struct access_log *log) {
    struct log_bell *bell = log->bell;
    atomic_store(&bell->asleep, true);
    if (is_empty(log) && !is_wanted(log))
        await(log, log->writer.troubled ? LOG_RETRY_MS : SLEEP_MS, false);
    atomic_store(&bell->asleep, false);
}

static void count(const struct access_log *log) {
    uint64_t lines = 0, lost = atomic_load_explicit(&log->bell->lost, memory_order_relaxed);
    unsigned lane_count = atomic_load_explicit(&log->lanes.count, memory_order_acquire);
    for (unsigned i = 0; i < lane_count; i++) {
        lines += tally_get(&log->lanes.at[i]->lines);
        lost += tally_get(&log->lanes.at[i]->lost);
    }
    tally_set(&log->counts->lines, lines);
    tally_set(&log->counts->lost, lost);
}

/* A reader that takes some now and then is waited for; one that takes nothing for long is said to have stopped. */
static int write_to_reader(struct access_log *log, uint64_t until_ns) {
    for (;;) {
        int result = log_writer_write(&log->writer, &log->lanes);
        if (result != -EAGAIN)
            return result;
        for (int tries = LOG_RETRY_MS / LOG_GATHER_MS; !await(log, LOG_GATHER_MS, true); tries--)
            if (tries == 0 || is_wanted(log))
                return -EAGAIN;
        if (clock_fine_ns() >= until_ns)
            return -EAGAIN;
    }
}

/* To another file, or to a new one of the same name. */
static void change_file(struct access_log *log) {
    if (atomic_exchange(&log->reopen, false) && !atomic_load(&log->rests))
        log_writer_reopen(&log->writer);
    if (!atomic_load(&log->moves))
        return;
    pthread_mutex_lock(&log->lock);
    log_writer_move(&log->writer, &log->next);
    atomic_store(&log->moves, false);
    pthread_mutex_unlock(&log->lock);
}

/* Writes all there is: 0; or it couldn't be, or not now: -errno. */
static int write_lines(struct access_log *log, uint64_t until_ns) {
    local_time_update((int64_t)(clock_epoch_ms() / 1000));
    change_file(log);
    int result = write_to_reader(log, until_ns);
    count(log);
    if (result != -EAGAIN || !is_wanted(log))
        log_writer_tell(&log->writer, result, tally_get(&log->counts->lost), clock_fine_ns() / 1000000);
    return result;
}

static void *log_main(void *arg) {
    struct access_log *log = arg;
    sandbox_narrow(SANDBOX_WRITER);
    uint64_t until_ns = UINT64_MAX;
    for (;;) {
        if (is_empty(log))
            await_line(log);
        if (!atomic_load_explicit(&log->at_once, memory_order_relaxed) && !is_wanted(log))
            await(log, LOG_GATHER_MS, false);
        if (atomic_load(&log->stop) && until_ns == UINT64_MAX)
            until_ns = clock_fine_ns() + LOG_END_MS * UINT64_C(1000000);
        atomic_store(&log->bell->hurry, false);
        int result = write_lines(log, until_ns);
        if (until_ns != UINT64_MAX && (result == 0 || clock_fine_ns() >= until_ns))
            return NULL;
        if (result < 0 && result != -EAGAIN)
            await(log, until_ns == UINT64_MAX ? LOG_RETRY_MS : LOG_GATHER_MS, false);
        else if (result == -EAGAIN && until_ns != UINT64_MAX)
            await(log, LOG_GATHER_MS, true);
    }
}

static bool add_lane(struct access_log *log, struct log_lane **lane, size_t len) {
    *lane = log_lane_open(len, log->bell);
    if (!*lane)
        return false;
    pthread_mutex_lock(&log->lock);
    unsigned lane_count = atomic_load(&log->lanes.count);
    log->lanes.at[lane_count] = *lane;
    atomic_store_explicit(&log->lanes.count, lane_count + 1, memory_order_release);
    pthread_mutex_unlock(&log->lock);
    return true;
}

static void release(struct access_log *log) {
    unsigned lane_count = atomic_load(&log->lanes.count);
    for (unsigned i = 0; i < lane_count; i++)
        log_lane_close(log->lanes.at[i]);
    if (log->bell && log->bell->fd >= 0)
        close(log->bell->fd);
    if (log->bell)
        munmap(log->bell, sizeof *log->bell);
    free(log->lanes.at);
    free(log->of_worker);
    log_writer_close(&log->writer);
    free(log);
}

/* 0 or -errno. */
static int make_lanes(struct access_log *log, unsigned workers) {
    void *bell = mmap(NULL, sizeof *log->bell, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (bell == MAP_FAILED)
        return -errno;
    log->bell = bell;
    log->bell->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (log->bell->fd < 0)
        return -errno;
    log->lanes.at = calloc((size_t)workers * (1 + CHILDREN_MAX), sizeof *log->lanes.at);
    log->of_worker = calloc(workers, sizeof *log->of_worker);
    bool ok = log->lanes.at && log->of_worker;
    for (unsigned i = 0; ok && i < workers; i++)
        ok = add_lane(log, &log->of_worker[i][0], LOG_LANE_LEN);
    return ok ? 0 : -ENOMEM;
}

struct access_log *access_log_open(struct access_log_place place, unsigned workers, struct counter_log *counts,
                                   char *error, size_t error_size) {
    static struct counter_log nobodys;
    struct access_log *log = calloc(1, sizeof *log);
    int failed = log ? log_writer_open(&log->writer, place.path) : -ENOMEM;
    if (log) {
        log->at_once = place.at_once;
        log->counts = counts ? counts : &nobodys;
        pthread_mutex_init(&log->lock, NULL);
        local_time_update((int64_t)(clock_epoch_ms() / 1000));
        if (failed == 0)
            failed = make_lanes(log, workers);
        if (failed == 0)
            return log;
        release(log);
    }
    snprintf(error, error_size, "--access-log %s: %s", place.path ? place.path : "-", strerror(-failed));
    return NULL;
}

int access_log_start(struct access_log *log) {
    int error = helper_thread_start(&log->thread, STACK_LEN, log_main, log);
    log->started = error == 0;
    return error;
}

void access_log_close(struct access_log *log, bool unused) {
    struct timespec until;
    if (!log)
        return;
    atomic_store(&log->stop, true);
    ring(log);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 2 * LOG_END_MS / 1000 + 1;
    if (log->started && pthread_timedjoin_np(log->thread, NULL, &until) != 0)
        return; /* a disk hangs: what the thread uses is left to it, and ends with the process */
    count(log);
    log_writer_tell_end(&log->writer, tally_get(&log->counts->lost), !is_empty(log));
    if (unused)
        release(log);
}

void access_log_reopen(struct access_log *log) {
    atomic_store(&log->reopen, true);
    ring(log);
}

void access_log_move(struct access_log *log, struct log_writer writer, bool at_once) {
    pthread_mutex_lock(&log->lock);
    if (atomic_load(&log->moves)) /* it has not even got to the last one */
        log_writer_close(&log->next);
    log->next = writer;
    atomic_store(&log->at_once, at_once);
    atomic_store(&log->rests, false);
    atomic_store(&log->moves, true);
    pthread_mutex_unlock(&log->lock);
    ring(log);
}

void access_log_rest(struct access_log *log) {
    atomic_store(&log->rests, true);
}

void access_log_lost(struct access_log *log) {
    atomic_fetch_add_explicit(&log->bell->lost, 1, memory_order_relaxed);
}

struct log_lane *access_log_lane(const struct access_log *log, unsigned worker) {
    return log->of_worker[worker][0];
}

void access_log_before_child(struct access_log *log, unsigned worker, unsigned client) {
    struct log_lane **lane = &log->of_worker[worker][1 + client];
    if (!*lane)
        add_lane(log, lane, LOG_CHILD_LANE_LEN);
}

struct log_lane *access_log_child_lane(const struct access_log *log, unsigned worker, unsigned client) {
    return log->of_worker[worker][1 + client];
}
