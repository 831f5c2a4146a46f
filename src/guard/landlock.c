/* By number and with constants of our own, since what the kernel's headers have depends on the machine that we are
   built on, not on the one that we run on. */
#define _GNU_SOURCE
#include "guard/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The same on every architecture. */
enum { CALL_CREATE = 444, CALL_ADD = 445, CALL_RESTRICT = 446 };

enum { CREATE_VERSION = 1, RULE_PATH_BENEATH = 1 };

/* linux/landlock.h, LANDLOCK_ACCESS_FS_... */
#define FS_WRITE_FILE (1ull << 1)
#define FS_READ_FILE (1ull << 2)
#define FS_READ_DIR (1ull << 3)
#define FS_MAKE_REG (1ull << 8)
#define FS_VERSION_1 ((1ull << 13) - 1)
#define FS_REFER (1ull << 13)
#define FS_TRUNCATE (1ull << 14)
#define FS_IOCTL_DEV (1ull << 15)
#define NET_BIND_TCP (1ull << 0)
#define NET_CONNECT_TCP (1ull << 1)
#define SCOPE_ABSTRACT_SOCKET (1ull << 0)
#define SCOPE_SIGNAL (1ull << 1)

struct ruleset {
    uint64_t fs, net, scoped; /* what is refused unless a rule allows it */
};

struct path_beneath {
    uint64_t allowed;
    int32_t folder;
} __attribute__((packed));

int landlock_version(void) {
    long version = syscall(CALL_CREATE, NULL, 0, CREATE_VERSION);
    return version > 0 ? (int)version : 0;
}

static struct ruleset everything(int version) {
    return (struct ruleset){
        .fs = FS_VERSION_1 | (version >= 2 ? FS_REFER : 0) | (version >= 3 ? FS_TRUNCATE : 0) |
              (version >= 5 ? FS_IOCTL_DEV : 0),
        .net = version >= 4 ? NET_BIND_TCP | NET_CONNECT_TCP : 0,
        .scoped = version >= 6 ? SCOPE_ABSTRACT_SOCKET | SCOPE_SIGNAL : 0,
    };
}

int landlock_open(void) {
    int version = landlock_version();
    struct ruleset all = everything(version);
    /* An older kernel takes a longer struct only while the rest is zero, as it is. */
    return (int)syscall(CALL_CREATE, &all, sizeof all, 0);
}

bool landlock_allow(int rules, const char *path, enum landlock_access access) {
    static const uint64_t allowed[] = {
        [LANDLOCK_READ] = FS_READ_FILE | FS_READ_DIR,
        [LANDLOCK_APPEND] = FS_WRITE_FILE | FS_MAKE_REG | FS_TRUNCATE,
    };
    struct stat st;
    struct path_beneath rule = {.allowed = allowed[access] & everything(landlock_version()).fs,
                                .folder = open(path, O_PATH | O_CLOEXEC)};
    if (rule.folder < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES; /* nothing there that we could reach */
    if (fstat(rule.folder, &st) == 0 && !S_ISDIR(st.st_mode))
        rule.allowed &= FS_READ_FILE | FS_WRITE_FILE | FS_TRUNCATE; /* all that makes sense for a file */
    /* EBADFD: it has no place in a file system, as the pipe that /dev/stdout is. Nothing is forbidden of such. */
    bool ok = syscall(CALL_ADD, rules, RULE_PATH_BENEATH, &rule, 0) == 0 || errno == EBADFD;
    int error = errno;
    close(rule.folder);
    errno = error;
    return ok;
}

bool landlock_enter(int rules) {
    bool ok = syscall(CALL_RESTRICT, rules, 0) == 0;
    int error = errno;
    close(rules);
    errno = error;
    return ok;
}
