/* The indices are the only words that both sides write and read at once: who adds entries stores the tail with release,
   who takes them loads it with acquire, and the other way round for the head, so that an entry is seen whole and its
   place reused only when it has been read. */
#define _GNU_SOURCE
#include "backend/uring_ring.h"
#include "base/say.h"
#include "guard/filter.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What <linux/io_uring.h> before 6.1 lacks, and the shape of the buffer ring, which changed its name. */
enum {
    SETUP_COOP_TASKRUN = 1 << 8,
    SETUP_SINGLE_ISSUER = 1 << 12,
    SETUP_DEFER_TASKRUN = 1 << 13,
    REGISTER_PBUF_RING = 22,
};

enum { MOMENT_MS = 10 };

/* All that the model asks of a ring. What is asked of one isn't seen by a system call filter. Cold files are read by
   loaders: a ring would begin that in the system call, 6 ms for 32 of 2 MiB, 80 where it must first be read where they
   lie on the disk. Loaders hold the loop up for 15 us, and cost a cold request up to an eighth more processor time; so
   do threads of the kernel's (IOSQE_ASYNC), by and large. */
static const uint8_t ring_ops[] = {IORING_OP_RECV, IORING_OP_SEND, IORING_OP_SENDMSG, IORING_OP_POLL_ADD,
                                   IORING_OP_ASYNC_CANCEL};

struct uring_slot {
    uint64_t address;
    uint32_t len;
    uint16_t id, tail; /* the first slot's `tail` is the ring's */
};

struct uring_slots_reg {
    uint64_t address;
    uint32_t count;
    uint16_t group, flags;
    uint64_t reserved[3];
};

const int uring_ring_calls[] = {SYS_io_uring_enter, FILTER_END};

static int uring_ring_setup(unsigned sq_count, struct io_uring_params *params) {
    int fd = (int)syscall(__NR_io_uring_setup, sq_count, params);
    return fd < 0 ? -errno : fd;
}

/* From now on the ring takes these ops alone, and registers buffers. */
static int uring_ring_restrict(const struct uring_ring *ring) {
    enum { OPS = sizeof ring_ops };
    struct io_uring_restriction allowed[OPS + 2] = {
        [OPS] = {.opcode = IORING_RESTRICTION_REGISTER_OP, .register_op = REGISTER_PBUF_RING},
        [OPS + 1] = {.opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED, .sqe_flags = IOSQE_BUFFER_SELECT},
    };
    for (unsigned i = 0; i < OPS; i++)
        allowed[i] = (struct io_uring_restriction){.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = ring_ops[i]};
    if (syscall(__NR_io_uring_register, ring->fd, IORING_REGISTER_RESTRICTIONS, allowed, OPS + 2) < 0 ||
        syscall(__NR_io_uring_register, ring->fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0) < 0)
        return -errno;
    return 0;
}

static int uring_ring_map(struct uring_ring *ring, const struct io_uring_params *params) {
    const int protection = PROT_READ | PROT_WRITE, flags = MAP_SHARED | MAP_POPULATE;
    size_t sq_len = params->sq_off.array + params->sq_entries * sizeof(unsigned);
    size_t cq_len = params->cq_off.cqes + params->cq_entries * sizeof(struct io_uring_cqe);
    ring->memory_len = sq_len > cq_len ? sq_len : cq_len;
    ring->sqes_len = params->sq_entries * sizeof(struct io_uring_sqe);
    ring->memory = mmap(NULL, ring->memory_len, protection, flags, ring->fd, IORING_OFF_SQ_RING);
    if (ring->memory == MAP_FAILED) {
        ring->memory = NULL;
        return -errno;
    }
    void *sqes = mmap(NULL, ring->sqes_len, protection, flags, ring->fd, IORING_OFF_SQES);
    if (sqes == MAP_FAILED)
        return -errno;
    ring->sqes = sqes;
    return 0;
}

/* A policy may let a ring be made, and not be used. */
static int uring_ring_try(const struct uring_ring *ring) {
    return syscall(__NR_io_uring_enter, ring->fd, 0, 0, 0, NULL, 0) < 0 ? -errno : 0;
}

static unsigned *uring_ring_word(const struct uring_ring *ring, unsigned offset) {
    return (unsigned *)((char *)ring->memory + offset);
}

/* DEFER_TASKRUN (6.1): the kernel does its part of an op that had to wait when we come for results, not whenever it
   next has the processor. SINGLE_ISSUER came with Linux 6.0, as multishot receiving did: so it stands for both. */
