#define _GNU_SOURCE
#include "server/lab_crowd.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { IDLE_COUNT = 1000, BULK_COUNT = 16, STOPPED_COUNT = 32, PATIENCE_MS = 1000, WAIT_MS = 3000 };

#define ASK_BIG "GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n"

static struct pollfd fds[BULK_COUNT];

int lab_connect(int port, const char *request) {
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    size_t len = strlen(request);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
        (len == 0 || send(fd, request, len, MSG_NOSIGNAL) == (ssize_t)len))
        return fd;
    close(fd);
    return -1;
}

static void come_slow(int port) {
    lab_connect(port, "GET / HTTP/1.1\r\nHo");
}

static void come_idle(int port) {
    for (int i = 0; i < IDLE_COUNT; i++)
        lab_connect(port, "");
}

static void come_stopped(int port) {
    for (int i = 0; i < STOPPED_COUNT; i++)
        lab_connect(port, ASK_BIG);
}

static void come_bulk(int port) {
    for (int i = 0; i < BULK_COUNT; i++)
        fds[i] = (struct pollfd){.fd = lab_connect(port, ASK_BIG), .events = POLLIN};
}

/* Whoever has had the file, or was left waiting and gave up, comes again. */
static void stay_bulk(int port) {
    static char buffer[256 * 1024];
    for (;;) {
        poll(fds, BULK_COUNT, PATIENCE_MS);
        for (int i = 0; i < BULK_COUNT; i++) {
            if (fds[i].fd >= 0 && !fds[i].revents)
                continue;
            if (fds[i].fd >= 0 && recv(fds[i].fd, buffer, sizeof buffer, MSG_DONTWAIT) > 0)
                continue;
            if (fds[i].fd >= 0)
                close(fds[i].fd);
            fds[i].fd = lab_connect(port, ASK_BIG "GET /big HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        }
    }
}

static void come_flood(int port) {
    (void)port;
}

static void stay_flood(int port) {
    const struct linger reset = {.l_onoff = 1}; /* or this machine runs out of ports */
    for (;;) {
        int fd = lab_connect(port, "");
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(fd);
    }
}

const struct lab_crowd lab_crowds[] = {
    {"slow", "one client that sends half a request and falls silent",
     "blocking answers nobody until it has given that client up; all others don't notice", come_slow, NULL},
    {"idle", "1,000 clients that are connected and ask nothing",
     "poll, select and nonblocking look at each of them at every turn; fork and thread pay for each in memory",
     come_idle, NULL},
    {"bulk", "16 downloads without end",
     "blocking answers between two of them at best; loops give small requests their turn first", come_bulk, stay_bulk},
    {"stopped", "32 clients that ask for 64 MiB and never read it",
     "blocking is held up by the first; elsewhere they cost their place, and no processor", come_stopped, NULL},
    {"flood", "one client after the other that connects, asks nothing and resets",
     "what one connection costs shows: a process or a thread each, or a place in a table", come_flood, stay_flood},
    {NULL, NULL, NULL, NULL, NULL},
};

static _Noreturn void crowd_main(const struct lab_crowd *crowd, int port, int ready_fd) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGINT, SIG_DFL);
    crowd->come(port);
    close(ready_fd);
    if (crowd->stay)
        crowd->stay(port);
    for (;;)
        pause();
}

pid_t lab_crowd_start(const struct lab_crowd *crowd, int port) {
    int ends[2];
    if (pipe(ends) < 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        crowd_main(crowd, port, ends[1]);
    }
    int error = errno;
    close(ends[1]);
    struct pollfd ready = {.fd = ends[0], .events = POLLIN};
    if (pid > 0)
        poll(&ready, 1, WAIT_MS);
    close(ends[0]);
    errno = error;
    return pid;
}
