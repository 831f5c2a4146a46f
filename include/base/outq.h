/* What a connection has yet to send: a queue of pieces, each of them memory or a range of a file. A piece lies in the
   queue's own space, or belongs to an owner, who is released when it has left. Bytes rendered into the space join the
   piece before them, so the replies to pipelined requests leave as one. Does no I/O. Lengths are in bytes; too many
   pieces or bytes are a bug of the caller's, who has asked outq_room before. */
#ifndef OUTQ_H
#define OUTQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum {
    OUTQ_SIZE =
        32 * 1024, /* of a whole struct outq: sixteen pipelined replies of 1 KiB and their heads leave together */
    OUTQ_FIELDS_LEN = 40, /* of it, what comes before `iov`, at most */
    OUTQ_PIECES = 48,
    /* What one reply may take: a multipart reply has a head before each of its parts. */
    OUTQ_REPLY_PIECES = 36,
    OUTQ_REPLY_BYTES = 8 * 1024,
};

/* A file to send ranges of. It belongs to the piece's owner and doesn't change while there are pieces of it: so whoever
   sends them reads it without a lock. */
struct outq_source {
    int fd;
    bool provable;    /* it is short enough to be hashed: that tells whether it has only grown, or was rewritten */
    bool hashed;      /* `content` is the hash of all bytes; else that may be found as a fact of `key` (site/known.h) */
    bool remote;      /* its file system may hang: any system call on it may wait */
    uint32_t subtree; /* load.subtree of its loads */
    uint64_t version; /* version_of() the file that the head describes: no other may be sent, */
    uint64_t size;    /*   but one that has only grown beyond these bytes */
    uint64_t content, key;
    uint64_t written; /* version_written() of it, */
    uint64_t links;   /*   and how many names it had: losing one changes the version, but not the bytes */
};

/* Its length is its iovec's, which also points to it, if it is memory. */
struct outq_piece {
    void *owner;                      /* released when the piece has left; NULL: it lies in the queue's own space */
    const struct outq_source *source; /* NULL: it is memory; else a range of this file: */
    bool by_reference;                /*   may be sent without being copied first, as it hasn't changed for a while */
    uint64_t first;                   /*   its offset */
};

struct outq {
    void (*release)(void *owner);
    unsigned next, count;          /* pieces next .. count-1 wait */
    unsigned used;                 /* bytes of `space` */
    unsigned owned;                /* pieces with an owner that were added since it was last empty */
    uint64_t queued;               /* bytes that were added since it was last empty */
    struct iovec iov[OUTQ_PIECES]; /* of a file's range only iov_len is used */
    struct outq_piece piece[OUTQ_PIECES];
    char space[OUTQ_SIZE - OUTQ_FIELDS_LEN - OUTQ_PIECES * (sizeof(struct iovec) + sizeof(struct outq_piece))];
};
_Static_assert(sizeof(struct outq) <= OUTQ_SIZE, "OUTQ_FIELDS_LEN is enough");

/* What is to be sent next: iov_count > 0 pieces of memory, or else one range of a file. */
struct outq_send {
    struct iovec *iov;
    unsigned iov_count;
    bool more;                        /* something follows at once (MSG_MORE) */
    bool alone;                       /* nothing follows in the queue */
    bool last;                        /* no range of a file follows in the queue */
    const struct outq_source *source; /* the range: as in outq_piece */
    void *owner;
    bool by_reference;
    uint64_t first;
    size_t len; /* of the range, or of all those pieces together */
};

void outq_init(struct outq *outq, void (*release)(void *owner));

static inline bool outq_empty(const struct outq *outq) {
    return outq->next == outq->count;
}

/* Whether any reply that keeps to OUTQ_REPLY_PIECES and OUTQ_REPLY_BYTES may be added now. None may behind a piece that
   has an owner: so a client that doesn't read keeps one owner from being released, however much it asks for. */
static inline bool outq_room(const struct outq *outq) {
    return outq->owned == 0 && OUTQ_PIECES - outq->count >= OUTQ_REPLY_PIECES &&
           sizeof outq->space - outq->used >= OUTQ_REPLY_BYTES;
}

/* Space to render into, `*len` bytes of it. Then outq_commit what was used: that queues it. */
static inline char *outq_space(struct outq *outq, size_t *len) {
    *len = sizeof outq->space - outq->used;
    return outq->space + outq->used;
}
void outq_commit(struct outq *outq, size_t len);

/* Adds memory or a range of a file, which `owner` keeps alive until it is released. len > 0. */
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
