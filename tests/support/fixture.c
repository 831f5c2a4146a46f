/* All calls are relative to the folder's descriptor, so names of 255 bytes fit whatever TMPDIR is. */
#include "fixture.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void must(int condition, const char *name) {
    if (condition)
        return;
    perror(name);
    exit(EXIT_FAILURE);
}

void fixture_open(struct fixture *fixture) {
    snprintf(fixture->path, sizeof fixture->path, "/tmp/httpd-test-XXXXXX");
    must(mkdtemp(fixture->path) != NULL, fixture->path);
    /* The server may run as somebody else than the tests. */
    must(chmod(fixture->path, 0755) == 0, fixture->path);
    fixture->fd = open(fixture->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(fixture->fd >= 0, fixture->path);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk) {
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

void fixture_close(struct fixture *fixture) {
    close(fixture->fd);
    nftw(fixture->path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

void fixture_dir(struct fixture *fixture, const char *name) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/", name);
    for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdirat(fixture->fd, path, 0755);
        *slash = '/';
    }
    must(faccessat(fixture->fd, name, F_OK, 0) == 0, name);
}

static void make_parents(struct fixture *fixture, const char *name) {
    const char *slash = strrchr(name, '/');
    if (!slash)
        return;
    char *parent = strndup(name, (size_t)(slash - name));
    fixture_dir(fixture, parent);
    free(parent);
}

static int create(struct fixture *fixture, const char *name) {
    make_parents(fixture, name);
    int fd = openat(fixture->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    must(fd >= 0, name);
    return fd;
}

void fixture_file(struct fixture *fixture, const char *name, const void *content, size_t len) {
    int fd = create(fixture, name);
    must(write(fd, content, len) == (ssize_t)len, name);
    close(fd);
}

void fixture_text(struct fixture *fixture, const char *name, const char *content) {
    fixture_file(fixture, name, content, strlen(content));
}

void fixture_sparse(struct fixture *fixture, const char *name, off_t len) {
    int fd = create(fixture, name);
    must(ftruncate(fd, len) == 0, name);
    close(fd);
}

void fixture_link(struct fixture *fixture, const char *name, const char *target) {
    make_parents(fixture, name);
    must(symlinkat(target, fixture->fd, name) == 0, name);
}

void fixture_fifo(struct fixture *fixture, const char *name) {
    make_parents(fixture, name);
    must(mkfifoat(fixture->fd, name, 0644) == 0, name);
}

void fixture_socket(struct fixture *fixture, const char *name) {
    make_parents(fixture, name);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", fixture->path, name);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0, name);
    close(fd);
}

void fixture_mode(struct fixture *fixture, const char *name, mode_t mode) {
    must(fchmodat(fixture->fd, name, mode, 0) == 0, name);
}

void fixture_mtime(struct fixture *fixture, const char *name, int64_t mtime) {
    struct timespec times[2] = {{.tv_sec = mtime}, {.tv_sec = mtime}};
    must(utimensat(fixture->fd, name, times, AT_SYMLINK_NOFOLLOW) == 0, name);
}

/* nftw takes no context. */
static int64_t walk_mtime;

static int date_entry(const char *path, const struct stat *status, int type, struct FTW *walk) {
    (void)status;
    (void)type;
    (void)walk;
    struct timespec times[2] = {{.tv_sec = walk_mtime}, {.tv_sec = walk_mtime}};
    must(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) == 0, path);
    return 0;
}

void fixture_mtime_all(struct fixture *fixture, int64_t mtime) {
    walk_mtime = mtime;
    must(nftw(fixture->path, date_entry, 16, FTW_DEPTH | FTW_PHYS) == 0, fixture->path);
}
