/* What a connection has yet to send: bytes in memory and ranges of files, in order. Bytes rendered into the queue's own
   space join what they follow, so the replies to pipelined requests leave as one piece. Does no I/O. */
#ifndef OUTQ_H
#define OUTQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum {
    OUTQ_SIZE = 32 * 1024, /* of a whole queue: sixteen pipelined replies of 1 KiB and their heads leave together */
    OUTQ_PIECES = 48,
    /* What one reply may need: a multipart reply has a head before each of its parts. */
    OUTQ_REPLY_PIECES = 36,
    OUTQ_REPLY_BYTES = 8 * 1024,
};

/* A file to send ranges of. Belongs to the piece's owner, and doesn't change while it has pieces: whoever sends them
   reads it without a lock. */
struct outq_source {
    int fd;
    bool provable;    /* it is short enough to be hashed, so that growth can be told from rewriting */
    bool hashed;      /* `content` is the hash of all bytes; else it may be known by `key` */
    bool remote;      /* whatever is asked of it may wait for a file system that hangs */
    uint32_t subtree; /* where it lies, as its loads tell */
    uint64_t version; /* version_of() the file that the head describes: another one must not be sent, */
    uint64_t size;    /*   unless it has only grown beyond this */
    uint64_t content, key;
    uint64_t written; /* version_written(), */
    uint64_t links;   /*   and how many names it had: losing one changes the version, not the bytes */
};

struct outq_piece {
    void *owner;                      /* released when the piece has left; NULL for the queue's own space */
    const struct outq_source *source; /* NULL: memory, its iovec; else a range of that file, */
    bool by_reference;                /*   whose bytes have stood long enough to be sent without being copied first, */
    uint64_t first;                   /*   from this offset */
};

struct outq {
    void (*release)(void *owner);
    unsigned next, count;          /* pieces next .. count-1 wait */
    unsigned used;                 /* bytes of `space` */
    unsigned owned;                /* pieces waiting or gone that had an owner */
    uint64_t queued;               /* bytes, since it was last empty */
    struct iovec iov[OUTQ_PIECES]; /* a file piece uses only iov_len */
    struct outq_piece piece[OUTQ_PIECES];
    char space[OUTQ_SIZE - 40 - OUTQ_PIECES * (sizeof(struct iovec) + sizeof(struct outq_piece))];
};

/* What is to be sent next: either iov_count > 0 memory pieces, or a file range. */
struct outq_send {
    struct iovec *iov;
    unsigned iov_count;
    bool more;  /* what follows, follows at once: MSG_MORE */
    bool alone; /* nothing follows in the queue */
    bool last;  /* no range of a file does */
    const struct outq_source *source;
    void *owner; /* of the source */
    bool by_reference;
    uint64_t first;
    size_t len; /* of the range, or of all those pieces */
};

void outq_init(struct outq *outq, void (*release)(void *owner));

static inline bool outq_empty(const struct outq *outq) {
    return outq->next == outq->count;
}

/* Whether any reply that keeps to OUTQ_REPLY_PIECES and OUTQ_REPLY_BYTES fits now. Behind a piece that belongs to
   somebody none does: so a client that doesn't read holds on to one owner, however much it asks for. */
static inline bool outq_room(const struct outq *outq) {
    return outq->owned == 0 && OUTQ_PIECES - outq->count >= OUTQ_REPLY_PIECES &&
           sizeof outq->space - outq->used >= OUTQ_REPLY_BYTES;
}

/* Space to render into, at its end; `*len` bytes of it. Then outq_commit what was used. */
static inline char *outq_space(struct outq *outq, size_t *len) {
    *len = sizeof outq->space - outq->used;
    return outq->space + outq->used;
}
void outq_commit(struct outq *outq, size_t len);

/* Appends memory or a file range that `owner` keeps alive until it is released. len > 0. */
void outq_memory(struct outq *outq, const char *at, size_t len, void *owner);
void outq_file(struct outq *outq, const struct outq_source *source, bool by_reference, uint64_t first, size_t len,
               void *owner);

/* What to send next. Not to be called on an empty queue. */
void outq_next(struct outq *outq, struct outq_send *send);

/* `len` bytes of what outq_next showed have been sent. */
void outq_advance(struct outq *outq, size_t len);

/* Drops everything that waits, releasing its owners. */
void outq_clear(struct outq *outq);

#endif
