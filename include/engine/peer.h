/* Whom a connection is from, and a request: the other end of its socket; or, when that is a balancer that is trusted,
   whom it says that it speaks for, in a PROXY header for the whole connection or in a field for one request. */
#ifndef PEER_H
#define PEER_H

#include "base/network.h"
#include "protocol/forwarded.h"

struct conn;

/* What the user said about those in front. */
struct peer_trust {
    struct network_list in_front; /* whose word is taken; nobody's when it is empty */
    bool proxy_protocol;          /* their connections begin with a PROXY header */
    enum forwarded_field field;
};

/* Has the connection count for whom `key` stands for (address_key), and no more for whom it did; 0: for nobody. False:
   for him there are as many as may be already, and it counts for nobody. */
typedef bool peer_count_fn(struct conn *conn, uint64_t key);

/* A new connection, whose conn->from is set: notes whether that is trusted. */
void peer_open(struct conn *conn);

/* What its PROXY header said. False: there are too many from there. */
bool peer_introduce(struct conn *conn, const struct address *address);

/* Whom a request is from, as far as that is known. True: not whom its connection is from. */
bool peer_find(const struct conn *conn, const struct request *request, struct address *from);

/* The same for one that is to be answered. False: there are as many under way from there as may be. Else the connection
   of one that is trusted counts for whom the request is from until peer_answered. */
bool peer_ask(struct conn *conn, const struct request *request, struct address *from);
void peer_answered(struct conn *conn);

#endif