int uring_ring_open(struct uring_ring *ring, unsigned sq_count, unsigned cq_count) {
    static const unsigned ways[] = {SETUP_SINGLE_ISSUER | SETUP_DEFER_TASKRUN,
                                    SETUP_SINGLE_ISSUER | SETUP_COOP_TASKRUN};
    struct io_uring_params params = {0};
    *ring = (struct uring_ring){.fd = -EINVAL};
    for (unsigned i = 0; ring->fd == -EINVAL && i < sizeof ways / sizeof *ways; i++) {
        params = (struct io_uring_params){.flags = IORING_SETUP_CQSIZE | IORING_SETUP_R_DISABLED | ways[i],
                                          .cq_entries = cq_count};
        ring->fd = uring_ring_setup(sq_count, &params);
    }
    if (ring->fd < 0)
        return ring->fd;
    int error = uring_ring_restrict(ring);
    if (!error)
        error = uring_ring_map(ring, &params);
    if (!error)
        error = uring_ring_try(ring);
    if (error) {
        uring_ring_close(ring);
        return error;
    }
    ring->sq_mask = params.sq_entries - 1;
    ring->cq_mask = params.cq_entries - 1;
    ring->sq_head = uring_ring_word(ring, params.sq_off.head);
    ring->sq_shared = uring_ring_word(ring, params.sq_off.tail);
    ring->cq_head = uring_ring_word(ring, params.cq_off.head);
    ring->cq_tail = uring_ring_word(ring, params.cq_off.tail);
    ring->cqes = (const struct io_uring_cqe *)uring_ring_word(ring, params.cq_off.cqes);
    for (unsigned i = 0; i < params.sq_entries; i++) /* ops are submitted in the order of their places */
        uring_ring_word(ring, params.sq_off.array)[i] = i;
    return 0;
}

void uring_ring_say_why(int error) {
    const char *why = error == -ENOSYS                      ? "this kernel has no io_uring"
                      : error == -EPERM || error == -EACCES ? "sysctl kernel.io_uring_disabled or a seccomp policy "
                                                              "forbids io_uring"
                      : error == -EINVAL                    ? "it needs Linux 6.0 or newer"
                                                            : strerror(-error);
    say("-m uring: %s: choose another model, such as -m epoll", why);
}

void uring_ring_close(struct uring_ring *ring) {
    if (ring->sqes)
        munmap(ring->sqes, ring->sqes_len);
    if (ring->memory)
        munmap(ring->memory, ring->memory_len);
    close(ring->fd);
}

/* Errors are for the next round: a signal came, time is up; the kernel has no memory just now, and is given a moment to
   find some. */
static void uring_ring_submit(struct uring_ring *ring, unsigned wait_count, int timeout_ms) {
    struct __kernel_timespec limit = {.tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1000000LL};
    struct io_uring_getevents_arg arg = {.ts = timeout_ms > 0 ? (uint64_t)(uintptr_t)&limit : 0};
    unsigned count = ring->sq_tail - __atomic_load_n(ring->sq_head, __ATOMIC_ACQUIRE);
    __atomic_store_n(ring->sq_shared, ring->sq_tail, __ATOMIC_RELEASE);
    if (syscall(__NR_io_uring_enter, ring->fd, count, wait_count, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg,
                sizeof arg) < 0 &&
        errno != EINTR && errno != ETIME)
        poll(NULL, 0, MOMENT_MS);
}

void uring_ring_enter(struct uring_ring *ring, int timeout_ms) {
    uring_ring_submit(ring, timeout_ms != 0, timeout_ms);
}

struct io_uring_sqe *uring_ring_op(struct uring_ring *ring) {
    while (ring->sq_tail - __atomic_load_n(ring->sq_head, __ATOMIC_ACQUIRE) > ring->sq_mask)
        uring_ring_submit(ring, 0, 0);
    struct io_uring_sqe *op = &ring->sqes[ring->sq_tail++ & ring->sq_mask];
    memset(op, 0, sizeof *op);
    return op;
}

/* The mask's halves are swapped where the high one comes first. */
static uint32_t poll_mask(uint32_t events) {
    return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? events << 16 | events >> 16 : events;
}

