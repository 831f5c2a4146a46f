/* Which client sent a request that came through balancers, by X-Forwarded-For or Forwarded (RFC 7239): each balancer
   adds at the end of the field the address that it got the request from. What stood there before may be a lie. */
#ifndef FORWARDED_H
#define FORWARDED_H

#include "base/network.h"
#include "protocol/request.h"

/* Which field the balancers write. Only that is looked at: the other may be a client's own. */
enum forwarded_field { FORWARDED_X_FORWARDED_FOR, FORWARDED_FORWARDED };

/* Reads the field from its right end, as long as the addresses are in `trusted`. *from is the first that isn't: then
   the result is true. If there is none, or something that is no address comes before it ("unknown", an obfuscated name,
   what is malformed), *from is the last address that was trusted, which is `peer` at first (the other end of the
   connection, a trusted one): then it is false. In X-Forwarded-For an address may have a port, and an IPv6 address
   brackets. */
bool forwarded_find(const struct request *request, enum forwarded_field field, const struct network_list *trusted,
                    const struct address *peer, struct address *from);

#endif
