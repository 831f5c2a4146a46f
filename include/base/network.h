/* Networks of addresses, as CIDR writes them (RFC 4632 3.1, RFC 4291 2.3), and lists of them that a user makes. */
#ifndef NETWORK_H
#define NETWORK_H

#include "base/address.h"
#include "base/bounds.h"

struct network {
    struct address first; /* ADDRESS_LOCAL: every unix socket */
    unsigned bits;        /* of the 128 that are the network's */
};

struct network_list {
    struct network networks[NETWORKS_MAX];
    int count;
};

/* Reads 192.0.2.0/24, 2001:db8::/32, an address alone, or "unix". Bits beyond the length count for nothing. */
bool network_parse(struct slice text, struct network *network);

/* An IPv4 address lies in networks of IPv4 alone, ::/0 not among them. */
bool network_has(const struct network *network, const struct address *address);

bool network_list_has(const struct network_list *list, const struct address *address);

#endif
