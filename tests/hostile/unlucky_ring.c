/* Ops of an io_uring that fail. They do before anything is done: in the place of an op comes one that does nothing,
 * with the result that is to be told (Linux 6.10). So the ring must not be restricted to what the model asks of it. One
 * ring for each of a few workers. */
#define _GNU_SOURCE
#include "unlucky.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

enum { RINGS = 8, NOP_INJECT_RESULT = 1 };

static struct ring {
    int fd;
    struct io_sqring_offsets off;
    char *memory;
    struct io_uring_sqe *ops;
    unsigned seen, count; /* ops submitted; those that could fail */
} rings[RINGS];
static int ring_count; /* workers open theirs one after the other, as far as this test goes: -w 1 */

void unlucky_ring_open(int fd, const struct io_uring_params *params) {
    if (ring_count < RINGS)
        rings[ring_count++] = (struct ring){.fd = fd, .off = params->sq_off};
}

static struct ring *ring_of(int fd) {
    for (int i = 0; i < ring_count; i++)
        if (rings[i].fd == fd)
            return &rings[i];
    return NULL;
}

void unlucky_ring_mapped(int fd, off_t part, void *at) {
    struct ring *ring = fd >= 0 ? ring_of(fd) : NULL;
    if (ring && (uint64_t)part == IORING_OFF_SQ_RING)
        ring->memory = at;
    else if (ring && (uint64_t)part == IORING_OFF_SQES)
        ring->ops = at;
}

/* What doesn't end a connection is tried again; ENOMEM and EIO do. */
static int fate(unsigned char op, unsigned turn) {
    static const int receiving[] = {ENOBUFS, EINTR, EAGAIN, ECANCELED, ENOMEM};
    static const int sending[] = {EINTR, EINTR, ENOMEM, EIO};
    static const int polling[] = {ECANCELED, ENOMEM};
    switch (op) {
    case IORING_OP_RECV:
        return receiving[turn % 5];
    case IORING_OP_SEND:
    case IORING_OP_SENDMSG:
        return sending[turn % 4];
    case IORING_OP_POLL_ADD:
        return polling[turn % 2];
    default:
        return 0;
    }
}

static void spoil(struct ring *ring, unsigned submitted) {
    unsigned mask = *(unsigned *)(ring->memory + ring->off.ring_mask);
    unsigned tail = __atomic_load_n((unsigned *)(ring->memory + ring->off.tail), __ATOMIC_ACQUIRE);
    const unsigned *places = (const unsigned *)(ring->memory + ring->off.array);
    if (tail - ring->seen > submitted)
        ring->seen = tail - submitted;
    for (; ring->seen != tail; ring->seen++) {
        struct io_uring_sqe *op = &ring->ops[places[ring->seen & mask]];
        int error = fate(op->opcode, ring->count / 3);
        if (error && ring->count++ % 3 == 2)
            *op = (struct io_uring_sqe){.opcode = IORING_OP_NOP,
                                        .rw_flags = NOP_INJECT_RESULT,
                                        .len = (uint32_t)-error,
                                        .user_data = op->user_data};
    }
}

bool unlucky_ring_calls(long number, const long *arguments) {
    struct ring *ring = ring_of((int)arguments[0]);
    if (number == SYS_io_uring_enter && ring && ring->memory && ring->ops)
        spoil(ring, (unsigned)arguments[1]);
    return number == SYS_io_uring_register && arguments[1] == IORING_REGISTER_RESTRICTIONS;
}
