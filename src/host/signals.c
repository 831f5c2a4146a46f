#define _GNU_SOURCE
#include "host/signals.h"
#include "base/bounds.h"
#include "base/check.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

static atomic_int stop_count;
static atomic_int wake_count;
static atomic_uint reload_count;
static volatile sig_atomic_t is_child;
static int wake_fds[WORKERS_MAX];

static void wake_all(void) {
    const uint64_t one = 1;
    int error = errno;
    for (int i = 0; i < atomic_load(&wake_count); i++)
        if (write(wake_fds[i], &one, sizeof one) < 0)
            continue; /* an eventfd that is full is readable already */
    errno = error;
}

/* A child may get a signal twice, from its parent and from the terminal; its parent ends it when it ends itself. */
static void on_stop(int number) {
    if (atomic_fetch_add(&stop_count, 1) > 0 && !is_child)
        _exit(128 + number);
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

void signals_init(void) {
    handle_hangup();
    handle(SIGTERM, on_stop);
    handle(SIGINT, on_stop);
    handle(SIGPIPE, SIG_IGN);
    /* As process 1 of a container we adopt whoever lost his parent: ignored, the kernel reaps them unheard. Those that
       ended before, children of what became us by exec, are ours to reap. */
    handle(SIGCHLD, SIG_IGN);
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
}

void signals_stop(void) {
    atomic_fetch_add(&stop_count, 1);
    wake_all();
}

bool signals_stopping(void) {
    return atomic_load_explicit(&stop_count, memory_order_relaxed) > 0;
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
    is_child = true;
    atomic_store(&wake_count, 0);
}

void signals_watch_children(void) {
    handle(SIGCHLD, on_child);
}
