/* A spec becomes one or more addresses, an address a socket. An address means itself, so 0.0.0.0 and [::] stand side by
   side: that is what a spec without a host means, every interface. One IPv6 socket for both families would do, but each
   IPv4 connection costs the kernel 2 % more there. What a socket is bound to is always asked of the kernel: the port it
   chose. */
#define _GNU_SOURCE
#include "host/listener.h"

#include "base/check.h"
#include "host/inherited.h"
#include "host/own_command.h"
#include "host/port_holder.h"
#include "host/socket_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct target {
    char host[256]; /* a DNS name's bound is 253; empty: every interface */
    int port;
};

struct opening {
    struct listeners *listeners;
    struct inherited *inherited;
    int place;        /* there, of the socket at hand; -1: it is new */
    const char *spec; /* NULL: from the port option */
    bool chosen;      /* the kernel is to pick the port */
    int waited_ms;    /* for what was in use */
    char *error;
    size_t error_size;
};

static bool parse_port(const char *text, int *port) {
    size_t len = strspn(text, "0123456789");
    *port = len && len <= 5 && !text[len] ? atoi(text) : -1;
    return *port >= 0 && *port <= 65535;
}

/* HOST:PORT, [V6]:PORT or :PORT. */
static bool parse_target(const char *spec, struct target *target) {
    const char *colon = strrchr(spec, ':'), *host = spec;
    struct in6_addr ignored;
    if (!colon || !parse_port(colon + 1, &target->port))
        return false;
    size_t len = (size_t)(colon - spec);
    bool bracketed = len >= 2 && spec[0] == '[' && colon[-1] == ']';
    if (bracketed)
        host++, len -= 2;
    if (len >= sizeof target->host || (bracketed && !len))
        return false;
    memcpy(target->host, host, len);
    target->host[len] = '\0';
    if (!bracketed)
        return !strpbrk(target->host, ":[]/ ");
    char numeric[sizeof target->host]; /* without the zone of a link-local address */
    memcpy(numeric, target->host, sizeof numeric);
    numeric[strcspn(numeric, "%")] = '\0';
    return inet_pton(AF_INET6, numeric, &ignored) == 1;
}

/* The name in "fd:NAME"; NULL: it is something else. */
static const char *handed_name(const char *spec) {
    return strncmp(spec, "fd:", 3) == 0 ? spec + 3 : NULL;
}

bool listener_spec_ok(const char *spec) {
    struct target target;
    struct local_socket local;
    if (handed_name(spec))
        return *handed_name(spec) && !strchr(handed_name(spec), ':');
    return local_socket_is(spec) ? local_socket_parse(&local, spec) : parse_target(spec, &target);
}

/* A listening socket, or -errno. */
static int open_socket(const struct socket_address *address) {
    int family = address->u.any.sa_family, on = 1, unsent = UNSENT_BYTES;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    /* SO_REUSEADDR: not kept out by connections of a server that has just ended */
    bool ready = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
                 setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0;
    /* a kernel that doesn't know it serves large files a little slower */
    setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
    if (ready && family == AF_INET6)
        ready = setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0;
    if (ready && bind(fd, &address->u.any, address->len) == 0 && listen(fd, LISTEN_BACKLOG) == 0)
        return fd;
    int error = errno;
    close(fd);
    return -error;
}

/* Whether to try an address in use once more, after a while that is spent here. */
static bool may_wait(struct opening *opening) {
    enum { PAUSE_MS = 20 };
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
    opening->waited_ms += PAUSE_MS;
    return opening->waited_ms <= IN_USE_WAIT_MS && nanosleep(&pause, NULL) == 0;
}

/* The predecessor's socket at the address, or a new one: its descriptor, or -errno. */
static int obtain(struct opening *opening, const struct socket_address *address, bool patiently) {
    opening->place = inherited_find(opening->inherited, address, opening->chosen);
    if (opening->place >= 0)
        return inherited_take(opening->inherited, opening->place);
    int fd = open_socket(address);
    while (fd == -EADDRINUSE && patiently && may_wait(opening))
        fd = open_socket(address);
    return fd;
}

static bool keep(struct opening *opening, int fd) {
    struct listeners *listeners = opening->listeners;
    if (listeners->count == LISTEN_MAX) {
        close(fd);
        snprintf(opening->error, opening->error_size, "too many addresses to listen at (at most %d)", LISTEN_MAX);
        return false;
    }
    int i = listeners->count++;
    listeners->fd[i] = fd;
    listeners->chosen[i] = opening->chosen;
    listeners->local[i] = (struct local_socket){.inode = 0};
    listeners->name[i] = opening->place >= 0 ? opening->inherited->sockets[opening->place].name : NULL;
    if (opening->place >= 0)
        listeners_share(listeners, (listener_set)1 << i);
    return true;
}

