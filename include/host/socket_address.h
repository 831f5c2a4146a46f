/* What a socket is bound to, as the kernel has it: an IPv4, IPv6 or unix address. (Clients': base/address.h.) */
#ifndef SOCKET_ADDRESS_H
#define SOCKET_ADDRESS_H

#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

struct socket_address {
    union {
        struct sockaddr any;
        struct sockaddr_in ipv4;
        struct sockaddr_in6 ipv6;
        struct sockaddr_un local;
        struct sockaddr_storage room;
    } u;
    socklen_t len;
};

enum { SOCKET_ADDRESS_NAME_MAX = NI_MAXHOST + 16 };

/* What `fd` is bound to. False: it is no socket. */
bool socket_address_of(int fd, struct socket_address *address);

/* 0 for a unix socket, which has none. */
int socket_address_port(const struct socket_address *address);
void socket_address_set_port(struct socket_address *address, int port);

/* Every interface, of AF_INET or AF_INET6. */
struct socket_address socket_address_wildcard(int family, int port);
bool socket_address_is_wildcard(const struct socket_address *address);
bool socket_address_is_loopback(const struct socket_address *address);

/* "127.0.0.1:80", "[::1]:80" */
void socket_address_name(const struct socket_address *address, char *text, size_t size);

/* Whether both mean the same place to listen at. */
bool socket_address_same(const struct socket_address *a, const struct socket_address *b);

#endif
