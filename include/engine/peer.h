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

/* Has the connection count for the address that `key` stands for (address_key; 0: for none), and no longer for the one
   before. False: that address has as many as it may (--max-per-ip), and the connection counts for none. */
typedef bool peer_count_fn(struct conn *conn, uint64_t key);

/* A new connection, whose conn->from is set: notes whether that is trusted. */
void peer_open(struct conn *conn);

/* Its PROXY header has said that it is from `address`. False: there are too many from there. */
bool peer_introduce(struct conn *conn, const struct address *address);

/* *from: whom a request is from, as far as that is known. True: another than its connection. */
bool peer_find(const struct conn *conn, const struct request *request, struct address *from);

/* The same for a request that is to be answered now. If it came through a balancer, its connection counts for whom the
   request is from until peer_answered. False: that one has as many as it may. */
bool peer_ask(struct conn *conn, const struct request *request, struct address *from);
void peer_answered(struct conn *conn);

#endif