/* The next port that is free, of those whose numbers are near; 0: none. */
static int find_free_port(const struct socket_address *taken) {
    for (int port = socket_address_port(taken) + 1; port <= 65535 && port <= socket_address_port(taken) + 32; port++) {
        struct socket_address others[] = {socket_address_wildcard(AF_INET, port),
                                          socket_address_wildcard(AF_INET6, port)};
        int fd = open_socket(&others[0]), fd6 = open_socket(&others[1]);
        bool free4 = fd >= 0 || fd == -EAFNOSUPPORT, free6 = fd6 >= 0 || fd6 != -EADDRINUSE;
        if (fd >= 0)
            close(fd);
        if (fd6 >= 0)
            close(fd6);
        if (free4 && free6)
            return port;
    }
    return 0;
}

/* Of --port: with the command that takes another. */
static void explain_port(struct opening *opening, const struct socket_address *taken, const char *holder) {
    char port_text[16], command[512];
    snprintf(port_text, sizeof port_text, "%d", find_free_port(taken));
    own_command(command, sizeof command, "-p", port_text);
    snprintf(opening->error, opening->error_size, "port %d is in use by %s: stop it, or choose another port: %s",
             socket_address_port(taken), holder, command);
}

/* Of --port: who may not is told what may be had, and how to be allowed. */
static void explain_privileged(struct opening *opening, int port) {
    char port_text[16], command[512], self[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    self[len > 0 ? len : 0] = '\0';
    snprintf(port_text, sizeof port_text, "%d", port + 8000);
    own_command(command, sizeof command, "-p", port_text);
    snprintf(
        opening->error, opening->error_size,
        "port %d: ports below 1024 need root or CAP_NET_BIND_SERVICE (sudo setcap cap_net_bind_service=+ep %.256s): "
        "allow it, or choose another port: %s",
        port, len > 0 ? self : "httpd", command);
}

static void explain_in_use(struct opening *opening, const struct socket_address *address, const char *name) {
    char holder[128], self[32];
    if (!port_holder_find(&address->u.any, holder, sizeof holder)) /* bound, but not listening */
        snprintf(holder, sizeof holder, "a process that cannot be seen from here");
    snprintf(self, sizeof self, "(pid %d)", (int)getpid());
    if (strstr(holder, self))
        snprintf(opening->error, opening->error_size, "%s is asked for twice: leave out one -l", name);
    else if (opening->spec)
        snprintf(opening->error, opening->error_size,
                 "%s is in use by %s: stop it, or choose another port in -l %s (0 lets the kernel pick)", name, holder,
                 opening->spec);
    else
        explain_port(opening, address, holder);
}

/* Always false. */
static bool explain(struct opening *opening, const struct socket_address *address, int error) {
    char name[SOCKET_ADDRESS_NAME_MAX];
    int port = socket_address_port(address);
    socket_address_name(address, name, sizeof name);
    if (!opening->spec)
        snprintf(name, sizeof name, "port %d", port);
    else if (opening->spec[0] == ':')
        snprintf(name, sizeof name, "%s", opening->spec);
    if (error == EADDRINUSE)
        explain_in_use(opening, address, name);
    else if (error == EACCES && port < 1024 && !opening->spec)
        explain_privileged(opening, port);
    else if (error == EACCES && port < 1024)
        snprintf(opening->error, opening->error_size,
                 "%s: ports below 1024 need root or CAP_NET_BIND_SERVICE: choose another, such as :%d", name,
                 port + 8000);
    else if (error == EADDRNOTAVAIL)
        snprintf(opening->error, opening->error_size,
                 "%s is not an address of this machine: choose one of its own, or listen on every one with -l :%d",
                 name, port);
    else
        snprintf(opening->error, opening->error_size, "cannot listen at %s: %s", name, strerror(error));
    return false;
}

/* Both families at one port, or the one that this machine has. */
static bool open_wildcard(struct opening *opening, int port) {
    struct socket_address ipv4 = socket_address_wildcard(AF_INET, port), ipv6 = socket_address_wildcard(AF_INET6, port);
    int fd = obtain(opening, &ipv4, true);
    if (fd < 0 && fd != -EAFNOSUPPORT)
        return explain(opening, &ipv4, -fd);
    if (fd >= 0 && !keep(opening, fd))
        return false;
    if (fd >= 0 && port == 0 && socket_address_of(fd, &ipv4))
        socket_address_set_port(&ipv6, socket_address_port(&ipv4));
    int fd6 = obtain(opening, &ipv6, port != 0);
    if (fd6 >= 0)
        return keep(opening, fd6);
    if (fd >= 0 && (fd6 == -EAFNOSUPPORT || fd6 == -EADDRNOTAVAIL)) /* not compiled in, or switched off */
        return true;
    if (fd < 0 || fd6 != -EADDRINUSE || port != 0)
        return explain(opening, &ipv6, -fd6);
    opening->listeners->count--; /* the port that the kernel chose is taken in the other family: another */
    close(fd);
    return open_wildcard(opening, 0);
}

/* All addresses of a host. A name may have some that are not to be had here (::1 where IPv6 is off): one is enough. */
static bool open_host(struct opening *opening, const struct target *target) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found = NULL;
    struct socket_address address = {.len = 0}, failed = address;
    int port = target->port, opened = 0, failure = 0;
    int result = getaddrinfo(target->host, NULL, &hints, &found);
    if (result != 0) {
        snprintf(opening->error, opening->error_size, "%s: cannot find the address of %s: %s", opening->spec,
                 target->host, result == EAI_SYSTEM ? strerror(errno) : gai_strerror(result));
        return false;
    }
    for (struct addrinfo *each = found; each; each = each->ai_next) {
        memcpy(&address.u, each->ai_addr, each->ai_addrlen);
        address.len = each->ai_addrlen;
        socket_address_set_port(&address, port);
        int fd = obtain(opening, &address, target->port != 0);
        if (fd == -EADDRINUSE && target->port == 0 && port != 0) { /* taken at this address only: no common port */
            socket_address_set_port(&address, 0);
            fd = obtain(opening, &address, false);
        }
        if (fd == -EADDRNOTAVAIL || fd == -EAFNOSUPPORT) {
            failed = address;
            failure = -fd;
            continue;
        }
        if (fd < 0 ? !explain(opening, &address, -fd) : !keep(opening, fd)) {
            freeaddrinfo(found);
            return false;
        }
        opened++;
        if (port == 0 && socket_address_of(fd, &address))
            port = socket_address_port(&address);
    }
    freeaddrinfo(found);
    return opened || explain(opening, &failed, failure);
}

