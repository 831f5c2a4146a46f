/* Both hold the sockets while the new one starts, and neither would let the other's clients wait in vain: so as long as
   it isn't certain which of the two will stay, each leaves them open when it ends. The new one reports what it took;
   the old one lets go of that, and says so; from then on it is the new one's alone.

   A thread of its own waits for all this. It is started when first needed, as a process with one thread is faster. */
#define _GNU_SOURCE
#include "server/upgrade.h"
#include "base/helper_thread.h"
#include "base/say.h"
#include "host/signals.h"
#include "server/notify.h"
#include "server/steward.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    STACK_LEN = 256 * 1024,
    LOOK_MS = 20, /* well below ROOM_GRACE_MS: a stop gives the new process up before it shuts the door */
};

/* From the new process to the old one. Versions must go on to understand each other. */
struct report {
    int32_t pid;
    uint32_t taken; /* listener_set of the old one's */
};

void upgrade_open(struct upgrade *upgrade, char **argv, struct listeners *listeners, struct steward *steward,
                  bool quiet) {
    *upgrade = (struct upgrade){.argv = argv, .listeners = listeners, .steward = steward, .quiet = quiet};
    ssize_t len = readlink("/proc/self/exe", upgrade->path, sizeof upgrade->path - 1);
    /* As it was called, so that a symbolic link that is re-pointed leads to the new one; but not where a shell found it
       in its PATH, or the word is made up. */
    if (len <= 0 || (strchr(argv[0], '/') && access(argv[0], X_OK) == 0))
        snprintf(upgrade->path, sizeof upgrade->path, "%s", argv[0]);
}

/* The environment and one variable more; to be freed. */
static char **environment_with(char *variable) {
    size_t count = 0;
    while (environ[count])
        count++;
    char **copy = malloc((count + 2) * sizeof *copy);
    if (!copy)
        return NULL;
    memcpy(copy, environ, count * sizeof *copy);
    copy[count] = variable;
    copy[count + 1] = NULL;
    return copy;
}

/* SIGUSR2 waits until the new process has a handler for it (signals_init). What this process ignores by itself is not
   passed on; what it was started with is, such as nohup's SIGHUP. */
static void set_signals(posix_spawnattr_t *attributes) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    posix_spawnattr_setsigmask(attributes, &set);
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGPIPE);
    posix_spawnattr_setsigdefault(attributes, &set);
    posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

pid_t upgrade_spawn(const struct upgrade *upgrade, int fd) {
    char variable[INHERITED_TEXT_MAX];
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    pid_t pid = -1;
    inherited_write(upgrade->listeners, fd, variable, sizeof variable);
    char **environment = environment_with(variable);
    if (!environment)
        return -ENOMEM;
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_init(&actions);
    set_signals(&attributes);
    posix_spawn_file_actions_adddup2(&actions, fd, fd); /* is no longer closed by exec */
    for (int i = 0; i < upgrade->listeners->count; i++)
        posix_spawn_file_actions_adddup2(&actions, upgrade->listeners->fd[i], upgrade->listeners->fd[i]);
    int error = posix_spawn(&pid, upgrade->path, &actions, &attributes, upgrade->argv, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    free(environment);
    return error ? -error : pid;
}

/* Waits for the report. False after say(), and the new process is gone or told to go. */
static bool upgrade_await(const struct upgrade *upgrade, pid_t pid, int fd, struct report *report) {
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    int left_ms = UPGRADE_MS;
    while (poll(&ready, 1, LOOK_MS) == 0 && left_ms > 0 && !signals_stopping())
        left_ms -= LOOK_MS;
    if (ready.revents && recv(fd, report, sizeof *report, 0) == (ssize_t)sizeof *report)
        return true;
    if (ready.revents) {
        say("SIGUSR2: %s ended before it served (it has said why): this process goes on", upgrade->path);
    } else if (signals_stopping()) {
        steward_kill(upgrade->steward, pid, SIGTERM);
    } else {
        steward_kill(upgrade->steward, pid, SIGKILL); /* were it to stop in good order it would be too late */
        say("SIGUSR2: %s did not serve within %d seconds: it is killed, and this process goes on", upgrade->path,
            UPGRADE_MS / 1000);
    }
    return false;
}

/* False: this process has been told to stop, and so is the new one. */
static bool upgrade_let_go(const struct upgrade *upgrade, int fd, const struct report *report) {
    listeners_own_but(upgrade->listeners, report->taken);
    if (!signals_hand_over()) {
        steward_kill(upgrade->steward, report->pid, SIGTERM);
        return false;
    }
    notify_successor(report->pid);
    if (!upgrade->quiet)
        say_as(SAY_NOTICE, "SIGUSR2: process %d serves; this one ends when it has answered what it was asked",
               (int)report->pid);
    send(fd, "", 1, MSG_NOSIGNAL); /* if it has ended meanwhile nobody is left to go on */
    return true;
}

static void *upgrade_main(void *arg) {
    struct upgrade *upgrade = arg;
    struct report report;
    bool replaced = false;
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
        say("SIGUSR2: no descriptors for an upgrade: %s; this process goes on", strerror(errno));
    } else {
        listeners_note_report(upgrade->listeners, ends[0], ends[1]);
        pid_t pid = steward_spawn(upgrade->steward, ends[1]);
        listeners_note_report(upgrade->listeners, ends[0], -1);
        close(ends[1]);
        if (pid < 0)
            say("SIGUSR2: can't start %s: %s; this process goes on", upgrade->path, strerror(-pid));
        else if (upgrade_await(upgrade, pid, ends[0], &report))
            replaced = upgrade_let_go(upgrade, ends[0], &report);
        listeners_note_report(upgrade->listeners, -1, -1);
        close(ends[0]);
    }
    if (!replaced)
        listeners_own(upgrade->listeners);
    if (!signals_stopping())
        notify_ready(NULL);
    atomic_store(&upgrade->under_way, false);
    return NULL;
}

