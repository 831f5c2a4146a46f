/* A slot is written in words, each atomic, so that a reader who comes at the same time reads some mixture of two
   events, and finds out: when `begun` has come round to that slot, what was read is thrown away. */
#define _GNU_SOURCE
#include "observe/events.h"
#include "base/bounds.h"
#include "base/clock.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { WORKER_SLOTS = 16384, CHILD_SLOTS = 1024 };

#define RING_LEN(slots) (sizeof(struct event_ring) + (slots) * sizeof(uint64_t[4]))

const char *const event_call_names[CALL_COUNT] = {
    [CALL_ACCEPT] = "accept4",     [CALL_RECV] = "recv",           [CALL_SEND] = "sendmsg",
    [CALL_SEND_FILE] = "sendfile", [CALL_SHUTDOWN] = "shutdown",   [CALL_POLL] = "poll",
    [CALL_SELECT] = "select",      [CALL_EPOLL] = "epoll_wait",    [CALL_RING] = "io_uring_enter",
    [CALL_NAP] = "ppoll",          [CALL_FORK] = "fork",           [CALL_THREAD] = "pthread_create",
    [CALL_CLOSE] = "close",        [CALL_EPOLL_CTL] = "epoll_ctl", [CALL_OPEN] = "openat2",
    [CALL_STAT] = "fstat",         [CALL_READ] = "preadv2",        [CALL_LIST] = "getdents64",
};

const char *const event_kind_names[EVENT_KINDS] = {
    [EVENT_ACCEPTED] = "accepted",   [EVENT_CALL] = "call",           [EVENT_RETURNED] = "returned",
    [EVENT_SUBMITTED] = "submitted", [EVENT_COMPLETED] = "completed", [EVENT_RUNS] = "runs",
    [EVENT_WANTS] = "wants",         [EVENT_REPLY] = "reply",         [EVENT_REPLIED] = "replied",
    [EVENT_LOAD] = "load",           [EVENT_LOADED] = "loaded",       [EVENT_CLOSED] = "closed",
};

static size_t worker_len(const struct event_rings *rings) {
    return RING_LEN(WORKER_SLOTS) + rings->children * RING_LEN(CHILD_SLOTS);
}

struct event_rings *event_rings_open(unsigned workers, unsigned children, int fd) {
    struct event_rings *rings = malloc(sizeof *rings);
    if (!rings)
        return NULL;
    *rings = (struct event_rings){.workers = workers, .children = children, .opened_ns = clock_fine_ns()};
    rings->len = LOADERS_MOST * RING_LEN(CHILD_SLOTS) + workers * worker_len(rings);
    rings->memory = fd >= 0 && ftruncate(fd, (off_t)rings->len) < 0
                        ? MAP_FAILED
                        : mmap(NULL, rings->len, PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_NORESERVE | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0);
    if (rings->memory == MAP_FAILED) {
        free(rings);
        return NULL;
    }
    for (unsigned i = 0; i < LOADERS_MOST; i++)
        event_rings_loader(rings, i)->mask = CHILD_SLOTS - 1;
    for (unsigned i = 0; i < workers; i++) {
        event_rings_worker(rings, i)->mask = WORKER_SLOTS - 1;
        event_rings_worker(rings, i)->last_ns = rings->opened_ns;
    }
    return rings;
}

void event_rings_close(struct event_rings *rings) {
    if (!rings)
        return;
    munmap(rings->memory, rings->len);
    free(rings);
}

struct event_ring *event_rings_loader(const struct event_rings *rings, unsigned loader) {
    return (struct event_ring *)(void *)(rings->memory + loader * RING_LEN(CHILD_SLOTS));
}

struct event_ring *event_rings_worker(const struct event_rings *rings, unsigned worker) {
    return (struct event_ring *)(void *)(rings->memory + LOADERS_MOST * RING_LEN(CHILD_SLOTS) +
                                         worker * worker_len(rings));
}

struct event_ring *event_rings_child(const struct event_rings *rings, unsigned worker, unsigned client) {
    char *first = (char *)event_rings_worker(rings, worker) + RING_LEN(WORKER_SLOTS);
    return (struct event_ring *)(void *)(first + client * RING_LEN(CHILD_SLOTS));
}

static uint64_t ring_calls(const struct event_ring *ring) {
    return atomic_load_explicit(&ring->calls, memory_order_relaxed);
}

uint64_t event_rings_calls(const struct event_rings *rings) {
    uint64_t calls = 0;
    for (unsigned i = 0; i < LOADERS_MOST; i++)
        calls += ring_calls(event_rings_loader(rings, i));
    for (unsigned worker = 0; worker < rings->workers; worker++) {
        const struct event_ring *ring = event_rings_worker(rings, worker);
        uint32_t children = atomic_load_explicit(&ring->children, memory_order_relaxed);
        calls += ring_calls(ring);
        for (uint32_t i = 0; i < children && i < rings->children; i++)
            calls += ring_calls(event_rings_child(rings, worker, i));
    }
    return calls;
}

void event_ring_put(struct event_ring *ring, const struct event *event) {
    uint64_t at = atomic_load_explicit(&ring->begun, memory_order_relaxed);
    uint32_t mask = ring->mask ? ring->mask : CHILD_SLOTS - 1; /* a child's, which nobody has touched before */
    _Atomic uint64_t *slot = ring->slots[at & mask];
    if (event->at_ns)
        ring->last_ns = event->at_ns;
    if (event->kind == EVENT_CALL) /* it alone writes */
        atomic_store_explicit(&ring->calls, ring_calls(ring) + 1, memory_order_relaxed);
    atomic_store_explicit(&ring->begun, at + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    atomic_store_explicit(&slot[0], ring->last_ns, memory_order_relaxed);
    atomic_store_explicit(&slot[1], (uint64_t)event->value, memory_order_relaxed);
    atomic_store_explicit(&slot[2], (uint64_t)event->client | (uint64_t)(uint32_t)event->fd << 32,
                          memory_order_relaxed);
    atomic_store_explicit(&slot[3], (uint64_t)event->kind | (uint64_t)event->what << 8 | (uint64_t)event->apart << 16,
                          memory_order_relaxed);
    atomic_store_explicit(&ring->done, at + 1, memory_order_release);
}

bool event_ring_get(const struct event_ring *ring, struct event_cursor *cursor, struct event *event) {
    uint64_t words[4], slots = (uint64_t)(ring->mask ? ring->mask : CHILD_SLOTS - 1) + 1;
    for (;;) {
        if (cursor->next >= atomic_load_explicit(&ring->done, memory_order_acquire))
            return false;
        const _Atomic uint64_t *slot = ring->slots[cursor->next & (slots - 1)];
        for (int i = 0; i < 4; i++)
            words[i] = atomic_load_explicit(&slot[i], memory_order_relaxed);
        atomic_thread_fence(memory_order_acquire);
        uint64_t begun = atomic_load_explicit(&ring->begun, memory_order_relaxed);
        if (begun <= cursor->next + slots)
            break;
        /* Half a ring on: what is just ahead of the writer would be gone, too, before it is read. */
        uint64_t kept = begun - slots / 2;
        cursor->lost += kept - cursor->next;
        cursor->next = kept;
    }
    *event = (struct event){.at_ns = words[0],
                            .value = (int64_t)words[1],
                            .client = (uint32_t)words[2],
                            .fd = (int32_t)(words[2] >> 32),
                            .kind = (uint8_t)words[3],
                            .what = (uint8_t)(words[3] >> 8),
                            .apart = words[3] >> 16 & 1};
    cursor->next++;
    return true;
}
