/* The address of a socket: an IPv4, IPv6 or unix one. */
#ifndef ADDRESS_H
#define ADDRESS_H

#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

struct address {
    union {
        struct sockaddr any;
        struct sockaddr_in ipv4;
        struct sockaddr_in6 ipv6;
        struct sockaddr_un local;
        struct sockaddr_storage room;
    } u;
    socklen_t len;
};

enum { ADDRESS_NAME_MAX = NI_MAXHOST + 16 };

/* What `fd` is bound to. False: it is no socket. */
bool address_of(int fd, struct address *address);

/* 0 of a unix socket. */
int address_port(const struct address *address);
void address_set_port(struct address *address, int port);

/* Every interface, of AF_INET or AF_INET6. */
struct address address_wildcard(int family, int port);
bool address_is_wildcard(const struct address *address);
bool address_is_loopback(const struct address *address);

/* "127.0.0.1:80", "[::1]:80" */
void address_name(const struct address *address, char *text, size_t size);

/* Whether both mean the same place to listen at. */
bool address_same(const struct address *a, const struct address *b);

#endif
