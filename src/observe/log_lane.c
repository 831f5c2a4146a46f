#define _GNU_SOURCE
#include "observe/log_lane.h"

#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

/* The writer is woken for this much, and has the rest of the lane's room for its time. */
enum { HURRY_LEN = 256 * 1024 };

struct log_lane *log_lane_open(size_t len, struct log_bell *bell) {
    struct log_lane *lane = mmap(NULL, offsetof(struct log_lane, ring) + len, PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (lane == MAP_FAILED)
        return NULL;
    lane->len = (uint32_t)len;
    lane->bell = bell;
    return lane;
}

void log_lane_close(struct log_lane *lane) {
    if (lane)
        munmap(lane, offsetof(struct log_lane, ring) + lane->len);
}

static void ring(const struct log_bell *bell) {
    const uint64_t one = 1;
    if (write(bell->fd, &one, sizeof one) < 0)
        return; /* full is readable too */
}

/* That the writer sleeps is looked at after the line is there, and it looks for lines after it has said so: in one
   order for both, so one of them sees the other. */
void log_lane_put(struct log_lane *lane, const char *line, size_t len) {
    struct log_bell *bell = lane->bell;
    uint32_t head = atomic_load_explicit(&lane->head, memory_order_relaxed);
    uint32_t used = head - atomic_load_explicit(&lane->tail, memory_order_acquire);
    if (len <= lane->len - used) {
        uint32_t at = head & (lane->len - 1), first = lane->len - at < len ? lane->len - at : (uint32_t)len;
        memcpy(lane->ring + at, line, first);
        if (len > first)
            memcpy(lane->ring, line + first, len - first);
        atomic_store(&lane->head, head + (uint32_t)len);
        tally_add(&lane->lines, 1);
    } else {
        tally_add(&lane->lost, 1);
    }
    if ((atomic_load(&bell->asleep) && atomic_exchange(&bell->asleep, false)) ||
        (used + len > (lane->len / 2 < HURRY_LEN ? lane->len / 2 : HURRY_LEN) &&
         !atomic_load_explicit(&bell->hurry, memory_order_relaxed) && !atomic_exchange(&bell->hurry, true)))
        ring(bell);
}

size_t log_lane_look(const struct log_lane *lane, uint32_t skip, struct slice pieces[2]) {
    uint32_t from = atomic_load_explicit(&lane->tail, memory_order_relaxed) + skip;
    uint32_t len = atomic_load(&lane->head) - from, at = from & (lane->len - 1);
    uint32_t first = lane->len - at < len ? lane->len - at : len;
    pieces[0] = (struct slice){lane->ring + at, first};
    pieces[1] = (struct slice){lane->ring, len - first};
    return len;
}

void log_lane_drop(struct log_lane *lane, uint32_t len) {
    uint32_t tail = atomic_load_explicit(&lane->tail, memory_order_relaxed);
    atomic_store_explicit(&lane->tail, tail + len, memory_order_release);
}
