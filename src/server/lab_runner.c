/* One datagram asks for a run, and is forgotten while another one is on; a word or the end of the server stops it. */
#define _GNU_SOURCE
#include "server/lab_runner.h"
#include "backend/list.h"
#include "base/clock.h"
#include "base/say.h"
#include "server/confine.h"
#include "server/descriptor_limit.h"
#include "server/helper.h"
#include "server/lab_trial.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SERVER_FD = 3, RINGS_FD };

/* ---- What is told */

static void tell_serves(void *ctx, pid_t pid) {
    struct experiments_told *told = ctx;
    atomic_store(&told->pid, pid);
    experiments_tell(told, "{\"kind\":\"serves\",\"pid\":%d,\"at\":%llu}", (int)pid,
                     (unsigned long long)clock_fine_ns());
}

static void tell_tick(void *ctx, const struct lab_tick *tick) {
    experiments_tell(ctx,
                     "{\"kind\":\"tick\",\"at\":%u,\"crowd\":%s,\"answered\":%u,\"unanswered\":%u,\"least\":%.3f,"
                     "\"middle\":%.3f,\"most\":%.3f,\"waits\":%.1f,\"cpu\":%.0f,\"calls\":%llu}",
                     tick->at_ms, tick->crowd ? "true" : "false", tick->answered, tick->unanswered, tick->least_ms,
                     tick->middle_ms, tick->most_ms, tick->waits_ms, tick->cpu_ms, (unsigned long long)tick->calls);
}

static void tell_outcome(struct experiments_told *told, const struct lab_outcome *outcome) {
    experiments_tell(told,
                     "{\"kind\":\"end\",\"answered\":%u,\"unanswered\":%u,\"alone\":%.3f,\"middle\":%.3f,"
                     "\"worst\":%.3f,\"cpu\":%.0f,\"calls\":%llu,\"memory\":%.1f,\"others\":%.2f,\"fate\":"
                     "\"%s\",\"met\":%s}",
                     outcome->answered, outcome->unanswered, outcome->alone_ms, outcome->middle_ms, outcome->worst_ms,
                     outcome->cpu_ms, (unsigned long long)outcome->calls, outcome->memory_mib, outcome->others,
                     experiment_fate_names[outcome->fate], outcome->met ? "true" : "false");
}

static void tell_end(struct experiments_told *told, enum lab_end end, const struct lab_outcome *outcome) {
    switch (end) {
    case LAB_DONE:
        tell_outcome(told, outcome);
        break;
    case LAB_ABSENT:
        experiments_tell(told, "{\"kind\":\"absent\"}");
        break;
    case LAB_STOPPED:
        experiments_tell(told, "{\"kind\":\"stopped\"}");
        break;
    case LAB_FAILED:
        experiments_tell(told, "{\"kind\":\"failed\",\"why\":\"%s\"}", strerror(errno));
        break;
    }
}

/* ---- A run */

/* A request is heard twice when its answer had to be made first. */
static bool is_stopped(void *ctx, int fd) {
    char query[EXPERIMENTS_ASK_MAX];
    (void)ctx;
    ssize_t len = recv(fd, query, sizeof query, MSG_DONTWAIT);
    if (len <= 0)
        return len == 0;
    return slice_equal(experiments_field((struct slice){query, (size_t)len}, "experiment"), slice_of("stop"));
}

/* Each model once, in the order of the list. */
static bool wants_model(struct slice models, const char *name) {
    struct slice one;
    while (models.len > 0) {
        const char *comma = memchr(models.at, ',', models.len);
        one = (struct slice){models.at, comma ? (size_t)(comma - models.at) : models.len};
        if (slice_equal(one, slice_of(name)))
            return true;
        models = slice_from(models, one.len + (comma != NULL));
    }
    return false;
}

static void tell_run(struct experiments_told *told, const struct experiment *experiment, struct slice models) {
    char names[256] = "";
    size_t len = 0;
    for (int i = 0; backend_list[i]; i++)
        if (wants_model(models, backend_list[i]->name))
            len += (size_t)snprintf(names + len, sizeof names - len, "%s\"%s\"", len ? "," : "", backend_list[i]->name);
    experiments_tell(told, "{\"kind\":\"run\",\"experiment\":\"%s\",\"ms\":%u,\"models\":[%s]}", experiment->name,
                     lab_trial_ms(), names);
}

