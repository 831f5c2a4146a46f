/* The PROXY protocol, versions 1 and 2 (https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt): what a balancer
   sends before the first byte of its client, to tell who that is. Whether to believe it is the caller's to judge. */
#ifndef PROXY_HEADER_H
#define PROXY_HEADER_H

#include "base/address.h"

#include <sys/types.h>

enum { PROXY_HEADER_INCOMPLETE = 0, PROXY_HEADER_BAD = -1 };

/* Parses the header at the start of bytes. Returns its length, without looking at what follows; PROXY_HEADER_INCOMPLETE
   while nothing is wrong and more is needed (never when len >= max); else PROXY_HEADER_BAD: the connection is to be
   closed without an answer. *from is the client's address; or ADDRESS_NONE, when the header says that the connection is
   the balancer's own (LOCAL, a health check) or doesn't say whose it is (UNKNOWN, or no IP address).

   Version 1 is strict: one space between its parts, addresses of the family that is named, ports of up to 5 digits, at
   most 107 bytes. In version 2 all but the address is skipped, its TLVs too: no checksum (CRC32C) is compared.
   Datagrams are taken like streams, as QUIC clients come that way to the balancer. */
ssize_t proxy_header_parse(const char *bytes, size_t len, size_t max, struct address *from);

#endif
