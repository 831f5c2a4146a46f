/* Whom a request came from before the balancers that it came through, as they say in X-Forwarded-For or in Forwarded
   (RFC 7239): each adds whom it has it from behind what it was told, which may be a lie. */
#ifndef FORWARDED_H
#define FORWARDED_H

#include "base/network.h"
#include "protocol/request.h"

/* Which field they say it in. Only one is looked at: the other may be their client's own. */
enum forwarded_field { FORWARDED_X_FORWARDED_FOR, FORWARDED_FORWARDED };

/* *from is whom the request came from to whom isn't trusted: the right-most address in the field that isn't in
   `trusted`; or, when there is none, or what stands there is no address ("unknown", an obfuscated name, what is
   malformed), the last one that is, beginning with `peer`, whom we have it from and who is trusted. True: it isn't
   trusted. In X-Forwarded-For an address may have a port, and IPv6 brackets. */
bool forwarded_find(const struct request *request, enum forwarded_field field, const struct network_list *trusted,
                    const struct address *peer, struct address *from);

#endif
