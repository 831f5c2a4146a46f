/* One datagram asks, one answers. A child that was forked to serve a client holds the server's end too; it lives no
   longer than the server. */
#define _GNU_SOURCE
#include "server/steward.h"
#include "base/check.h"
#include "base/say.h"
#include "server/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { STEWARD_FD = 3, PASSED_MAX = LISTEN_MAX + 1, END_MS = 500 };

enum request_kind { REQUEST_SPAWN, REQUEST_KILL, REQUEST_SERVES, REQUEST_END };

struct request_message {
    enum request_kind kind;
    int32_t value; /* KILL: the signal; END: listener_set */
};

void steward_init(struct steward *steward, const struct steward_duties *duties) {
    *steward = (struct steward){.duties = *duties, .fd = -1};
    pthread_mutex_init(&steward->lock, NULL);
}

static void remove_names(const struct steward_duties *duties, listener_set own) {
    for (int i = 0; i < duties->listeners->count; i++)
        if (own >> i & 1)
            local_socket_unlink(&duties->listeners->local[i]);
    pid_file_close(duties->pid_file);
}

static bool serves(const struct steward_duties *duties, pid_t server) {
    return pid_file_open(duties->pid_file, duties->pid_path, server, duties->successor);
}

/* In the steward: its listeners are the descriptors that came with the request, in their order, and the report's. */
static int32_t spawn_with(const struct steward_duties *duties, const int *fds, int count) {
    struct listeners *listeners = duties->listeners;
    if (count != listeners->count + 1)
        return -EINVAL;
    memcpy(listeners->fd, fds, (size_t)listeners->count * sizeof *fds);
    return upgrade_spawn(duties->upgrade, fds[listeners->count]);
}

struct passed {
    int fds[PASSED_MAX];
    int count;
};

union passed_space {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(PASSED_MAX * sizeof(int))];
};

