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

/* Renders the reply to a whole, well-formed request behind what `outq` holds; outq_room() must be true. `last`: it says
   Connection: close, which it also does when the target makes no sense. Nothing of the request is referred to
   afterwards. `since_ms`: when it came; `peer`: from which
   address, as it counts.

   REPLY_LOADING: *load, the caller's reference, is to be waited for; when it is done the same is asked again, with it.
   Before the first time, *load is NULL; in the end it is what was waited for last, the caller's to put. */
enum reply_outcome reply_build(struct site *site, const struct clock *clock, const struct request *request,
                               uint64_t since_ms, uint64_t peer, bool last, struct outq *outq, struct load **load);

/* Renders the reply to what request_parse refused with `status` (of `request` only the parts valid then are looked at),
   saying Connection: close. */
void reply_error(struct site *site, const struct clock *clock, const struct request *request, int status,
                 struct outq *outq);

/* Releases the owner of a piece that reply_build put in a queue: for outq_init. */
void reply_release(void *owner);

#endif
