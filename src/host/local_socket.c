/* Names are told apart by device and inode: a server that drains, or was slow to end, must not take away the one that
   its successor has put in the same place. */
#define _GNU_SOURCE
#include "host/local_socket.h"

#include "base/bounds.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static const char prefix[] = "unix:", mode_mark[] = ",mode=";

bool local_socket_is(const char *spec) {
    return strncmp(spec, prefix, sizeof prefix - 1) == 0;
}

/* Three octal digits, perhaps behind a zero. */
static bool parse_mode(const char *text, mode_t *mode) {
    text += text[0] == '0';
    *mode = (mode_t)strtoul(text, NULL, 8);
    return strlen(text) == 3 && strspn(text, "01234567") == 3;
}

bool local_socket_parse(struct local_socket *local, const char *spec) {
    const char *path = spec + sizeof prefix - 1, *mark = strstr(spec, mode_mark);
    *local = (struct local_socket){.address.sun_family = AF_UNIX, .mode = LOCAL_MODE};
    if (!local_socket_is(spec) || (mark && !parse_mode(mark + sizeof mode_mark - 1, &local->mode)))
        return false;
    size_t len = mark ? (size_t)(mark - path) : strlen(path);
    if (len == 0 || len >= sizeof local->address.sun_path)
        return false;
    memcpy(local->address.sun_path, path, len);
    return true;
}

/* 0: nothing is in the way any more. */
static int clear_path(const struct local_socket *local, const char *spec, char *error, size_t error_size) {
    const char *path = local->address.sun_path;
    struct stat status;
    if (lstat(path, &status) != 0)
        return 0; /* bind says what else is wrong */
    if (!S_ISSOCK(status.st_mode)) {
        snprintf(error, error_size, "%s exists and is not a socket: choose another path", spec);
        return -ENOTSOCK;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); /* a full backlog is alive too */
    const struct sockaddr *address = (const struct sockaddr *)&local->address;
    int failure = fd < 0 || connect(fd, address, sizeof local->address) == 0 ? 0 : errno;
    if (fd >= 0)
        close(fd);
    if (failure == ENOENT || (failure == ECONNREFUSED && (unlink(path) == 0 || errno == ENOENT)))
        return 0;
    if (failure == ECONNREFUSED)
        failure = errno;
    if (failure == EACCES || failure == EPERM || failure == EROFS) {
        snprintf(error, error_size, "%s exists and cannot be replaced: %s: remove it first", spec, strerror(failure));
        return -failure;
    }
    snprintf(error, error_size, "%s is in use by a server: stop it, or choose another path", spec);
    return -EADDRINUSE;
}

/* The name is made with its mode, so that there is no moment in which others may connect. */
static bool bind_with_mode(int fd, const struct local_socket *local) {
    mode_t mask = umask(0777 & ~local->mode);
    bool bound = bind(fd, (const struct sockaddr *)&local->address, sizeof local->address) == 0;
    umask(mask);
    return bound;
}

int local_socket_open(struct local_socket *local, const char *spec, char *error, size_t error_size) {
    struct stat status;
    int failure = clear_path(local, spec, error, error_size);
    if (failure)
        return failure;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && bind_with_mode(fd, local) && lstat(local->address.sun_path, &status) == 0) {
        local->device = status.st_dev;
        local->inode = status.st_ino;
        if (listen(fd, LISTEN_BACKLOG) == 0)
            return fd;
    }
    failure = -errno;
    snprintf(error, error_size, "cannot listen at %s: %s", spec, strerror(-failure));
    if (fd >= 0) {
        local_socket_unlink(local);
        close(fd);
    }
    return failure;
}

void local_socket_adopt(struct local_socket *local) {
    struct stat status;
    if (lstat(local->address.sun_path, &status) != 0 || !S_ISSOCK(status.st_mode))
        return; /* somebody has removed the name: it is not made again, nor taken away at the end */
    local->device = status.st_dev;
    local->inode = status.st_ino;
    if ((status.st_mode & 0777) != local->mode)
        chmod(local->address.sun_path, local->mode);
}

void local_socket_unlink(const struct local_socket *local) {
    struct stat status;
    if (local->address.sun_path[0] && lstat(local->address.sun_path, &status) == 0 && S_ISSOCK(status.st_mode) &&
        status.st_dev == local->device && status.st_ino == local->inode)
        unlink(local->address.sun_path);
}
