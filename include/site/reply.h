/* Replies: what is answered to a request, decided whole before the first byte leaves. Cannot fail: failing is a reply
   too. */
#ifndef REPLY_H
#define REPLY_H

#include "base/clock.h"
#include "base/load.h"
#include "base/outq.h"
#include "protocol/request.h"

struct site;

enum reply_outcome {
    REPLY_OPEN,    /* the connection stays */
    REPLY_LAST,    /* it says Connection: close */
    REPLY_LOADING, /* nothing has been rendered: something must be loaded first */
};

struct replied {
    enum reply_outcome outcome;
    int status;        /* what was answered */
    uint32_t head_len; /* bytes of the head, its empty line included */
};

/* Who asks; and what is kept of a request from one time that it is to be answered to the next, after a load. */
struct asker {
    uint64_t peer;              /* address_key() of whom it is from */
    const struct address *from; /* whom it is from */
    bool too_many;              /* there are too many from there: it is answered 429 */
    uint64_t since_ms;          /* when the request came */
    uint32_t since_look;        /* lookup.since_look: set by reply_build the first time, kept by the caller */
    struct load *load;          /* what has been waited for, or is to be: a reference; NULL the first time */
};

/* Renders the reply to a whole, well-formed request behind what `outq` holds; outq_room() must be true. `last`: it is
   to say Connection: close (it also does when the target makes no sense). Nothing refers to the request's bytes
   afterwards.

   REPLY_LOADING: asker->load is to be waited for; when it is done the same is asked again, with the same asker. In the
   end asker->load is what was waited for last, the caller's to put. */
struct replied reply_build(struct site *site, const struct clock *clock, const struct request *request,
                           struct asker *asker, bool last, struct outq *outq);

/* Renders the reply to what request_parse refused with `status` (of `request` only the parts valid then are looked at),
   saying Connection: close. */
struct replied reply_error(struct site *site, const struct clock *clock, const struct request *request, int status,
                           struct outq *outq);

/* Releases the owner of a piece that reply_build put in a queue: for outq_init. */
void reply_release(void *owner);

#endif
