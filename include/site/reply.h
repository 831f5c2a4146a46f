/* Replies: what is answered to a request, decided whole before the first byte leaves. Cannot fail: failing is a reply
   too. */
#ifndef REPLY_H
#define REPLY_H

#include "base/clock.h"
#include "base/outq.h"
#include "protocol/request.h"

struct site;

/* Renders the reply to a whole, well-formed request behind what `outq` holds; outq_room() must be true. `last`: it says
   Connection: close. Nothing of the request is referred to afterwards. Returns whether the reply says so, which it also
   does when the target makes no sense. */
bool reply_build(struct site *site, const struct clock *clock, const struct request *request, bool last,
                 struct outq *outq);

/* Renders the reply to what request_parse refused with `status` (of `request` only the parts valid then are looked at),
   saying Connection: close. */
void reply_error(struct site *site, const struct clock *clock, const struct request *request, int status,
                 struct outq *outq);

/* Releases the owner of a piece that reply_build put in a queue: for outq_init. */
void reply_release(void *owner);

#endif
