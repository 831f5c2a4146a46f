#define _GNU_SOURCE
#include "host/listener_urls.h"

#include "host/socket_address.h"
#include "host/terminal.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* To click at, where the terminal knows how. */
static void print_link(const char *name, const char *note, int out_fd) {
    if (terminal_has_links(out_fd))
        dprintf(out_fd, "  \033]8;;http://%s/\033\\http://%s/\033]8;;\033\\%s\n", name, name, note);
    else
        dprintf(out_fd, "  http://%s/%s\n", name, note);
}

static void print_url(const struct socket_address *address, int out_fd) {
    char name[SOCKET_ADDRESS_NAME_MAX];
    socket_address_name(address, name, sizeof name);
    print_link(name, socket_address_is_loopback(address) ? "" : " (from other machines)", out_fd);
}

/* Link-local addresses are left out: browsers take no URL with a zone. */
static void print_interfaces(const struct ifaddrs *interfaces, int family, int port, bool loopback, int out_fd) {
    for (const struct ifaddrs *each = interfaces; each; each = each->ifa_next) {
        if (!(each->ifa_flags & IFF_UP) || !each->ifa_addr || each->ifa_addr->sa_family != family)
            continue;
        struct socket_address address = socket_address_wildcard(family, port);
        memcpy(&address.u, each->ifa_addr, address.len);
        socket_address_set_port(&address, port);
        bool link_local = family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&address.u.ipv6.sin6_addr);
        if (!link_local && socket_address_is_loopback(&address) == loopback)
            print_url(&address, out_fd);
    }
}

static void print_wildcard(const struct socket_address *address, int out_fd) {
    struct ifaddrs *interfaces = NULL;
    int family = address->u.any.sa_family, port = socket_address_port(address);
    if (getifaddrs(&interfaces) != 0) {
        char name[SOCKET_ADDRESS_NAME_MAX];
        snprintf(name, sizeof name, "%s:%d", family == AF_INET ? "127.0.0.1" : "[::1]", port);
        print_link(name, "", out_fd);
        return;
    }
    print_interfaces(interfaces, family, port, true, out_fd);
    print_interfaces(interfaces, family, port, false, out_fd);
    freeifaddrs(interfaces);
}

void listener_urls_print(const struct listeners *listeners, int out_fd) {
    struct socket_address address;
    for (int i = 0; i < listeners->count; i++) {
        if (!socket_address_of(listeners->fd[i], &address))
            continue;
        if (address.u.any.sa_family == AF_UNIX)
            dprintf(out_fd, "  unix:%s%s\n", *address.u.local.sun_path ? "" : "@",
                    address.u.local.sun_path + !*address.u.local.sun_path);
        else if (socket_address_is_wildcard(&address))
            print_wildcard(&address, out_fd);
        else
            print_url(&address, out_fd);
    }
}

void listener_urls_print_chosen(const struct listeners *listeners, int out_fd) {
    struct socket_address address;
    char name[SOCKET_ADDRESS_NAME_MAX];
    int printed = 0;
    for (int i = 0; i < listeners->count; i++) {
        if (!listeners->chosen[i] || !socket_address_of(listeners->fd[i], &address) ||
            socket_address_port(&address) == printed)
            continue;
        printed = socket_address_port(&address); /* once for both families */
        if (socket_address_is_wildcard(&address))
            snprintf(name, sizeof name, address.u.any.sa_family == AF_INET ? "127.0.0.1:%d" : "[::1]:%d", printed);
        else
            socket_address_name(&address, name, sizeof name);
        dprintf(out_fd, "http://%s/\n", name);
    }
}

static void foresee_wildcard(int port, int out_fd) {
    struct socket_address ipv4 = socket_address_wildcard(AF_INET, port), ipv6 = socket_address_wildcard(AF_INET6, port);
    print_wildcard(&ipv4, out_fd);
    print_wildcard(&ipv6, out_fd);
}

void listener_urls_foresee(const char *const *specs, int spec_count, int port, int out_fd) {
    if (spec_count == 0)
        foresee_wildcard(port, out_fd);
    for (int i = 0; i < spec_count; i++) {
        if (specs[i][0] == ':')
            foresee_wildcard(atoi(specs[i] + 1), out_fd);
        else if (strncmp(specs[i], "unix:", 5) == 0 || strncmp(specs[i], "fd:", 3) == 0)
            dprintf(out_fd, "  %s\n", specs[i]);
        else
            dprintf(out_fd, "  http://%s/\n", specs[i]);
    }
}