void uring_ring_poll(struct uring_ring *ring, int fd, uint32_t events, uint64_t id) {
    struct io_uring_sqe *op = uring_ring_fd_op(ring, IORING_OP_POLL_ADD, fd, id);
    op->poll32_events = poll_mask(events);
}

void uring_ring_cancel(struct uring_ring *ring, uint64_t id, uint64_t own_id) {
    struct io_uring_sqe *op = uring_ring_fd_op(ring, IORING_OP_ASYNC_CANCEL, -1, own_id);
    op->addr = id;
}

struct io_uring_sqe *uring_ring_send(struct uring_ring *ring, int fd, const struct iovec *piece, bool more,
                                     uint64_t id) {
    struct io_uring_sqe *op = uring_ring_fd_op(ring, piece ? IORING_OP_SEND : IORING_OP_SENDMSG, fd, id);
    op->addr = piece ? (uintptr_t)piece->iov_base : 0;
    op->len = piece ? (uint32_t)piece->iov_len : 1;
    op->msg_flags = MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0);
    return op;
}

/* The kernel tells of POLLRDHUP unasked, and of what is so already at once, so that one poll after the other would be
   answered by it. What has told of it and stays armed ("multishot") goes on with what changes. */
bool uring_ring_polled(struct uring_ring *ring, int fd, const struct io_uring_cqe *result, uint64_t own_id,
                       bool canceled) {
    bool ended = !(result->flags & IORING_CQE_F_MORE), hangup = result->res >= 0 && !(result->res & ~POLLRDHUP);
    if (ended && hangup && !canceled) {
        struct io_uring_sqe *op = uring_ring_fd_op(ring, IORING_OP_POLL_ADD, fd, result->user_data);
        op->poll32_events = poll_mask(POLLOUT);
        op->len = IORING_POLL_ADD_MULTI;
        return false;
    }
    if (!ended && !hangup)
        uring_ring_cancel(ring, result->user_data, own_id);
    return ended;
}

int uring_buffers_open(struct uring_buffers *buffers, struct uring_ring *ring, unsigned spare) {
    const size_t slots_len = URING_LENT * sizeof(struct uring_slot);
    *buffers = (struct uring_buffers){0};
    void *slots = mmap(NULL, slots_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (slots == MAP_FAILED)
        return -errno;
    buffers->slots = slots;
    struct uring_slots_reg reg = {.address = (uintptr_t)slots, .count = URING_LENT, .group = URING_GROUP};
    int error = 0;
    if (!pool_open(&buffers->pool, URING_BUFFER_LEN, URING_LENT + spare))
        error = -ENOMEM;
    else if (syscall(__NR_io_uring_register, ring->fd, REGISTER_PBUF_RING, &reg, 1) < 0)
        error = -errno;
    if (error)
        uring_buffers_close(buffers);
    return error;
}

void uring_buffers_close(struct uring_buffers *buffers) {
    munmap(buffers->slots, URING_LENT * sizeof(struct uring_slot));
    pool_close(&buffers->pool);
}

bool uring_buffers_lend(struct uring_buffers *buffers) {
    struct uring_buffer *buffer = NULL;
    if (buffers->lent == URING_LENT)
        return true;
    while (buffers->lent < URING_LENT && (buffer = pool_take(&buffers->pool))) {
        struct uring_slot *slot = &buffers->slots[buffers->tail++ % URING_LENT];
        slot->address = (uintptr_t)buffer->bytes;
        slot->len = URING_BUFFER_LEN - sizeof *buffer;
        slot->id = (uint16_t)(((char *)buffer - buffers->pool.base) / URING_BUFFER_LEN);
        buffers->lent++;
    }
    __atomic_store_n(&buffers->slots[0].tail, buffers->tail, __ATOMIC_RELEASE);
    return buffer;
}

struct uring_buffer *uring_buffers_take(struct uring_buffers *buffers, const struct io_uring_cqe *result) {
    if (!(result->flags & IORING_CQE_F_BUFFER))
        return NULL;
    size_t id = result->flags >> IORING_CQE_BUFFER_SHIFT;
    struct uring_buffer *buffer = (struct uring_buffer *)(buffers->pool.base + id * URING_BUFFER_LEN);
    buffers->lent--;
    buffer->next = NULL;
    buffer->first = 0;
    buffer->len = result->res > 0 ? (uint32_t)result->res : 0;
    return buffer;
}

void uring_buffers_drop(struct uring_buffers *buffers, struct uring_buffer *buffer) {
    pool_drop(&buffers->pool, buffer);
}
