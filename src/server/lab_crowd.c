#define _GNU_SOURCE
#include "server/lab_crowd.h"
#include "base/check.h"
#include "server/lab_files.h"
#include "server/lab_server.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { IDLE_COUNT = 1000, BULK_COUNT = 100, STOPPED_COUNT = 32, COLD_COUNT = 8 };

#define FIELDS "Host: localhost\r\n"
#define ASK_BIG "GET /big HTTP/1.1\r\n" FIELDS "\r\n"

struct scene {
    int port, folder_fd, there_fd;
};

static void be_there(const struct scene *scene) {
    close(scene->there_fd);
}

int lab_connect(int port, const char *request) {
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval patience = {.tv_sec = LAB_PATIENCE_MS / 1000};
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

static void be_slow(const struct scene *scene) {
    lab_connect(scene->port, "GET / HTTP/1.1\r\nHo");
    be_there(scene);
}

static void be_idle(const struct scene *scene) {
    for (int i = 0; i < IDLE_COUNT; i++)
        lab_connect(scene->port, "");
    be_there(scene);
}

static void be_stopped(const struct scene *scene) {
    for (int i = 0; i < STOPPED_COUNT; i++)
        lab_connect(scene->port, ASK_BIG);
    be_there(scene);
}

/* Whoever has had the file, or was left waiting and gave up, comes again. */
static void be_bulk(const struct scene *scene) {
    static char buffer[256 * 1024];
    struct pollfd fds[BULK_COUNT];
    for (int i = 0; i < BULK_COUNT; i++)
        fds[i] = (struct pollfd){.fd = lab_connect(scene->port, ASK_BIG), .events = POLLIN};
    be_there(scene);
    for (;;) {
        poll(fds, BULK_COUNT, LAB_PATIENCE_MS);
        for (int i = 0; i < BULK_COUNT; i++) {
            if (fds[i].fd >= 0 && !fds[i].revents)
                continue;
            if (fds[i].fd >= 0 && recv(fds[i].fd, buffer, sizeof buffer, MSG_DONTWAIT) > 0)
                continue;
            if (fds[i].fd >= 0)
                close(fds[i].fd);
            fds[i].fd = lab_connect(scene->port, ASK_BIG "GET /big HTTP/1.1\r\n" FIELDS "Connection: close\r\n\r\n");
        }
    }
}

static void be_flood(const struct scene *scene) {
    const struct linger reset = {.l_onoff = 1}; /* or this machine runs out of ports */
    be_there(scene);
    for (;;) {
        int fd = lab_connect(scene->port, "");
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(fd);
    }
}

static void ask_whole(const struct scene *scene, const char *path) {
    static char buffer[256 * 1024];
    char request[128];
    snprintf(request, sizeof request, "GET /%s HTTP/1.1\r\n" FIELDS "Connection: close\r\n\r\n", path);
    int fd = lab_connect(scene->port, request);
    while (fd >= 0 && recv(fd, buffer, sizeof buffer, 0) > 0)
        ;
    if (fd >= 0)
        close(fd);
}

/* A file is put out of memory, then asked for. */
static void be_cold(const struct scene *scene) {
    char name[32];
    be_there(scene);
    for (unsigned i = (unsigned)getpid();; i++) {
        snprintf(name, sizeof name, LAB_COLD_NAME, i % LAB_COLD_FILES);
        int fd = openat(scene->folder_fd, name, O_RDONLY | O_CLOEXEC);
        if (fd >= 0) {
            posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
            close(fd);
        }
        ask_whole(scene, name);
    }
}

static void be_folder(const struct scene *scene) {
    be_there(scene);
    for (;;) {
        int fd = openat(scene->folder_fd, LAB_MANY_NAME "/news", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd >= 0)
            close(fd);
        unlinkat(scene->folder_fd, LAB_MANY_NAME "/news", 0);
        ask_whole(scene, LAB_MANY_NAME "/");
    }
}

static const struct {
    const char *name;
    void (*be)(const struct scene *);
    int count; /* of processes that are so */
} crowds[] = {
    {"slow", be_slow, 1},          {"idle", be_idle, 1},     {"bulk", be_bulk, 1},       {"flood", be_flood, 1},
    {"cold", be_cold, COLD_COUNT}, {"folder", be_folder, 1}, {"stopped", be_stopped, 1},
};

static _Noreturn void crowd_main(pid_t lab, size_t kind, int port, const char *folder, int there_fd) {
    pid_t first = getpid();
    struct scene scene = {port, open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), there_fd};
    lab_end_with(lab);
    for (int i = 1; i < crowds[kind].count; i++)
        if (fork() == 0) {
            lab_end_with(first);
            break;
        }
    crowds[kind].be(&scene);
    for (;;)
        pause();
}

pid_t lab_crowd_start(const struct experiment *experiment, int port, const char *folder, int *there_fd) {
    int ends[2];
    size_t kind = 0;
    while (strcmp(crowds[kind].name, experiment->name) != 0)
        CHECK(++kind < sizeof crowds / sizeof crowds[0]);
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    pid_t lab = getpid(), pid = fork();
    if (pid == 0)
        crowd_main(lab, kind, port, folder, ends[1]);
    int error = errno;
    close(ends[1]);
    *there_fd = ends[0];
    errno = error;
    return pid;
}
