/* Our own variable is FD[+][=NAME] for each socket, behind the descriptor of the predecessor's end, with colons
   between, which no name holds: '+' is a port that the kernel picked, NAME a service manager's. Versions must go on to
   understand each other: one is replaced by another by its means. */
#define _GNU_SOURCE
#include "host/inherited.h"

#include "host/socket_address.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char variable[] = "HTTPD_UPGRADE";

enum { FIRST_FD = 3 }; /* SD_LISTEN_FDS_START */

static bool inherited_fail(const struct inherited_socket *socket, const char *why, char *error, size_t error_size) {
    if (socket->name)
        snprintf(error, error_size, "LISTEN_FDS: descriptor %d (%.255s) %s", socket->fd, socket->name, why);
    else
        snprintf(error, error_size, "%s: descriptor %d %s", variable, socket->fd, why);
    return false;
}

static bool inherited_check(const struct inherited_socket *socket, char *error, size_t error_size) {
    int type = 0, listening = 0, fd = socket->fd, flags = fcntl(fd, F_GETFL);
    socklen_t type_len = sizeof type, listening_len = sizeof listening;
    struct socket_address address;
    if (flags < 0)
        return inherited_fail(socket, "is not open", error, error_size);
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) < 0)
        return inherited_fail(socket, "is not a socket", error, error_size);
    if (type != SOCK_STREAM || getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &listening_len) < 0 || !listening)
        return inherited_fail(socket, "is not a listening stream socket (of systemd: ListenStream=, Accept=no)", error,
                              error_size);
    if (!socket_address_of(fd, &address) || (address.u.any.sa_family != AF_INET &&
                                             address.u.any.sa_family != AF_INET6 && address.u.any.sa_family != AF_UNIX))
        return inherited_fail(socket, "is a socket of neither IPv4, IPv6 nor the file system", error, error_size);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    return true;
}

/* The number that a text begins with, which is moved on behind it; -1: there is none. */
static int take_number(const char **text) {
    char *end;
    if (**text < '0' || **text > '9')
        return -1;
    long number = strtol(*text, &end, 10);
    *text = end;
    return number <= INT_MAX ? (int)number : -1;
}

static bool inherited_read_own(struct inherited *inherited, char *text) {
    char *place = strsep(&text, ":");
    const char *at = place;
    inherited->predecessor_fd = take_number(&at);
    while (text && inherited->count < LISTEN_MAX) {
        struct inherited_socket *socket = &inherited->sockets[inherited->count++];
        at = strsep(&text, ":");
        socket->fd = take_number(&at);
        socket->chosen = *at == '+';
        at += socket->chosen;
        socket->name = *at == '=' ? at + 1 : NULL;
    }
    return inherited->predecessor_fd >= 0 && fcntl(inherited->predecessor_fd, F_SETFD, FD_CLOEXEC) == 0;
}

static bool inherited_read_manager(struct inherited *inherited, const char *fds, char *names) {
    const char *end = fds;
    int count = take_number(&end);
    if (count < 0 || *end || count > LISTEN_MAX)
        return false;
    for (int i = 0; i < count; i++) {
        const char *name = strsep(&names, ":");
        inherited->sockets[i] = (struct inherited_socket){.fd = FIRST_FD + i, .name = name ? name : "unknown"};
    }
    inherited->count = count;
    return true;
}

static bool is_for_us(const char *pid) {
    return pid && strtol(pid, NULL, 10) == (long)getpid();
}

/* A variable's value, NULL where it isn't set, moves to *value, which is the caller's; false without memory for it. */
static bool take_variable(const char *name, char **value) {
    const char *text = getenv(name);
    *value = text ? strdup(text) : NULL;
    bool ok = *value || !text;
    unsetenv(name);
    return ok;
}

bool inherited_read(struct inherited *inherited, char *error, size_t error_size) {
    char *own, *fds, *names;
    bool ours = is_for_us(getenv("LISTEN_PID"));
    bool ok = take_variable(variable, &own);
    ok &= take_variable("LISTEN_FDS", &fds);
    ok &= take_variable("LISTEN_FDNAMES", &names);
    unsetenv("LISTEN_PID");
    *inherited = (struct inherited){.names = own ? own : names, .predecessor_fd = -1};
    if (!ok)
        snprintf(error, error_size, "no memory to read which sockets were inherited");
    else if (own && !(ok = inherited_read_own(inherited, own)))
        snprintf(error, error_size, "%s: not what a server sets that is to be replaced: unset it", variable);
    else if (!own && fds && ours && !(ok = inherited_read_manager(inherited, fds, names)))
        snprintf(error, error_size, "LISTEN_FDS=%.32s: not a number of sockets (0 to %d)", fds, LISTEN_MAX);
    for (int i = 0; i < inherited->count && ok; i++)
        ok = inherited_check(&inherited->sockets[i], error, error_size);
    if (own)
        free(names);
    free(fds);
    return ok;
}

int inherited_take(struct inherited *inherited, int place) {
    inherited->sockets[place].taken = true;
    return inherited->sockets[place].fd;
}

int inherited_find(const struct inherited *inherited, const struct socket_address *address, bool chosen) {
    for (int i = 0; i < inherited->count; i++) {
        const struct inherited_socket *socket = &inherited->sockets[i];
        struct socket_address bound;
        if (socket->name || socket->taken || !socket_address_of(socket->fd, &bound))
            continue;
        if (chosen && socket->chosen && socket_address_port(address) == 0 && bound.u.any.sa_family != AF_UNIX)
            socket_address_set_port(&bound, 0);
        if (socket_address_same(&bound, address))
            return i;
    }
    return -1;
}

listener_set inherited_taken(const struct inherited *inherited) {
    listener_set taken = 0;
    for (int i = 0; i < inherited->count; i++)
        taken |= (listener_set)inherited->sockets[i].taken << i;
    return taken;
}

void inherited_close(struct inherited *inherited) {
    for (int i = 0; i < inherited->count; i++)
        if (!inherited->sockets[i].taken)
            close(inherited->sockets[i].fd);
}

void inherited_write(const struct listeners *listeners, int predecessor_fd, char *text, size_t size) {
    size_t len = (size_t)snprintf(text, size, "%s=%d", variable, predecessor_fd);
    for (int i = 0; i < listeners->count && len < size; i++)
        len +=
            (size_t)snprintf(text + len, size - len, ":%d%s%s%.255s", listeners->fd[i], listeners->chosen[i] ? "+" : "",
                             listeners->name[i] ? "=" : "", listeners->name[i] ? listeners->name[i] : "");
}
