/* openat2(2) with RESOLVE_BENEATH does it all in the kernel, races with renames included. Kernels before 5.6, and
   seccomp policies that don't know the call, get a walk that opens one component at a time without following links, and
   resolves links by hand; it too never leaves the root, for it never opens ".." above it. */
#define _GNU_SOURCE
#include "site/docroot.h"
#include "base/bounds.h"
#include "base/calls.h"
#include "site/local.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#ifndef RESOLVE_CACHED /* in the headers since Linux 5.12 */
#define RESOLVE_CACHED 0x20
#endif

enum { LINKS_MAX = 40, DEPTH_MAX = PATH_LEN_MAX / 2 };

static bool have_openat2(int folder) {
    struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_BENEATH};
    int fd = (int)syscall(SYS_openat2, folder, ".", &how, sizeof how);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

int docroot_open(struct docroot *root, const char *path, enum symlinks symlinks) {
    struct stat st;
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    *root = (struct docroot){.path = path, .symlinks = symlinks, .fd = fd, .device = st.st_dev, .inode = st.st_ino};
    root->walk = !have_openat2(fd);
    root->remote = !local_fd(fd);
    return 0;
}

void docroot_close(struct docroot *root) {
    close(root->fd);
}

enum docroot_news docroot_look(const struct docroot *root, struct docroot *fresh) {
    struct stat st;
    if (stat(root->path, &st) == 0 && (st.st_dev != root->device || st.st_ino != root->inode) &&
        docroot_open(fresh, root->path, root->symlinks) == 0) {
        fresh->walk = root->walk;
        return ROOT_MOVED;
    }
    return fstat(root->fd, &st) == 0 && st.st_nlink == 0 ? ROOT_GONE : ROOT_SAME;
}

/* As the kernel has it; musl has no statx yet. */
struct statx_result {
    uint32_t mask, block_size;
    uint64_t attributes;
    uint32_t links, user, group;
    uint16_t mode, unused;
    uint64_t inode, size, blocks, attributes_mask, times[8];
    uint32_t own_major, own_minor, device_major, device_minor;
    uint64_t rest[14];
};

/* What the kernel has of the name, and of what that leads to by now: a file system that hangs, perhaps, which a stat
   would ask. */
bool docroot_stays(const struct docroot *root) {
    struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_CACHED};
    const unsigned basic = 0x7ff;
    struct statx_result st;
    int fd = root->walk || root->remote ? -1 : (int)syscall(SYS_openat2, AT_FDCWD, root->path, &how, sizeof how);
    if (fd < 0)
        return false;
    long error = syscall(SYS_statx, fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, basic, &st);
    close(fd);
    return !error && st.links > 0 && st.inode == root->inode &&
           makedev(st.device_major, st.device_minor) == root->device;
}

/* A path yet to be walked; links put their targets in front of the rest. */
struct walk {
    char rest[2 * PATH_LEN_MAX + 2];
    char name[NAME_MAX + 1]; /* by which the last of `fds` was found; "": it is where ".." led, or the root */
    int fds[DEPTH_MAX + 1];  /* the folders from the root down to here: ".." pops one */
    int depth, links;
};

/* Puts the link's target in its place, before `tail`, which begins at the slash behind it or is empty. */
static int walk_into_link(struct walk *walk, int link_fd, const char *tail) {
    char target[2 * PATH_LEN_MAX + 2];
    ssize_t len = readlinkat(link_fd, "", target, PATH_LEN_MAX);
    size_t tail_len = strlen(tail);
    if (len < 0)
        return -errno;
    if (++walk->links > LINKS_MAX)
        return -ELOOP;
    if (len == 0 || target[0] == '/')
        return -EXDEV;
    if ((size_t)len + tail_len >= sizeof walk->rest)
        return -ENAMETOOLONG;
    memcpy(target + len, tail, tail_len + 1);
    memcpy(walk->rest, target, (size_t)len + tail_len + 1);
    return 0;
}

