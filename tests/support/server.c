/* A thread reads the child's stderr to its end, so the child never blocks on a full pipe and the end of the pipe tells
 * that no descendant is left. Waiting for the banner is waiting for that thread; waiting for the exit is poll(2) on a
 * pidfd. Nothing sleeps. */
#include "server.h"

#include "bytes.h"
#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    START_MS = 15000, /* generous: sanitizers start slowly on a loaded machine */
    STOP_MS = 15000,
    ORPHAN_MS = 3000, /* for children of the server to notice that it is gone */
    ARGS_MAX = 64,
};

struct server {
    pid_t pid;
    int pid_fd;
    int port;
    int errors_fd;
    bool reaped;
    int status;
    pthread_t reader;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    struct bytes errors;
    bool ended; /* nobody holds the other end of the pipe any more */
};

static void *read_errors(void *context) {
    struct server *server = context;
    char chunk[4096];
    for (;;) {
        ssize_t got = read(server->errors_fd, chunk, sizeof chunk);
        if (got < 0 && errno == EINTR)
            continue;
        pthread_mutex_lock(&server->lock);
        if (got > 0)
            bytes_add(&server->errors, chunk, (size_t)got);
        else
            server->ended = true;
        pthread_cond_broadcast(&server->changed);
        pthread_mutex_unlock(&server->lock);
        if (got <= 0)
            return NULL;
    }
}

/* Zero until the banner's whole URL is there. */
static int banner_port(const struct bytes *errors) {
    static const char url[] = "http://127.0.0.1:";
    const char *found = errors->at ? strstr(errors->at, url) : NULL;
    if (!found)
        return 0;
    char *end;
    long port = strtol(found + sizeof url - 1, &end, 10);
    return *end == '/' && port > 0 && port < 65536 ? (int)port : 0;
}

static struct timespec instant_in(int ms) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += (long)(ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

static int await_banner(struct server *server) {
    struct timespec until = instant_in(START_MS);
    int port = 0, waited = 0;
    pthread_mutex_lock(&server->lock);
    while (!(port = banner_port(&server->errors)) && !server->ended && waited == 0)
        waited = pthread_cond_timedwait(&server->changed, &server->lock, &until);
    pthread_mutex_unlock(&server->lock);
    return port;
}

static bool await_orphans(struct server *server) {
    struct timespec until = instant_in(ORPHAN_MS);
    int waited = 0;
    pthread_mutex_lock(&server->lock);
    while (!server->ended && waited == 0)
        waited = pthread_cond_timedwait(&server->changed, &server->lock, &until);
    bool ended = server->ended;
    pthread_mutex_unlock(&server->lock);
    return ended;
}

/* Runs between fork and exec of a program with threads: only async-signal-safe calls. */
static void become(const char *binary, char *const args[], const char *root, int errors_fd, pid_t parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(126);
    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(null_fd, STDIN_FILENO);
    dup2(null_fd, STDOUT_FILENO);
    dup2(errors_fd, STDERR_FILENO);
    if (chdir(root) == 0)
        execv(binary, args);
    _exit(127);
}

static pid_t spawn(const char *model, const char *root, const char *const extra_args[], int errors_fd) {
    const char *name = getenv("HTTPD");
    char *binary = name ? realpath(name, NULL) : NULL;
    if (!binary) {
        fprintf(stderr, "HTTPD must name the binary under test, not \"%s\"\n", name ? name : "");
        return -1;
    }
    const char *args[ARGS_MAX] = {binary, "-l", "127.0.0.1:0", "-r", root, "-m", model};
    size_t count = 7;
    for (; extra_args && *extra_args && count < ARGS_MAX - 1; extra_args++)
        args[count++] = *extra_args;
    char *copies[ARGS_MAX] = {NULL};
    for (size_t i = 0; i < count; i++)
        copies[i] = strdup(args[i]);
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0)
        become(binary, copies, root, errors_fd, parent);
    for (size_t i = 0; i < count; i++)
        free(copies[i]);
    free(binary);
    return pid;
}

