/* A raw io_uring: two rings of indices shared with the kernel, one of ops to do (submission), one of results
   (completion), and a third that lends the kernel buffers to receive into. Knows nothing of clients. All of it is for
   one thread alone, the one that opens it. */
#ifndef URING_RING_H
#define URING_RING_H

#include "base/pool.h"

#include <linux/io_uring.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct uring_ring {
    int fd;
    unsigned sq_mask, cq_mask;
    unsigned sq_tail;                                  /* ours, ahead of the shared one until the next enter */
    unsigned *sq_head, *sq_shared, *cq_head, *cq_tail; /* in `memory` */
    struct io_uring_sqe *sqes;
    const struct io_uring_cqe *cqes;
    void *memory;
    size_t memory_len, sqes_len;
};

/* The system calls that it makes once it is open, up to FILTER_END. */
extern const int uring_ring_calls[];

/* Makes a ring, with the cheapest way of completing that the kernel has. Returns 0 or -errno:
   -ENOSYS, -EPERM where io_uring is forbidden, -EINVAL before Linux 6.0. */
int uring_ring_open(struct uring_ring *ring, unsigned sq_count, unsigned cq_count);
void uring_ring_close(struct uring_ring *ring);

/* Why a ring can't be had. */
void uring_ring_say_why(int error);

/* The next op to fill, all zero. Submits those before it if the ring is full. */
struct io_uring_sqe *uring_ring_op(struct uring_ring *ring);

/* The op's place, below the count of places. It is free again once the op is submitted. */
static inline unsigned uring_ring_place(const struct uring_ring *ring, const struct io_uring_sqe *op) {
    return (unsigned)(op - ring->sqes);
}

/* Submits all ops and waits for a result, at most `timeout_ms`; -1: for ever, 0: not at all. */
void uring_ring_enter(struct uring_ring *ring, int timeout_ms);

/* Takes the oldest result. False: there is none now. */
static inline bool uring_ring_result(struct uring_ring *ring, struct io_uring_cqe *result) {
    unsigned head = *ring->cq_head;
    if (head == __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE))
        return false;
    *result = ring->cqes[head & ring->cq_mask];
    __atomic_store_n(ring->cq_head, head + 1, __ATOMIC_RELEASE);
    return true;
}

/* Ops. `id` comes back as the result's user_data. */
static inline struct io_uring_sqe *uring_ring_fd_op(struct uring_ring *ring, int kind, int fd, uint64_t id) {
    struct io_uring_sqe *op = uring_ring_op(ring);
    op->opcode = (uint8_t)kind;
    op->fd = fd;
    op->user_data = id;
    return op;
}

/* One result when `fd` is ready for `events` of poll(2); with EPOLLEXCLUSIVE, one ring of several that wait is told. */
void uring_ring_poll(struct uring_ring *ring, int fd, uint32_t events, uint64_t id);

/* Takes the result of a poll for POLLOUT. True: the poll is over, and there may be room, or it has been canceled as the
   caller wanted (`canceled`). False: it goes on, or is canceled here, and another result with the same id will come;
   the canceling's own is `own_id`'s. */
bool uring_ring_polled(struct uring_ring *ring, int fd, const struct io_uring_cqe *result, uint64_t own_id,
                       bool canceled);

/* Sends the piece or, without one, the struct msghdr that the caller puts in `addr`. What there is no room for isn't
   waited for, -EAGAIN: where the client has sent its FIN, a thread of the kernel's would do the waiting. */
struct io_uring_sqe *uring_ring_send(struct uring_ring *ring, int fd, const struct iovec *piece, bool more,
                                     uint64_t id);

/* Cancels the op that was submitted as `id`, if it is still under way: its result is -ECANCELED then. The canceling has
   a result of its own, as `own_id`. */
void uring_ring_cancel(struct uring_ring *ring, uint64_t id, uint64_t own_id);

/* A buffer that the kernel has received into, and the bytes left in it. */
struct uring_buffer {
    struct uring_buffer *next; /* the borrower's own */
    uint32_t first, len;
    char bytes[];
};

/* Buffers of URING_BUFFER_LEN bytes, header included: a browser's request with some cookies. Few of many are lent to
   the kernel at a time, so that it goes round in little memory. */
enum { URING_BUFFER_LEN = 2048, URING_LENT = 128, URING_GROUP = 0 };

struct uring_buffers {
    struct pool pool;
    struct uring_slot *slots; /* URING_LENT, shared with the kernel */
    unsigned lent;            /* of them, and not come back in a result */
    uint16_t tail;
};

/* Registers buffers with the ring: URING_LENT, and `spare` for those that are not given back at once; together at most
   65536. Returns 0 or -errno. */
int uring_buffers_open(struct uring_buffers *buffers, struct uring_ring *ring, unsigned spare);
void uring_buffers_close(struct uring_buffers *buffers);

/* Lends the kernel as many as it may have. False: there aren't as many. */
bool uring_buffers_lend(struct uring_buffers *buffers);

/* The buffer that a receive ended in, with `result` bytes: the caller's until dropped. NULL: it took none. */
struct uring_buffer *uring_buffers_take(struct uring_buffers *buffers, const struct io_uring_cqe *result);
void uring_buffers_drop(struct uring_buffers *buffers, struct uring_buffer *buffer);

#endif
