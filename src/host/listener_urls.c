#define _GNU_SOURCE
#include "host/listener_urls.h"

#include "host/address.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

static void print_url(const struct address *address, int out_fd) {
    char name[ADDRESS_NAME_MAX];
    address_name(address, name, sizeof name);
    dprintf(out_fd, "  http://%s/%s\n", name, address_is_loopback(address) ? "" : " (from other machines)");
}

/* Link-local addresses are left out: browsers take no URL with a zone. */
static void print_interfaces(const struct ifaddrs *interfaces, int family, int port, bool loopback, int out_fd) {
    for (const struct ifaddrs *each = interfaces; each; each = each->ifa_next) {
        if (!(each->ifa_flags & IFF_UP) || !each->ifa_addr || each->ifa_addr->sa_family != family)
            continue;
        struct address address = address_wildcard(family, port);
        memcpy(&address.u, each->ifa_addr, address.len);
        address_set_port(&address, port);
        bool link_local = family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&address.u.ipv6.sin6_addr);
        if (!link_local && address_is_loopback(&address) == loopback)
            print_url(&address, out_fd);
    }
}

static void print_wildcard(const struct address *address, int out_fd) {
    struct ifaddrs *interfaces = NULL;
    int family = address->u.any.sa_family, port = address_port(address);
    if (getifaddrs(&interfaces) != 0) {
        dprintf(out_fd, "  http://%s:%d/\n", family == AF_INET ? "127.0.0.1" : "[::1]", port);
        return;
    }
    print_interfaces(interfaces, family, port, true, out_fd);
    print_interfaces(interfaces, family, port, false, out_fd);
    freeifaddrs(interfaces);
}

void listener_urls_print(const struct listeners *listeners, int out_fd) {
    struct address address;
    for (int i = 0; i < listeners->count; i++) {
        if (!address_of(listeners->fd[i], &address))
            continue;
        if (address.u.any.sa_family == AF_UNIX)
            dprintf(out_fd, "  unix:%s%s\n", *address.u.local.sun_path ? "" : "@",
                    address.u.local.sun_path + !*address.u.local.sun_path);
        else if (address_is_wildcard(&address))
            print_wildcard(&address, out_fd);
        else
            print_url(&address, out_fd);
    }
}

void listener_urls_print_chosen(const struct listeners *listeners, int out_fd) {
    struct address address;
    char name[ADDRESS_NAME_MAX];
    int printed = 0;
    for (int i = 0; i < listeners->count; i++) {
        if (!listeners->chosen[i] || !address_of(listeners->fd[i], &address) || address_port(&address) == printed)
            continue;
        printed = address_port(&address); /* once for both families */
        if (address_is_wildcard(&address))
            snprintf(name, sizeof name, address.u.any.sa_family == AF_INET ? "127.0.0.1:%d" : "[::1]:%d", printed);
        else
            address_name(&address, name, sizeof name);
        dprintf(out_fd, "http://%s/\n", name);
    }
}
