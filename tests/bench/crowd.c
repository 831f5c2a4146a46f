/* Clients that are a burden: they connect all at once, ask for little or much, and then don't do what clients should.

   usage: crowd PORT KIND:COUNT...    until SIGTERM; prints a line for each KIND: how many connected, how many were
   closed drip   begins a request and sends a byte more each second, but never its end stall  asks for 10 MiB and never
   reads half   closes its side: before it asks, amid a request, or having asked for 10 MiB that it doesn't read */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS = 65536, EVENTS = 512, TICK_MS = 10, GROUPS = 8 };

static const char begun[] = "GET /1k.html HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Drip: ";
static const char large[] = "GET /10m.bin HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

struct group {
    const char *kind;
    int count, connected, closed;
};

static struct client {
    int fd; /* -1: none any more */
    struct group *group;
    int number; /* in its group */
    int connected;
} clients[CLIENTS];

static int client_count;
static volatile sig_atomic_t over;

static void stop(int number) {
    (void)number;
    over = 1;
}

static long now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int client_connect(int epoll, struct client *client, int port) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((unsigned short)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct epoll_event event = {.events = EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = client};
    if (client->fd < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, client->fd, &event) < 0)
        return -1;
    return connect(client->fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS ? -1 : 0;
}

static void client_send(struct client *client, const char *text, size_t len) {
    if (send(client->fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EAGAIN && errno != EPIPE)
        client->connected = 0;
}

/* What it does once it is connected. */
static void client_begin(struct client *client) {
    client->connected = 1;
    client->group->connected++;
    if (!strcmp(client->group->kind, "drip")) {
        client_send(client, begun, sizeof begun - 1);
    } else if (!strcmp(client->group->kind, "stall")) {
        client_send(client, large, sizeof large - 1);
    } else {
        if (client->number % 3 == 1)
            client_send(client, begun, sizeof begun - 1);
        if (client->number % 3 == 2)
            client_send(client, large, sizeof large - 1);
        shutdown(client->fd, SHUT_WR);
    }
}

static void client_event(struct client *client, unsigned events) {
    if (!client->connected && (events & EPOLLOUT) && !(events & (EPOLLERR | EPOLLHUP)))
        client_begin(client);
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
        client->group->closed++;
        close(client->fd);
        client->fd = -1;
    }
}

/* A byte from each of those whose turn it is, so that each has one a second. */
static void drip(long elapsed_ms) {
    static long at;
    static double due;
    due += (double)client_count * (double)elapsed_ms / 1000;
    for (; due >= 1; due--, at = (at + 1) % client_count) {
        struct client *client = &clients[at];
        if (client->fd >= 0 && client->connected && !strcmp(client->group->kind, "drip"))
            client_send(client, "x", 1);
    }
}

static int add_group(int epoll, int port, struct group *group, char *text) {
    char *colon = strchr(text, ':');
    if (!colon)
        return -1;
    *colon = '\0';
    *group = (struct group){.kind = text, .count = atoi(colon + 1)};
    for (int i = 0; i < group->count && client_count < CLIENTS; i++) {
        struct client *client = &clients[client_count++];
        *client = (struct client){.fd = -1, .group = group, .number = i};
        if (client_connect(epoll, client, port) < 0)
            return perror("crowd: connect"), -1;
    }
    return 0;
}

int main(int argc, char **argv) {
    static struct group groups[GROUPS];
    struct epoll_event events[EVENTS];
    int epoll = epoll_create1(0), group_count = argc - 2;
    signal(SIGTERM, stop);
    if (group_count < 1 || group_count > GROUPS)
        return fprintf(stderr, "usage: crowd PORT KIND:COUNT...\n"), 2;
    for (int i = 0; i < group_count; i++)
        if (add_group(epoll, atoi(argv[1]), &groups[i], argv[i + 2]) < 0)
            return 1;
    for (long last = now_ms(); !over;) {
        int count = epoll_wait(epoll, events, EVENTS, TICK_MS);
        for (int i = 0; i < count; i++)
            client_event(events[i].data.ptr, events[i].events);
        long now = now_ms();
        drip(now - last);
        last = now;
    }
    for (int i = 0; i < group_count; i++)
        printf("%s %d %d\n", groups[i].kind, groups[i].connected, groups[i].closed);
    return 0;
}