static void print_errors(struct server *server, const char *reason) {
    pthread_mutex_lock(&server->lock);
    fprintf(stderr, "server %d: %s; its stderr:\n%s\n", (int)server->pid, reason,
            server->errors.at ? server->errors.at : "(nothing)");
    pthread_mutex_unlock(&server->lock);
}

static void init_reader(struct server *server) {
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&server->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&server->lock, NULL);
    if (pthread_create(&server->reader, NULL, read_errors, server) != 0)
        abort();
}

struct server *server_start(const char *model, const char *root, const char *const extra_args[]) {
    int pipe_fds[2];
    if (pipe2(pipe_fds, O_CLOEXEC) != 0)
        return NULL;
    pid_t pid = spawn(model, root, extra_args, pipe_fds[1]);
    close(pipe_fds[1]);
    if (pid < 0) {
        close(pipe_fds[0]);
        return NULL;
    }
    struct server *server = calloc(1, sizeof *server);
    if (!server)
        abort();
    server->pid = pid;
    server->pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
    server->errors_fd = pipe_fds[0];
    init_reader(server);
    server->port = await_banner(server);
    if (server->port > 0)
        return server;
    print_errors(server, "no banner with http://127.0.0.1:PORT/");
    server_signal(server, SIGKILL);
    server_close(server);
    return NULL;
}

int server_port(const struct server *server) {
    return server->port;
}

pid_t server_pid(const struct server *server) {
    return server->pid;
}

/* A pid that was reaped may belong to somebody else by now. */
void server_signal(const struct server *server, int signal_number) {
    if (!server->reaped)
        kill(server->pid, signal_number);
}

void server_pause(const struct server *server) {
    siginfo_t info;
    server_signal(server, SIGSTOP);
    waitid(P_PID, (id_t)server->pid, &info, WSTOPPED);
}

bool server_wait(struct server *server, int timeout_ms, int *status) {
    int64_t until_ms = clock_now_ms() + timeout_ms;
    while (!server->reaped) {
        struct pollfd exit_event = {.fd = server->pid_fd, .events = POLLIN};
        int ready = poll(&exit_event, 1, clock_left_ms(until_ms));
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return false;
        server->reaped = waitpid(server->pid, &server->status, 0) == server->pid;
    }
    if (status)
        *status = server->status;
    return true;
}

static bool sanitizer_complained(struct server *server) {
    static const char *const marks[] = {"Sanitizer", "runtime error:", "Assertion", "CHECK"};
    bool found = false;
    pthread_mutex_lock(&server->lock);
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        found = found || (server->errors.at && strstr(server->errors.at, marks[i]));
    pthread_mutex_unlock(&server->lock);
    return found;
}

static void server_free(struct server *server) {
    if (!await_orphans(server))
        pthread_cancel(server->reader);
    pthread_join(server->reader, NULL);
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->lock);
    close(server->errors_fd);
    close(server->pid_fd);
    bytes_free(&server->errors);
    free(server);
}

static bool finish(struct server *server, bool any_status) {
    int status = 0;
    const char *reason = NULL;
    if (!server_wait(server, STOP_MS, &status)) {
        reason = "did not end in time";
        server_signal(server, SIGKILL);
        server_wait(server, STOP_MS, NULL);
    } else if (WIFSIGNALED(status) && !(any_status && (WTERMSIG(status) == SIGTERM || WTERMSIG(status) == SIGKILL))) {
        reason = strsignal(WTERMSIG(status));
    } else if (!any_status && WEXITSTATUS(status) != 0) {
        reason = "exit status is not 0";
    } else if (!await_orphans(server)) {
        reason = "left a process behind";
    }
    if (!reason && sanitizer_complained(server))
        reason = "complained";
    if (reason)
        print_errors(server, reason);
    server_free(server);
    return !reason;
}

bool server_close(struct server *server) {
    return finish(server, true);
}

bool server_stop(struct server *server) {
    server_signal(server, SIGTERM);
    return finish(server, false);
}
