/* /proc/net/tcp and tcp6 name the inode of each listening socket and its owner; the process is the one with a
   descriptor that links to "socket:[inode]". Where several hold it (a master and its workers), the oldest is named. */
#define _GNU_SOURCE
#include "host/port_holder.h"

#include "base/say.h"

#include <dirent.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { STATE_LISTEN = 0x0a };

struct endpoint {
    struct in6_addr host; /* IPv4: mapped */
    unsigned port;
};

struct holder {
    unsigned long inode;
    unsigned long uid;
};

static struct in6_addr mapped(uint32_t ipv4) {
    struct in6_addr host = {0};
    host.s6_addr[10] = host.s6_addr[11] = 0xff;
    memcpy(&host.s6_addr[12], &ipv4, sizeof ipv4);
    return host;
}

static struct endpoint endpoint_of(const struct sockaddr *address) {
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
    if (address->sa_family == AF_INET) {
        memcpy(&ipv4, address, sizeof ipv4);
        return (struct endpoint){mapped(ipv4.sin_addr.s_addr), ntohs(ipv4.sin_port)};
    }
    memcpy(&ipv6, address, sizeof ipv6);
    return (struct endpoint){ipv6.sin6_addr, ntohs(ipv6.sin6_port)};
}

static bool is_wildcard(const struct in6_addr *host) {
    struct in6_addr any = mapped(INADDR_ANY);
    return IN6_IS_ADDR_UNSPECIFIED(host) || IN6_ARE_ADDR_EQUAL(host, &any);
}

static bool in_the_way(const struct endpoint *held, const struct endpoint *wanted) {
    return held->port == wanted->port &&
           (is_wildcard(&held->host) || is_wildcard(&wanted->host) || IN6_ARE_ADDR_EQUAL(&held->host, &wanted->host));
}

/* The kernel prints an address as 32-bit words in the byte order of the machine: one for IPv4, four for IPv6. */
static struct in6_addr parse_host(const char *hex) {
    struct in6_addr host;
    uint32_t words[4] = {0};
    size_t count = strlen(hex) / 8;
    for (size_t i = 0; i < count && i < 4; i++) {
        char word[9] = "";
        memcpy(word, hex + 8 * i, 8);
        words[i] = (uint32_t)strtoul(word, NULL, 16);
    }
    if (count < 4)
        return mapped(words[0]);
    memcpy(&host, words, sizeof host);
    return host;
}

static bool find_listener(const char *table, const struct endpoint *wanted, struct holder *holder) {
    bool found = false;
    char *line = NULL, hex[33];
    size_t line_size = 0;
    FILE *file = fopen(table, "re");
    while (!found && file && getline(&line, &line_size, file) != -1) {
        struct endpoint held;
        unsigned state;
        /* sl local:port remote:port state tx:rx timer:when retransmits uid timeout inode */
        if (sscanf(line, " %*u: %32[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*x:%*x %*x:%*x %*x %lu %*u %lu", hex,
                   &held.port, &state, &holder->uid, &holder->inode) != 5 ||
            strlen(hex) < 8)
            continue;
        held.host = parse_host(hex);
        found = state == STATE_LISTEN && in_the_way(&held, wanted);
    }
    free(line);
    if (file)
        fclose(file);
    return found;
}

static bool process_has(pid_t pid, const char *wanted) {
    char path[64], link[64];
    bool found = false;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *folder = opendir(path);
    if (!folder)
        return false;
    for (struct dirent *entry; !found && (entry = readdir(folder));) {
        ssize_t len = readlinkat(dirfd(folder), entry->d_name, link, sizeof link - 1);
        link[len < 0 ? 0 : len] = '\0';
        found = strcmp(link, wanted) == 0;
    }
    closedir(folder);
    return found;
}

/* The process with the lowest id that holds the socket; 0: none that we may see. */
static pid_t find_process(unsigned long inode) {
    char wanted[64];
    pid_t found = 0;
    snprintf(wanted, sizeof wanted, "socket:[%lu]", inode);
    DIR *folder = opendir("/proc");
    if (!folder)
        return 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (pid > 0 && (found == 0 || pid < found) && process_has(pid, wanted))
            found = pid;
    }
    closedir(folder);
    return found;
}

static void describe(pid_t pid, char *text, size_t size) {
    char path[64], name[64] = "a process";
    snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    FILE *file = fopen(path, "re");
    if (file) {
        if (!fgets(name, sizeof name, file))
            snprintf(name, sizeof name, "a process");
        fclose(file);
    }
    name[strcspn(name, "\n")] = '\0';
    say_printable(name); /* a process may call itself anything */
    snprintf(text, size, "%s (pid %d)", name, (int)pid);
}

bool port_holder_find(const struct sockaddr *address, char *text, size_t size) {
    struct endpoint wanted = endpoint_of(address);
    struct holder holder;
    if (!find_listener("/proc/net/tcp", &wanted, &holder) && !find_listener("/proc/net/tcp6", &wanted, &holder))
        return false;
    pid_t pid = find_process(holder.inode);
    if (pid)
        describe(pid, text, size);
    else if (holder.uid != geteuid())
        snprintf(text, size, "a process of another user (uid %lu)", holder.uid);
    else /* in another PID namespace, or hidden by /proc's mount options */
        snprintf(text, size, "a process that cannot be seen from here");
    return true;
}
