/* The floor: what the kernel's TCP costs when nobody serves files. An epoll loop that parses nothing and looks nothing
   up; for each blank line it reads, it sends the bytes of one response that was made beforehand. What a server needs
   above this is the price of being a file server, if it makes the same calls: large bodies can be sent for less.

   usage: floor PORT RESPONSE-FILE [close]    RESPONSE-FILE: head and body; close: after the first response */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS = 65536, EVENTS = 512, BATCH_LEN = 65536 };

static struct {
    unsigned owed;    /* responses not yet sent */
    unsigned matched; /* bytes of a blank line that ended the last read, 0 to 3 */
    size_t sent;      /* bytes of the first one owed */
} connections[CONNECTIONS];

static char *batch; /* batch_count responses, one after the other */
static size_t response_len, batch_count;
static int close_after;

static int load(const char *name) {
    FILE *file = fopen(name, "rb");
    if (!file || fseek(file, 0, SEEK_END) < 0)
        return -1;
    response_len = (size_t)ftell(file);
    rewind(file);
    batch_count = response_len && response_len < BATCH_LEN ? BATCH_LEN / response_len : 1;
    batch = malloc(response_len * batch_count);
    if (!batch || fread(batch, 1, response_len, file) != response_len)
        return -1;
    for (size_t i = 1; i < batch_count; i++)
        memcpy(batch + i * response_len, batch, response_len);
    return fclose(file);
}

static int listen_on(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((unsigned short)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 4096) < 0)
        return -1;
    return fd;
}

static void accept_all(int epoll, int door) {
    for (int fd; (fd = accept4(door, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
        int one = 1;
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.fd = fd};
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (fd >= CONNECTIONS || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
            close(fd);
            continue;
        }
        memset(&connections[fd], 0, sizeof connections[fd]);
    }
}

/* How many blank lines end in bytes; one may have begun in the read before. */
static unsigned blank_lines(const char *bytes, size_t len, unsigned *matched) {
    static const char blank[] = "\r\n\r\n";
    unsigned count = 0;
    size_t at = 0;
    while (*matched && at < len) {
        *matched = bytes[at] == blank[*matched] ? *matched + 1 : bytes[at] == '\r';
        at++;
        if (*matched == 4) {
            count++;
            *matched = 0;
        }
    }
    for (const char *found; (found = memmem(bytes + at, len - at, blank, 4)); count++)
        at = (size_t)(found - bytes) + 4;
    for (unsigned n = len - at < 3 ? (unsigned)(len - at) : 3; n && !*matched; n--)
        if (memcmp(bytes + len - n, blank, n) == 0)
            *matched = n;
    return count;
}

/* False when the connection is over. */
static int send_owed(int fd) {
    while (connections[fd].owed) {
        size_t count = connections[fd].owed < batch_count ? connections[fd].owed : batch_count;
        ssize_t n = send(fd, batch + connections[fd].sent, count * response_len - connections[fd].sent, MSG_NOSIGNAL);
        if (n < 0)
            return 1; /* full: there will be an event. An error: there will be one, too */
        size_t sent = connections[fd].sent + (size_t)n;
        connections[fd].owed -= (unsigned)(sent / response_len);
        connections[fd].sent = sent % response_len;
        if (close_after && !connections[fd].owed)
            return 0;
    }
    return 1;
}

static int serve(int fd, unsigned events) {
    static char buffer[65536];
    if (events & EPOLLIN) {
        ssize_t n;
        do {
            n = recv(fd, buffer, sizeof buffer, 0);
            if (n == 0)
                return 0;
            if (n > 0)
                connections[fd].owed += blank_lines(buffer, (size_t)n, &connections[fd].matched);
        } while (n == (ssize_t)sizeof buffer);
    }
    return send_owed(fd) && !(events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR));
}

int main(int argc, char **argv) {
    if (argc < 3 || load(argv[2]) < 0)
        return fprintf(stderr, "usage: floor PORT RESPONSE-FILE [close]\n"), 2;
    close_after = argc > 3;
    int door = listen_on(atoi(argv[1])), epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = door}, events[EVENTS];
    if (door < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, door, &event) < 0)
        return perror("floor"), 1;
    for (;;) {
        int count = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == door)
                accept_all(epoll, door);
            else if (!serve(fd, events[i].events))
                close(fd);
        }
    }
}
