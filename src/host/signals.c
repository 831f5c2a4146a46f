/* Handlers note what is asked for, and make eventfds readable: the loops do it, between two rounds. Only a second stop,
   and opening the logs again, don't wait for that. Which end the server comes to is decided once, by what comes first:
   a stop, or a successor. */
#define _GNU_SOURCE
#include "host/signals.h"
#include "base/bounds.h"
#include "base/check.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static atomic_int stop_count;
static atomic_int finishing; /* STOPPING or HANDED_OVER, whichever came first */
static atomic_bool upgrade_wanted;
static atomic_int wake_count;
static atomic_uint reload_count;
static void (*reopen_logs)(void);
static pid_t server_pid;
static atomic_int wake_fds[WORKERS_MAX];

enum { STOPPING = 1, HANDED_OVER };

static void wake_all(void) {
    const uint64_t one = 1;
    int error = errno;
    for (int i = 0; i < atomic_load(&wake_count); i++)
        if (write(wake_fds[i], &one, sizeof one) < 0)
            continue; /* an eventfd that is full is readable already */
    errno = error;
}

/* False: it does so already. */
static bool finish(int how) {
    int running = 0;
    bool first = atomic_compare_exchange_strong(&finishing, &running, how);
    wake_all();
    return first;
}

/* A child may get a signal twice, from its parent and from the terminal, as soon as it has been forked; its parent ends
   it when it ends itself. */
static void on_stop(int number) {
    if (atomic_fetch_add(&stop_count, 1) > 0 && getpid() == server_pid)
        _exit(128 + number);
    finish(STOPPING);
}

static void on_upgrade(int number) {
    (void)number;
    atomic_store(&upgrade_wanted, true);
    wake_all();
}

static void on_hangup(int number, siginfo_t *info, void *context) {
    (void)context;
    if (info->si_code == SI_KERNEL) { /* the terminal's, not somebody's */
        on_stop(number);
        return;
    }
    atomic_fetch_add(&reload_count, 1);
    wake_all();
}

static void on_child(int number) {
    (void)number;
    wake_all();
}

static void on_reopen(int number) {
    (void)number;
    reopen_logs();
}

static void handle(int number, void (*handler)(int)) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    CHECK(sigaction(number, &action, NULL) == 0);
}

static void handle_hangup(void) {
    struct sigaction action = {.sa_sigaction = on_hangup, .sa_flags = SA_RESTART | SA_SIGINFO}, before;
    sigemptyset(&action.sa_mask);
    CHECK(sigaction(SIGHUP, NULL, &before) == 0);
    if (before.sa_handler != SIG_IGN)
        CHECK(sigaction(SIGHUP, &action, NULL) == 0);
}

/* They outlive an exec: an alarm that whoever became us had set would end us. */
static void stop_timers(void) {
    static const struct itimerval never;
    setitimer(ITIMER_REAL, &never, NULL);
    setitimer(ITIMER_VIRTUAL, &never, NULL);
    setitimer(ITIMER_PROF, &never, NULL);
}

void signals_init(void) {
    handle_hangup();
    server_pid = getpid();
    handle(SIGTERM, on_stop);
    handle(SIGINT, on_stop);
    handle(SIGUSR2, on_upgrade);
    handle(SIGPIPE, SIG_IGN);
    handle(SIGUSR1, SIG_IGN);
    /* As process 1 of a container we adopt whoever lost his parent: ignored, the kernel reaps them unheard. Those that
       ended before, children of what became us by exec, are ours to reap. */
    handle(SIGCHLD, SIG_IGN);
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
    handle(SIGXFSZ, SIG_IGN); /* a log at its limit (ulimit -f) is EFBIG, an error like any other */
    stop_timers();
    sigset_t none; /* SIGUSR2 was held back while there was no handler: upgrade_spawn; others perhaps by our parent */
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
}

void signals_stop(void) {
    atomic_fetch_add(&stop_count, 1);
    finish(STOPPING);
}

bool signals_stopping(void) {
    return atomic_load_explicit(&finishing, memory_order_relaxed) != 0;
}

bool signals_hand_over(void) {
    return finish(HANDED_OVER);
}

bool signals_handed_over(void) {
    return atomic_load_explicit(&finishing, memory_order_relaxed) == HANDED_OVER;
}

bool signals_take_upgrade(void) {
    return atomic_load_explicit(&upgrade_wanted, memory_order_relaxed) && atomic_exchange(&upgrade_wanted, false);
}

unsigned signals_reloads(void) {
    return atomic_load_explicit(&reload_count, memory_order_relaxed);
}

void signals_wake(int fd) {
    int i = atomic_load(&wake_count);
    CHECK(i < WORKERS_MAX);
    wake_fds[i] = fd;
    atomic_store(&wake_count, i + 1);
}

void signals_forget(void) {
    atomic_store(&wake_count, 0);
}

void signals_watch_children(void) {
    handle(SIGCHLD, on_child);
}

void signals_on_reopen(void (*reopen)(void)) {
    reopen_logs = reopen;
    handle(SIGUSR1, on_reopen);
}
