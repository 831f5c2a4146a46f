#define _GNU_SOURCE
#include "host/socket_address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

bool socket_address_of(int fd, struct socket_address *address) {
    memset(address, 0, sizeof *address);
    address->len = sizeof address->u;
    return getsockname(fd, &address->u.any, &address->len) == 0;
}

int socket_address_port(const struct socket_address *address) {
    if (address->u.any.sa_family == AF_INET)
        return ntohs(address->u.ipv4.sin_port);
    return address->u.any.sa_family == AF_INET6 ? ntohs(address->u.ipv6.sin6_port) : 0;
}

void socket_address_set_port(struct socket_address *address, int port) {
    if (address->u.any.sa_family == AF_INET)
        address->u.ipv4.sin_port = htons((uint16_t)port);
    else
        address->u.ipv6.sin6_port = htons((uint16_t)port);
}

struct socket_address socket_address_wildcard(int family, int port) {
    struct socket_address address = {.len = family == AF_INET ? sizeof address.u.ipv4 : sizeof address.u.ipv6};
    address.u.any.sa_family = (sa_family_t)family; /* INADDR_ANY and in6addr_any are zero bytes */
    socket_address_set_port(&address, port);
    return address;
}

bool socket_address_is_wildcard(const struct socket_address *address) {
    if (address->u.any.sa_family == AF_INET)
        return address->u.ipv4.sin_addr.s_addr == htonl(INADDR_ANY);
    return IN6_IS_ADDR_UNSPECIFIED(&address->u.ipv6.sin6_addr);
}

bool socket_address_is_loopback(const struct socket_address *address) {
    if (address->u.any.sa_family == AF_INET)
        return ntohl(address->u.ipv4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    return IN6_IS_ADDR_LOOPBACK(&address->u.ipv6.sin6_addr);
}

void socket_address_name(const struct socket_address *address, char *text, size_t size) {
    char host[NI_MAXHOST] = "?";
    bool ipv6 = address->u.any.sa_family == AF_INET6;
    getnameinfo(&address->u.any, address->len, host, sizeof host, NULL, 0, NI_NUMERICHOST);
    snprintf(text, size, ipv6 ? "[%s]:%d" : "%s:%d", host, socket_address_port(address));
}

bool socket_address_same(const struct socket_address *a, const struct socket_address *b) {
    if (a->u.any.sa_family != b->u.any.sa_family)
        return false;
    if (a->u.any.sa_family == AF_INET)
        return a->u.ipv4.sin_addr.s_addr == b->u.ipv4.sin_addr.s_addr && a->u.ipv4.sin_port == b->u.ipv4.sin_port;
    if (a->u.any.sa_family == AF_INET6)
        return IN6_ARE_ADDR_EQUAL(&a->u.ipv6.sin6_addr, &b->u.ipv6.sin6_addr) &&
               a->u.ipv6.sin6_port == b->u.ipv6.sin6_port && a->u.ipv6.sin6_scope_id == b->u.ipv6.sin6_scope_id;
    return memcmp(a->u.local.sun_path, b->u.local.sun_path, sizeof a->u.local.sun_path) == 0;
}