static void run(const struct experiments *experiments, const struct experiment *experiment, struct slice models) {
    struct experiments_told *told = experiments->told;
    char folder[LAB_FOLDER_MAX];
    const struct lab_trial trial = {.experiment = experiment,
                                    .folder = folder,
                                    .rings = experiments->rings,
                                    .rings_fd = RINGS_FD,
                                    .stop_fd = SERVER_FD,
                                    .stops = is_stopped,
                                    .serves = tell_serves,
                                    .tick = tell_tick,
                                    .ctx = told};
    enum lab_end end = LAB_DONE;
    tell_run(told, experiment, models);
    if (!lab_files_make(experiment, folder))
        tell_end(told, end = LAB_FAILED, NULL);
    for (int i = 0; backend_list[i] && (end == LAB_DONE || end == LAB_ABSENT); i++) {
        struct lab_outcome outcome;
        if (!wants_model(models, backend_list[i]->name))
            continue;
        atomic_store(&told->model, backend_list[i]->name);
        experiments_tell(told, "{\"kind\":\"trial\",\"model\":\"%s\"}", backend_list[i]->name);
        end = lab_trial_run(&trial, backend_list[i]->name, &outcome);
        tell_end(told, end, &outcome);
    }
    lab_files_remove(folder);
}

static void begin(const struct experiments *experiments, struct slice query) {
    struct experiments_told *told = experiments->told;
    const struct experiment *experiment = experiment_find(experiments_field(query, "experiment"));
    struct slice number = experiments_field(query, "run");
    uint32_t next = atomic_load(&told->run) + 1;
    if (!experiment || number.len == 0 || strtoul(number.at, NULL, 10) != next)
        return;
    atomic_store(&told->running, true);
    experiments_begin(told, next);
    run(experiments, experiment, experiments_field(query, "models"));
    atomic_store(&told->running, false);
}

/* ---- The process */

static _Noreturn void runner_main(const struct experiments *experiments) {
    char query[EXPERIMENTS_ASK_MAX + 1];
    ssize_t len;
    while ((len = recv(SERVER_FD, query, sizeof query - 1, 0)) > 0 || (len < 0 && errno == EINTR)) {
        query[len > 0 ? len : 0] = '\0';
        begin(experiments, (struct slice){query, len > 0 ? (size_t)len : 0});
    }
    _exit(0);
}

struct runner_start {
    const struct experiments *experiments;
    const struct config *config;
};

/* Signals to the group are the server's: blocked here, and with them those that it starts, which it kills. */
static _Noreturn void runner_begin(void *ctx, int fd) {
    const struct runner_start *start = ctx;
    static struct config own;
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    signal(SIGCHLD, SIG_DFL);
    prctl(PR_SET_NAME, "httpd-lab");
    int high_fd = fcntl(fd, F_DUPFD, RINGS_FD + 1),
        high_rings_fd = fcntl(start->experiments->rings_fd, F_DUPFD, RINGS_FD + 1);
    dup3(high_fd, SERVER_FD, O_CLOEXEC);
    dup3(high_rings_fd, RINGS_FD, O_CLOEXEC);
    helper_close_from(RINGS_FD + 1);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC); /* who started the server may wait until nobody has its streams */
    for (int stream = STDIN_FILENO; stream <= (start->config->daemon ? STDERR_FILENO : STDOUT_FILENO); stream++)
        dup2(null, stream);
    own = *start->config;
    own.chroot = false; /* programs are started, and files made where they are usually */
    own.no_sandbox = true;
    descriptor_limit_raise();
    if (!confine(&own) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        _exit(1);
    runner_main(start->experiments);
}

static void list_models(struct experiments *experiments) {
    size_t len = 0;
    for (int i = 0; backend_list[i]; i++)
        len += (size_t)snprintf(experiments->models + len, sizeof experiments->models - len, "%s\"%s\"", i ? "," : "[",
                                backend_list[i]->name);
    snprintf(experiments->models + len, sizeof experiments->models - len, "]");
}

bool lab_runner_open(struct experiments *experiments, const struct config *config) {
    struct runner_start start = {experiments, config};
    list_models(experiments);
    experiments->fd = helper_open("--lab", "", SOCK_SEQPACKET, runner_begin, &start);
    return experiments->fd >= 0;
}

void lab_runner_close(struct experiments *experiments) {
    if (experiments && experiments->fd >= 0)
        close(experiments->fd);
}