/* Walks to the end of walk->rest: 0 with the O_PATH descriptor on top of walk->fds, or -errno. */
static int walk_all(struct walk *walk, bool follow) {
    while (walk->rest[0]) {
        char name[NAME_MAX + 1], *tail = walk->rest + strcspn(walk->rest, "/"), *rest = tail + strspn(tail, "/");
        size_t len = (size_t)(tail - walk->rest);
        bool folder = *tail == '/';
        struct stat st;
        if (len > NAME_MAX)
            return -ENAMETOOLONG;
        memcpy(name, walk->rest, len);
        name[len] = '\0';
        if (strcmp(name, "..") == 0) {
            if (walk->depth == 0)
                return -EXDEV;
            close(walk->fds[walk->depth--]);
            walk->name[0] = '\0';
        } else if (len > 0 && strcmp(name, ".") != 0) {
            int fd = openat(walk->fds[walk->depth], name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
            if (fd < 0)
                return -errno;
            int error = fstat(fd, &st) < 0 ? -errno : 0;
            bool link = !error && S_ISLNK(st.st_mode);
            if (link)
                error = follow ? walk_into_link(walk, fd, tail) : -ELOOP;
            if (link || error)
                close(fd);
            if (error)
                return error;
            if (link)
                continue;
            if (walk->depth == DEPTH_MAX || (folder && !S_ISDIR(st.st_mode))) {
                close(fd);
                return folder ? -ENOTDIR : -ENAMETOOLONG;
            }
            walk->fds[++walk->depth] = fd;
            memcpy(walk->name, name, len + 1);
        }
        memmove(walk->rest, rest, strlen(rest) + 1);
    }
    return 0;
}

/* Opens what was found, by the kernel's own name for it, so that it can't be swapped for something else. Where there is
   no /proc (in a chroot), by its name in the folder that it was found in; then it must be the same. */
static int walk_open(const struct walk *walk, int flags) {
    int top = walk->fds[walk->depth];
    char link[64];
    struct stat found, st;
    snprintf(link, sizeof link, "/proc/self/fd/%d", top);
    int fd = open(link, (flags & ~O_NOFOLLOW) | O_CLOEXEC);
    if (fd >= 0 || errno != ENOENT)
        return fd < 0 ? -errno : fd;
    fd = walk->name[0] ? openat(walk->fds[walk->depth - 1], walk->name, flags | O_NOFOLLOW | O_CLOEXEC)
                       : openat(top, ".", flags | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fstat(top, &found) == 0 && fstat(fd, &st) == 0 && st.st_dev == found.st_dev && st.st_ino == found.st_ino)
        return fd;
    close(fd);
    return -ENOENT;
}

static int docroot_walk(const struct docroot *root, const char *path, int flags, bool follow) {
    struct walk walk = {.depth = 0, .links = 0};
    if (strlen(path) > PATH_LEN_MAX)
        return -ENAMETOOLONG;
    memcpy(walk.rest, path, strlen(path) + 1);
    walk.fds[0] = root->fd;
    int error = walk_all(&walk, follow), fd = error ? error : walk_open(&walk, flags);
    while (walk.depth > 0)
        close(walk.fds[walk.depth--]);
    return fd;
}

/* Only what the kernel has in its own caches, and on the root's own file system: another, mounted beneath it, may be a
   network's, or the devices'. That alone doesn't do for one that may hang: to open a file whose name is cached it is
   asked, as it is for a file's state. */
static int open_at_hand(const struct docroot *root, const char *path, int flags) {
    static const uint64_t resolve[] = {
        [SYMLINKS_INSIDE] = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
        [SYMLINKS_ALL] = 0,
        [SYMLINKS_NONE] = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
    };
    struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC),
                           .resolve = resolve[root->symlinks] | RESOLVE_CACHED | RESOLVE_NO_XDEV};
    if (root->walk || root->remote)
        return -EAGAIN;
    int fd = calls_openat2(root->fd, path[0] ? path : ".", &how, sizeof how);
    /* A kernel that doesn't know RESOLVE_CACHED (before 5.12) says EINVAL; a link that leads out and back, EXDEV. */
    return fd >= 0 ? fd : errno == EXDEV || errno == EINVAL || errno == EINTR ? -EAGAIN : -errno;
}

