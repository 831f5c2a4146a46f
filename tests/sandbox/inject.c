/* Preloaded into a server, asks for what it must not have, from within: as somebody would who has got it to run their
   code. A thread of a role does so when it next calls a function that it uses anyway and the file INJECT_FILE.ROLE is
   there. What each attempt came to is written to the descriptor INJECT_FD, a line each: "ROLE NAME ERRNO". */
#define _GNU_SOURCE
#include "base/bounds.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static int report_fd = -1;
static const char *trigger;
static pid_t server;

__attribute__((constructor)) static void begin(void) {
    const char *fd = getenv("INJECT_FD");
    report_fd = fd ? atoi(fd) : -1;
    trigger = getenv("INJECT_FILE");
    server = getpid();
}

static void report(const char *role, const char *name, long result) {
    char line[128];
    int len = snprintf(line, sizeof line, "%s %s %d\n", role, name, result < 0 ? errno : 0);
    syscall(SYS_write, report_fd, line, len);
}

static long try_exec(void) {
    static char name[] = "/bin/true";
    char *argv[] = {name, NULL};
    return syscall(SYS_execve, argv[0], argv, argv + 1);
}

static long try_connect(void) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(1), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return syscall(SYS_connect, report_fd, &to, sizeof to);
}

static long try_run_memory(void) {
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    long result = syscall(SYS_mprotect, page, 4096, PROT_READ | PROT_EXEC);
    int error = errno;
    munmap(page, 4096);
    errno = error;
    return result;
}

static long try_fork(void) {
    long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (pid == 0)
        syscall(SYS_exit_group, 0);
    return pid;
}

static long try_ring(void) {
    struct io_uring_params params = {0};
    return syscall(SYS_io_uring_setup, 4, &params);
}

/* What a pair is made of besides what an upgrade needs: one of datagrams can send to any name on this machine, and of
   other families a socket is made before it is found that there are no pairs. */
static long try_pair(int family, int type) {
    int ends[2];
    long result = syscall(SYS_socketpair, family, type, 0, ends);
    if (result == 0) {
        syscall(SYS_close, ends[0]);
        syscall(SYS_close, ends[1]);
    }
    return result;
}

/* Hands the steward one descriptor more than it takes, with a question that it answers by no. */
static long try_steward(void) {
    enum { MANY = LISTEN_MAX + 2 };
    int32_t kill_nobody[] = {1, 0}, answer = 0;
    int type, fds[MANY], fd = STDERR_FILENO;
    union {
        struct cmsghdr first;
        char bytes[CMSG_SPACE(sizeof fds)];
    } space = {.first = {CMSG_LEN(sizeof fds), SOL_SOCKET, SCM_RIGHTS}};
    struct iovec iov = {kill_nobody, sizeof kill_nobody};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &space, .msg_controllen = sizeof space};
    do {
        socklen_t len = sizeof type;
        if (getsockopt(++fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0)
            type = 0;
    } while (type != SOCK_SEQPACKET && fd < 100);
    for (int i = 0; i < MANY; i++)
        fds[i] = report_fd;
    memcpy(CMSG_DATA(&space.first), fds, sizeof fds);
    if (syscall(SYS_sendmsg, fd, &message, MSG_NOSIGNAL) < 0)
        return -1;
    errno = syscall(SYS_recvfrom, fd, &answer, sizeof answer, 0, NULL, NULL) == sizeof answer ? EPERM : EPIPE;
    return answer;
}

/* What harms nobody where it succeeds. */
static void try_some(const char *role) {
    report(role, "socket", syscall(SYS_socket, AF_INET, SOCK_STREAM, 0));
    report(role, "mprotect", try_run_memory());
    report(role, "open_passwd", syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY));
}

