/* Pieces leave from the front only, and the queue starts over when it is empty, so neither the pieces nor the space
   ever wrap around: a queue is filled, drained, and filled again. */
#include "base/outq.h"
#include "base/check.h"

static struct iovec *outq_append(struct outq *outq, struct outq_piece piece, const char *at, size_t len) {
    CHECK(outq->count < OUTQ_PIECES && len > 0);
    outq->owned += piece.owner != NULL;
    outq->queued += len;
    outq->piece[outq->count] = piece;
    struct iovec *iov = &outq->iov[outq->count++];
    *iov = (struct iovec){.iov_base = (void *)(uintptr_t)at, .iov_len = len};
    return iov;
}

static void outq_restart(struct outq *outq) {
    outq->next = outq->count = outq->used = outq->owned = 0;
    outq->queued = 0;
}

void outq_init(struct outq *outq, void (*release)(void *owner)) {
    outq->release = release;
    outq_restart(outq);
}

void outq_commit(struct outq *outq, size_t len) {
    CHECK(len <= sizeof outq->space - outq->used);
    const char *at = outq->space + outq->used;
    outq->used += (unsigned)len;
    if (outq->count > outq->next) {
        struct iovec *last = &outq->iov[outq->count - 1];
        if (!outq->piece[outq->count - 1].owner && (char *)last->iov_base + last->iov_len == at) {
            last->iov_len += len;
            outq->queued += len;
            return;
        }
    }
    outq_append(outq, (struct outq_piece){0}, at, len);
}

void outq_memory(struct outq *outq, const char *at, size_t len, void *owner) {
    outq_append(outq, (struct outq_piece){.owner = owner}, at, len);
}

void outq_file(struct outq *outq, const struct outq_source *source, bool by_reference, uint64_t first, size_t len,
               void *owner) {
    outq_append(outq, (struct outq_piece){owner, source, by_reference, first}, NULL, len);
}

void outq_next(struct outq *outq, struct outq_send *send) {
    CHECK(!outq_empty(outq));
    unsigned first = outq->next, end = first;
    send->len = 0;
    while (end < outq->count && !outq->piece[end].source)
        send->len += outq->iov[end++].iov_len;
    send->iov = &outq->iov[first];
    send->iov_count = end - first;
    unsigned after = end;
    if (end == first) /* no memory: a range of a file */
        send->len = outq->iov[after++].iov_len;
    send->alone = after == outq->count;
    send->more = !send->alone;
    while (after < outq->count && !outq->piece[after].source)
        after++;
    send->last = after == outq->count;
    send->source = outq->piece[first].source;
    send->owner = outq->piece[first].owner;
    send->by_reference = outq->piece[first].by_reference;
    send->first = outq->piece[first].first;
}

void outq_advance(struct outq *outq, size_t len) {
    while (len > 0) {
        CHECK(!outq_empty(outq));
        struct iovec *iov = &outq->iov[outq->next];
        struct outq_piece *piece = &outq->piece[outq->next];
        if (len < iov->iov_len) {
            iov->iov_len -= len;
            if (!piece->source)
                iov->iov_base = (char *)iov->iov_base + len;
            else
                piece->first += len;
            return;
        }
        len -= iov->iov_len;
        outq->next++;
        if (piece->owner)
            outq->release(piece->owner);
    }
    if (outq_empty(outq))
        outq_restart(outq);
}

void outq_clear(struct outq *outq) {
    for (; !outq_empty(outq); outq->next++)
        if (outq->piece[outq->next].owner)
            outq->release(outq->piece[outq->next].owner);
    outq_restart(outq);
}
