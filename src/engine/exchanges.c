/* Replies leave in the order in which they were queued: so exchanges begin at one end and end at the other, and what is
   kept of them is used up like the space of an output queue, until all have left. */
#include "engine/exchanges.h"
#include "base/check.h"

enum { ALIGNED = _Alignof(max_align_t) };

void exchanges_init(struct exchanges *exchanges) {
    exchanges->next = exchanges->count = 0;
    exchanges->kept_len = 0;
}

bool exchanges_room(const struct exchanges *exchanges, const struct watch *watch) {
    return exchanges->count < EXCHANGES_MAX && exchanges->kept_len <= watch->keep_max;
}

void exchanges_begin(struct exchanges *exchanges, const struct watch *watch, const struct conn *conn,
                     const struct exchange *exchange, const struct asked *asked, uint64_t end) {
    CHECK(exchanges_room(exchanges, watch));
    struct exchange_kept *kept = &exchanges->at[exchanges->count++];
    kept->exchange = *exchange;
    kept->end = end;
    kept->first = exchanges->kept_len;
    kept->len = 0;
    if (watch->begun)
        kept->len = watch->begun(watch->ctx, conn, exchange, asked, exchanges->kept + kept->first);
    CHECK(kept->len <= watch->keep_max);
    exchanges->kept_len += (kept->len + ALIGNED - 1) & ~(size_t)(ALIGNED - 1);
}

static void exchanges_end(struct exchanges *exchanges, const struct watch *watch, const struct conn *conn,
                          uint64_t sent) {
    struct exchange_kept *kept = &exchanges->at[exchanges->next++];
    uint64_t left = kept->end > sent ? kept->end - sent : 0, len = kept->exchange.len;
    kept->exchange.sent = left < len ? len - left : 0;
    watch->ended(watch->ctx, conn, &kept->exchange, exchanges->kept + kept->first, kept->len);
}

void exchanges_sent(struct exchanges *exchanges, const struct watch *watch, const struct conn *conn, uint64_t sent) {
    while (exchanges->next < exchanges->count && exchanges->at[exchanges->next].end <= sent)
        exchanges_end(exchanges, watch, conn, sent);
}

void exchanges_cut(struct exchanges *exchanges, const struct watch *watch, const struct conn *conn, uint64_t sent) {
    while (exchanges->next < exchanges->count)
        exchanges_end(exchanges, watch, conn, sent);
}