void upgrade_begin(struct upgrade *upgrade) {
    if (signals_stopping()) {
        say_as(SAY_WARNING, "SIGUSR2 is ignored: this process is ending");
        return;
    }
    if (atomic_load(&upgrade->under_way)) {
        say_as(SAY_WARNING, "SIGUSR2 is ignored: a new process is being started already");
        return;
    }
    if (getpid() == 1) {
        say_as(SAY_WARNING, "SIGUSR2 is ignored: with process 1 its container ends: start another in its place");
        return;
    }
    upgrade_close(upgrade);
    /* Were this one killed as it stops, the new one would go on: so nobody may shut the door before that one has been
       told to stop, too. Who does so sees this, or the stop is seen here. */
    listeners_share(upgrade->listeners, LISTENERS_ALL);
    if (signals_stopping()) {
        listeners_own(upgrade->listeners);
        return;
    }
    atomic_store(&upgrade->under_way, true);
    notify_reloading();
    int error = helper_thread_start(&upgrade->thread, STACK_LEN, upgrade_main, upgrade);
    upgrade->joinable = error == 0;
    if (error) {
        listeners_own(upgrade->listeners);
        atomic_store(&upgrade->under_way, false);
        say("SIGUSR2: can't start a thread: %s; this process goes on", strerror(error));
        notify_ready(NULL);
    }
}

void upgrade_close(struct upgrade *upgrade) {
    if (upgrade->joinable)
        pthread_join(upgrade->thread, NULL);
    upgrade->joinable = false;
}

bool upgrade_report(struct inherited *inherited, struct listeners *listeners) {
    int fd = inherited->predecessor_fd;
    const struct report report = {(int32_t)getpid(), inherited_taken(inherited)};
    struct pollfd answer = {.fd = fd, .events = POLLIN};
    char go;
    if (fd < 0)
        return true;
    inherited->predecessor_fd = -1;
    if (signals_stopping()) { /* it would let go of them for one that ends at once */
        say("stopped before it served");
        close(fd);
        return false;
    }
    send(fd, &report, sizeof report, MSG_NOSIGNAL);
    while (poll(&answer, 1, UPGRADE_MS) < 0 && errno == EINTR)
        ;
    bool let_go = recv(fd, &go, sizeof go, MSG_DONTWAIT) == (ssize_t)sizeof go;
    if (let_go || !signals_stopping()) /* it has died; else it has told us to stop, as it goes on or stops itself */
        listeners_own(listeners);
    close(fd);
    return true;
}