static void try_all(const char *role) {
    try_some(role);
    if (getenv("INJECT_SOME")) {
        report(role, "end", 0);
        return;
    }
    report(role, "execve", try_exec());
    report(role, "fork", try_fork());
    report(role, "thread_namespace", syscall(SYS_clone, CLONE_THREAD | CLONE_NEWNET, 0, 0, 0, 0)); /* invalid besides */
    report(role, "ptrace", syscall(SYS_ptrace, PTRACE_ATTACH, getppid(), 0, 0));
    report(role, "connect", try_connect());
    report(role, "pair_datagrams", try_pair(AF_UNIX, SOCK_DGRAM));
    report(role, "pair_internet", try_pair(AF_INET, SOCK_STREAM));
    report(role, "bind", syscall(SYS_bind, report_fd, "", 0));
    report(role, "listen", syscall(SYS_listen, report_fd, 1));
    report(role, "mmap", syscall(SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    report(role, "io_uring_setup", try_ring());
    report(role, "create", syscall(SYS_openat, AT_FDCWD, "/tmp/httpd-injected", O_WRONLY | O_CREAT, 0600));
    report(role, "unlink", syscall(SYS_unlinkat, AT_FDCWD, "/tmp/httpd-injected", 0));
    report(role, "rename", syscall(SYS_renameat2, AT_FDCWD, "/tmp/a", AT_FDCWD, "/tmp/b", 0));
    report(role, "chmod", syscall(SYS_fchmodat, AT_FDCWD, "/tmp", 01777));
    report(role, "mount", syscall(SYS_mount, "none", "/mnt", "tmpfs", 0, NULL));
    report(role, "unshare", syscall(SYS_unshare, CLONE_NEWUSER));
    report(role, "setuid", syscall(SYS_setuid, 0));
    report(role, "kill", syscall(SYS_kill, getppid(), 0));
    report(role, "setpriority", syscall(SYS_setpriority, PRIO_PROCESS, getppid(), 1));
    report(role, "setpriority_user", syscall(SYS_setpriority, PRIO_USER, 0, 1));
    report(role, "process_vm_readv", syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0));
    report(role, "bpf", syscall(SYS_bpf, 0, NULL, 0));
    report(role, "steward", try_steward());
    report(role, "end", 0);
}

/* What some roles are refused and others live on. */
static void try_clients(const char *role) {
    report(role, "accept", syscall(SYS_accept4, report_fd, NULL, NULL, 0));
    report(role, "send", syscall(SYS_sendto, report_fd, "", 0, 0, NULL, 0));
    report(role, "shutdown", syscall(SYS_shutdown, report_fd, 0));
}

/* Once for each role. */
static bool is_due(const char *role) {
    char path[4096];
    struct stat st;
    snprintf(path, sizeof path, "%s.%s", trigger ? trigger : "", role);
    if (!trigger || report_fd < 0 || syscall(SYS_newfstatat, AT_FDCWD, path, &st, 0) < 0)
        return false;
    static atomic_bool done[128]; /* by the first letter: they differ */
    return !atomic_exchange(&done[(unsigned char)role[0] & 127], true);
}

static void look(void) {
    bool first = getpid() == (pid_t)syscall(SYS_gettid);
    if (getpid() != server && getppid() != server) /* the steward */
        return;
    const char *role = getpid() != server ? "child" : first ? "worker" : "loader";
    if (!is_due(role))
        return;
    if (strcmp(role, "loader") == 0)
        try_clients(role);
    try_all(role);
}

/* Every thread closes something at last. */
int close(int fd) {
    if (server)
        look();
    return (int)syscall(SYS_close, fd);
}

int poll(struct pollfd *fds, nfds_t count, int timeout_ms) {
    const struct timespec timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};
    if (getpid() != server)
        look();
    return ppoll(fds, count, timeout_ms < 0 ? NULL : &timeout, NULL);
}

ssize_t writev(int fd, const struct iovec *iov, int count) {
    if (getpid() != (pid_t)syscall(SYS_gettid) && is_due("log")) {
        try_clients("log");
        try_all("log");
    }
    return syscall(SYS_writev, fd, iov, count);
}
