/* Addresses of clients: read, written, and told apart for counting. */
#ifndef ADDRESS_H
#define ADDRESS_H

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct sockaddr_storage;

enum address_kind {
    ADDRESS_NONE, /* not known */
    ADDRESS_IP,
    ADDRESS_LOCAL, /* the other end of a unix socket */
};

struct address {
    uint8_t bytes[16]; /* in network order; IPv4 as ::ffff:a.b.c.d, whichever way it came */
    uint16_t port;     /* 0: not known */
    uint8_t kind;
};

/* Room for what address_format writes. */
enum { ADDRESS_TEXT_MAX = 46 };

/* `bytes` are 4 or 16 (`len`), in network order. */
struct address address_ip(const void *bytes, size_t len, uint16_t port);

struct address address_of_socket(const struct sockaddr_storage *socket);

/* Reads an IPv6 or an IPv4 address, and nothing but that. */
bool address_parse_ip(struct slice text, bool v6, struct address *address);

/* Reads a decimal number of up to 5 digits that is a port's. */
bool address_parse_port(struct slice text, uint16_t *port);

/* Reads 192.0.2.1, 192.0.2.1:80, 2001:db8::1, [2001:db8::1] or [2001:db8::1]:80. False: it is none of these. */
bool address_parse(struct slice text, struct address *address);

/* Writes it without its port, and a NUL: "unix:" for the end of a unix socket, "-" where it isn't known. Returns the
   length, less than ADDRESS_TEXT_MAX. */
size_t address_format(const struct address *address, char *text);

bool address_is_v4(const struct address *address);

/* What its connections are counted by (--max-per-ip): equal for all addresses of a /64 of IPv6, which is one host's. 0:
   they aren't counted, as it is no IP address. */
uint64_t address_key(const struct address *address);

#endif