static bool open_local(struct opening *opening, struct local_socket *local) {
    int fd;
    struct socket_address address = {.u.local = local->address, .len = sizeof local->address};
    opening->place = inherited_find(opening->inherited, &address, false);
    if (opening->place >= 0) {
        fd = inherited_take(opening->inherited, opening->place);
        local_socket_adopt(local);
    } else {
        do
            fd = local_socket_open(local, opening->spec, opening->error, opening->error_size);
        while (fd == -EADDRINUSE && may_wait(opening));
    }
    if (fd < 0)
        return false;
    if (keep(opening, fd)) {
        opening->listeners->local[opening->listeners->count - 1] = *local;
        return true;
    }
    if (opening->place < 0)
        local_socket_unlink(local);
    close(fd);
    return false;
}

/* A service manager's socket, which gets what ours have. */
static bool adopt(struct opening *opening, int place) {
    int on = 1, unsent = UNSENT_BYTES, fd = inherited_take(opening->inherited, place);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* of a unix socket: fails, and isn't needed */
    setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
    opening->place = place;
    opening->chosen = false;
    return keep(opening, fd);
}

/* Those of that name, or all (NULL), of a service manager's. */
static bool adopt_named(struct opening *opening, const char *name) {
    int adopted = 0;
    for (int i = 0; i < opening->inherited->count; i++) {
        const struct inherited_socket *socket = &opening->inherited->sockets[i];
        if (socket->taken || !socket->name || (name && strcmp(socket->name, name) != 0))
            continue;
        if (!adopt(opening, i))
            return false;
        adopted++;
    }
    if (name && !adopted)
        snprintf(opening->error, opening->error_size,
                 "-l fd:%s: no socket of that name was handed over: systemd does (FileDescriptorName=%s)", name, name);
    return adopted || !name;
}

/* Whether a service manager's sockets stand in for the options: none of these picks among them. */
static bool is_activated(const struct inherited *inherited, const char *const *specs, int spec_count) {
    bool handed = false;
    for (int i = 0; i < inherited->count; i++)
        handed |= inherited->sockets[i].name != NULL;
    for (int i = 0; i < spec_count; i++)
        handed &= !handed_name(specs[i]);
    return handed;
}

static bool open_spec(struct opening *opening) {
    struct target target;
    struct local_socket local;
    if (!listener_spec_ok(opening->spec)) {
        snprintf(opening->error, opening->error_size,
                 "%s: not HOST:PORT, [V6]:PORT, :PORT, unix:PATH[,mode=660] or fd:NAME", opening->spec);
        return false;
    }
    opening->chosen = false;
    if (handed_name(opening->spec))
        return adopt_named(opening, handed_name(opening->spec));
    if (local_socket_parse(&local, opening->spec))
        return open_local(opening, &local);
    CHECK(parse_target(opening->spec, &target));
    opening->chosen = target.port == 0;
    return *target.host ? open_host(opening, &target) : open_wildcard(opening, target.port);
}

static bool open_all(struct opening *opening, const char *const *specs, int spec_count, int port) {
    if (is_activated(opening->inherited, specs, spec_count))
        return adopt_named(opening, NULL);
    bool opened = spec_count > 0 || open_wildcard(opening, port);
    for (int i = 0; i < spec_count && opened; i++) {
        opening->spec = specs[i];
        opened = open_spec(opening);
    }
    return opened;
}

bool listeners_open(struct listeners *listeners, const char *const *specs, int spec_count, int port,
                    struct inherited *inherited, char *error, size_t error_size) {
    struct opening opening = {
        .listeners = listeners, .inherited = inherited, .chosen = port == 0, .error = error, .error_size = error_size};
    listeners->count = 0;
    atomic_init(&listeners->shared, 0);
    bool opened = open_all(&opening, specs, spec_count, port);
    inherited_close(inherited);
    if (!opened)
        listeners_close(listeners);
    return opened;
}
