#define _GNU_SOURCE
#include "server/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* Opened at the start, since the sandbox has no sockets to give. */
static int manager_fd = -1;

void notify_open(void) {
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = path ? strlen(path) : 0;
    if ((len < 2 || len > sizeof address.sun_path) || (path[0] != '/' && path[0] != '@'))
        return;
    memcpy(address.sun_path, path, len);
    if (path[0] == '@') /* of the abstract name space */
        address.sun_path[0] = '\0';
    socklen_t address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    manager_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (manager_fd >= 0 && connect(manager_fd, (struct sockaddr *)&address, address_len) < 0) {
        close(manager_fd);
        manager_fd = -1;
    }
}

/* One datagram for each message. It is not waited for: a manager that doesn't read must not stop the server. */
static void notify(const char *message) {
    if (manager_fd >= 0 && send(manager_fd, message, strlen(message), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        return; /* nobody is there */
}

void notify_ready(const char *status) {
    char message[1024];
    snprintf(message, sizeof message, "READY=1%s%.900s", status ? "\nSTATUS=" : "", status ? status : "");
    notify(message);
}

void notify_reloading(void) {
    char message[64];
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(message, sizeof message, "RELOADING=1\nMONOTONIC_USEC=%llu",
             (unsigned long long)now.tv_sec * 1000000 + (unsigned long long)now.tv_nsec / 1000);
    notify(message);
}

void notify_stopping(void) {
    notify("STOPPING=1\nSTATUS=Finishing what has been asked for");
}

void notify_successor(pid_t pid) {
    char message[64];
    snprintf(message, sizeof message, "MAINPID=%ld", (long)pid);
    notify(message);
}

void notify_alive(void) {
    notify("WATCHDOG=1");
}

uint64_t notify_watchdog_ms(bool successor) {
    const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    if (!usec || (pid && !successor && strtol(pid, NULL, 10) != (long)getpid()))
        return 0;
    return strtoull(usec, NULL, 10) / 1000;
}