static int open_beneath(const struct docroot *root, const char *path, int flags, bool follow) {
    struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC),
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | (follow ? 0 : RESOLVE_NO_SYMLINKS)};
    if (root->walk)
        return docroot_walk(root, path, flags, follow);
    for (int tries = 0;; tries++) {
        int fd = calls_openat2(root->fd, path[0] ? path : ".", &how, sizeof how);
        if (fd >= 0)
            return fd;
        /* EAGAIN: a rename raced with a ".." in a link; the kernel asks to try again. */
        if ((errno != EAGAIN && errno != EINTR) || tries > 100)
            return -errno;
    }
}

static ssize_t name_of(int fd, char *name, size_t size) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, name, size - 1);
    name[len > 0 ? len : 0] = '\0';
    return len;
}

/* A link that leaves the root on its way, as an absolute one does, may still end at it or beneath: then what it ends at
   is opened by its own name, without following any link. */
static int open_link_back(const struct docroot *root, const char *path, int flags) {
    char top[PATH_MAX], end[PATH_MAX];
    int fd = calls_openat(root->fd, path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t end_len = name_of(fd, end, sizeof end), top_len = name_of(root->fd, top, sizeof top);
    calls_close(fd);
    if (top_len == 1)
        top_len = 0; /* "/" */
    if (top_len < 0 || end_len < top_len || memcmp(end, top, (size_t)top_len) != 0 ||
        (end[top_len] != '/' && end[top_len] != '\0'))
        return -EXDEV;
    return open_beneath(root, end + top_len + (end[top_len] == '/'), flags, false);
}

static int docroot_try(const struct docroot *root, const char *path, int flags) {
    if (root->symlinks == SYMLINKS_ALL) {
        int fd = calls_openat(root->fd, path[0] ? path : ".", flags | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
    }
    if (root->symlinks == SYMLINKS_NONE)
        return open_beneath(root, path, flags, false);
    int fd = open_beneath(root, path, flags, true);
    return fd == -EXDEV ? open_link_back(root, path, flags) : fd;
}

/* What can't be opened just now is busy: only what isn't at hand is -EAGAIN. */
static int docroot_at(const struct docroot *root, const char *path, int flags) {
    int fd = docroot_try(root, path, flags);
    return fd == -EAGAIN ? -EBUSY : fd;
}

/* Somebody may have a lease of the file (Samba has). That we would read it has told him, and mostly he gives it up in a
   moment; till then the kernel doesn't let in who won't wait. Who would, might wait for what has taken its name. */
static int open_to_read(const struct docroot *root, const char *path) {
    enum { TRIES = 100, NAP_MS = 10 };
    int fd;
    for (int tries = 0; (fd = docroot_at(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY)) == -EBUSY && tries < TRIES;
         tries++)
        poll(NULL, 0, NAP_MS);
    return fd;
}

int docroot_folder(const struct docroot *root, const char *path) {
    return docroot_at(root, path, O_RDONLY | O_DIRECTORY);
}

int docroot_stat(const struct docroot *root, const char *path, bool at_hand, struct stat *st) {
    int fd = at_hand ? open_at_hand(root, path, O_PATH) : docroot_at(root, path, O_PATH);
    if (fd < 0)
        return fd;
    int error = calls_fstat(fd, st) < 0 ? -errno : 0;
    calls_close(fd);
    return error;
}

static int stat_opened(int fd, struct stat *st) {
    if (fd < 0 || calls_fstat(fd, st) == 0)
        return fd;
    calls_close(fd);
    return -EIO;
}

/* Without a look first: on the file systems that roots are on, opening a device without waiting is all the harm there
   could be, and RESOLVE_NO_XDEV keeps out of /dev. */
static int file_at_hand(const struct docroot *root, const char *path, struct stat *st) {
    int fd = stat_opened(open_at_hand(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY), st);
    if (fd < 0 || S_ISREG(st->st_mode) || S_ISDIR(st->st_mode))
        return fd == -ENXIO ? -EAGAIN : fd;
    calls_close(fd);
    return -EAGAIN;
}

int docroot_file(const struct docroot *root, const char *path, bool at_hand, struct stat *st) {
    if (at_hand)
        return file_at_hand(root, path, st);
    int probe = stat_opened(docroot_at(root, path, O_PATH), st);
    if (probe < 0 || !S_ISREG(st->st_mode))
        return probe;
    calls_close(probe);
    return stat_opened(open_to_read(root, path), st);
}