/* False: the server has ended. */
static bool steward_hear(struct request_message *request, struct passed *passed) {
    union passed_space space;
    struct iovec iov = {request, sizeof *request};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &space};
    ssize_t len;
    passed->count = 0;
    message.msg_controllen = CMSG_LEN(sizeof passed->fds); /* with what `space` has besides, one more would come */
    do
        len = recvmsg(STEWARD_FD, &message, MSG_CMSG_CLOEXEC);
    while (len < 0 && errno == EINTR);
    const struct cmsghdr *control = len > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (control && control->cmsg_type == SCM_RIGHTS) {
        passed->count = (int)((control->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(passed->fds, CMSG_DATA(control), (size_t)passed->count * sizeof(int));
    }
    return len == (ssize_t)sizeof *request;
}

static _Noreturn void steward_main(const struct steward_duties *duties, pid_t server) {
    struct request_message request;
    struct passed passed;
    pid_t spawned = 0;
    bool ended = false;
    while (!ended && steward_hear(&request, &passed)) {
        int32_t answer = 0;
        switch (request.kind) {
        case REQUEST_SPAWN:
            answer = spawned = spawn_with(duties, passed.fds, passed.count);
            break;
        case REQUEST_KILL:
            answer = spawned > 0 ? kill(spawned, request.value) : -1;
            break;
        case REQUEST_SERVES:
            answer = serves(duties, server);
            if (answer)
                daemon_detach(duties->daemon);
            say_move(NULL, -1); /* that was all it had to say, and the log may be deleted */
            break;
        case REQUEST_END:
            remove_names(duties, (listener_set)request.value);
            ended = true;
            break;
        }
        for (int i = 0; i < passed.count; i++)
            close(passed.fds[i]);
        if (send(STEWARD_FD, &answer, sizeof answer, MSG_NOSIGNAL) < 0)
            break;
    }
    if (!ended) /* it was killed: sockets it may have handed over, its pid file it has not */
        remove_names(duties, 0);
    _exit(0);
}

struct steward_start {
    const struct steward_duties *duties;
    pid_t server;
};

/* What it holds is its standard streams, for those that it starts, its end, and till it serves the error log. Signals
   to the group are the server's; they are blocked, not ignored, as those that it starts would ignore them, too. */
static _Noreturn void steward_begin(void *ctx, int fd) {
    const struct steward_start *start = ctx;
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    signal(SIGCHLD, SIG_IGN); /* reaped unheard */
    prctl(PR_SET_NAME, "httpd-steward");
    dup2(fd, STEWARD_FD);
    fcntl(STEWARD_FD, F_SETFD, FD_CLOEXEC);
    helper_close_from(STEWARD_FD + 1);
    start->duties->daemon->nothing_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    steward_main(start->duties, start->server);
}

bool steward_open(struct steward *steward) {
    struct steward_start start = {&steward->duties, getpid()};
    steward->fd =
        helper_open("can't make the sandbox", ", or choose --no-sandbox", SOCK_SEQPACKET, steward_begin, &start);
    return steward->fd >= 0;
}

static int32_t steward_ask(struct steward *steward, const struct request_message *request,
                           const struct passed *passed) {
    union passed_space space;
    struct iovec iov = {(void *)(uintptr_t)request, sizeof *request};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    int32_t answer = -EPIPE;
    if (passed) {
        message.msg_control = &space;
        message.msg_controllen = CMSG_SPACE((size_t)passed->count * sizeof(int));
        struct cmsghdr *control = CMSG_FIRSTHDR(&message);
        *control = (struct cmsghdr){.cmsg_len = CMSG_LEN((size_t)passed->count * sizeof(int)),
                                    .cmsg_level = SOL_SOCKET,
                                    .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(control), passed->fds, (size_t)passed->count * sizeof(int));
    }
    pthread_mutex_lock(&steward->lock);
    if (sendmsg(steward->fd, &message, MSG_NOSIGNAL) > 0)
        while (recv(steward->fd, &answer, sizeof answer, 0) < 0 && errno == EINTR)
            ;
    pthread_mutex_unlock(&steward->lock);
    return answer;
}

pid_t steward_spawn(struct steward *steward, int report_fd) {
    const struct listeners *listeners = steward->duties.listeners;
    struct passed passed = {.count = listeners->count + 1};
    if (steward->fd < 0)
        return upgrade_spawn(steward->duties.upgrade, report_fd);
    memcpy(passed.fds, listeners->fd, (size_t)listeners->count * sizeof(int));
    passed.fds[listeners->count] = report_fd;
    return steward_ask(steward, &(struct request_message){.kind = REQUEST_SPAWN}, &passed);
}

void steward_kill(struct steward *steward, pid_t pid, int number) {
    if (steward->fd < 0)
        kill(pid, number);
    else
        steward_ask(steward, &(struct request_message){REQUEST_KILL, number}, NULL);
}

bool steward_serves(struct steward *steward) {
    if (steward->fd < 0)
        return serves(&steward->duties, getpid());
    int32_t answer = steward_ask(steward, &(struct request_message){.kind = REQUEST_SERVES}, NULL);
    if (answer < 0)
        say("can't make the sandbox: the process outside of it has ended; raise the limit (ulimit -u), or choose "
            "--no-sandbox");
    return answer == 1;
}

void steward_close(struct steward *steward, listener_set own) {
    struct pollfd end = {.fd = steward->fd, .events = POLLIN};
    char byte;
    if (steward->fd < 0) {
        remove_names(&steward->duties, own);
        return;
    }
    steward_ask(steward, &(struct request_message){REQUEST_END, (int32_t)own}, NULL);
    while (poll(&end, 1, END_MS) < 0 && errno == EINTR) /* nobody finds it when the server has ended */
        ;
    if (recv(steward->fd, &byte, 1, MSG_DONTWAIT) == 0)
        close(steward->fd);
    steward->fd = -1;
}
