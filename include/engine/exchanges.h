/* The exchanges of a connection whose replies are under way, for whoever watches. Borrowed as the output queue is, and
   only where somebody does. */
#ifndef EXCHANGES_H
#define EXCHANGES_H

#include "engine/watch.h"

enum { EXCHANGES_MAX = 128 }; /* more small replies than an output queue holds */

struct exchange_kept {
    struct exchange exchange;
    uint64_t end; /* it has left when the queue has sent so many bytes */
    size_t first; /* what the watcher keeps of it: exchanges.kept[first..+len) */
    size_t len;
};

struct exchanges {
    unsigned next, count; /* at[next .. count-1] have not ended */
    size_t kept_len;      /* bytes of `kept` in use */
    struct exchange_kept at[EXCHANGES_MAX];
    _Alignas(max_align_t) char kept[]; /* EXCHANGES_KEPT(keep_max) bytes */
};

/* Twice the longest: exchanges_room() lets one more begin while no more than half is in use. */
#define EXCHANGES_KEPT(keep_max) (2 * (size_t)(keep_max))
#define EXCHANGES_LEN(keep_max) (sizeof(struct exchanges) + EXCHANGES_KEPT(keep_max))

void exchanges_init(struct exchanges *exchanges);

/* Whether another one fits, whatever is kept of it. */
bool exchanges_room(const struct exchanges *exchanges, const struct watch *watch);

/* A reply has been queued, which has left when `end` bytes have: tells the watcher that it begins. */
void exchanges_begin(struct exchanges *exchanges, const struct watch *watch, const struct conn *conn,
                     const struct exchange *exchange, const struct asked *asked, uint64_t end);

/* `sent` bytes have left in all: tells the watcher of the exchanges that have ended by that. */
void exchanges_sent(struct exchanges *exchanges, const struct watch *watch, const struct conn *conn, uint64_t sent);

/* No more will: tells of all that are left, with what was sent of each. */
void exchanges_cut(struct exchanges *exchanges, const struct watch *watch, const struct conn *conn, uint64_t sent);

#endif
