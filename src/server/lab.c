#define _GNU_SOURCE
#include "server/lab.h"
#include "backend/list.h"
#include "base/say.h"
#include "server/descriptor_limit.h"
#include "server/lab_trial.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { MODELS_MAX = 32 };

struct lab {
    const struct experiment *experiment;
    const struct backend *models[MODELS_MAX];
    int model_count;
};

static void nobody_serves(void *ctx, pid_t pid) {
    (void)ctx;
    (void)pid;
}

static void nobody_ticks(void *ctx, const struct lab_tick *tick) {
    (void)ctx;
    (void)tick;
}

static bool always_stops(void *ctx, int stop_fd) {
    (void)ctx;
    (void)stop_fd;
    return true;
}

/* ---- The table */

static void print_row(const struct backend *model, const struct lab_outcome *outcome) {
    printf("%-12s %8u %10u %8.2f %8.2f %8.2f %8.1f %8.0f %8llu %8.1f  %s%s\n", model->name, outcome->answered,
           outcome->unanswered, outcome->alone_ms, outcome->middle_ms, outcome->p99_ms, outcome->worst_ms,
           outcome->cpu_ms, (unsigned long long)outcome->calls, outcome->memory_mib,
           experiment_fate_names[outcome->fate], outcome->met ? "" : ", which wasn't expected");
    fflush(stdout);
}

static void print_busy(double others) {
    if (others >= LAB_BUSY)
        printf("\nOther programs had up to %.0f %% of this machine's processors before the crowd came: "
               "what is late may be their doing.\n",
               others * 100);
}

static enum lab_end try_all(const struct lab *lab, struct lab_trial *trial) {
    enum lab_end end = LAB_DONE;
    double others = 0;
    for (int i = 0; i < lab->model_count && (end == LAB_DONE || end == LAB_ABSENT); i++) {
        struct lab_outcome outcome;
        end = lab_trial_run(trial, lab->models[i]->name, &outcome);
        others = end == LAB_DONE && outcome.others > others ? outcome.others : others;
        if (end == LAB_DONE)
            print_row(lab->models[i], &outcome);
        else if (end == LAB_ABSENT) /* it has said why: the others may do */
            printf("%-12s can't be had here\n", lab->models[i]->name);
    }
    print_busy(others);
    return end == LAB_ABSENT ? LAB_DONE : end;
}

static bool is_asked_for(const struct lab *lab, const struct expectation *expected) {
    for (int i = 0; i < lab->model_count; i++)
        if (experiment_expects(lab->experiment, lab->models[i]->name) == expected)
            return true;
    return false;
}

static void print_header(const struct lab *lab) {
    const struct experiment *experiment = lab->experiment;
    printf("%s. %s\nExpected of\n", experiment->title, experiment->what);
    const struct expectation *expected = experiment->expected;
    for (;; expected++) {
        if (is_asked_for(lab, expected))
            printf("  %s: %s. %s\n", expected->models ? expected->models : "all others",
                   experiment_fate_names[expected->fate], expected->words);
        if (!expected->models)
            break;
    }
    printf(
        "Answered: each request within 50 ms. Late: some took longer. Held up: some had no answer within a second.\n");
    printf("\n%-12s %8s %10s %8s %8s %8s %8s %8s %8s %8s\n", "model", "answered", "unanswered", "alone ms", "p50 ms",
           "p99 ms", "worst ms", "CPU ms", "calls", "MiB");
    fflush(stdout);
}

/* ---- The command */

static int print_help(void) {
    printf("Usage: httpd lab [EXPERIMENT] [MODEL]...\n"
           "Starts a server for each model (all of them) on this machine's loopback, an honest client, a crowd beside\n"
           "it, and says how the honest one fared, and what it took: %.1f seconds for each model.\n\nEXPERIMENT:\n",
           lab_trial_ms() / 1000.0);
    for (const struct experiment *experiment = experiment_list; experiment->name; experiment++)
        printf("  %-8s %s%s\n", experiment->name, experiment->what,
               experiment == experiment_list ? " (the default)" : "");
    return 0;
}

/* False after say(). */
static bool read_words(struct lab *lab, int argc, char **argv) {
    lab->experiment = experiment_list;
    for (int i = 1; i < argc; i++) {
        const struct experiment *experiment = experiment_find(slice_of(argv[i]));
        const struct backend *model = backend_find(argv[i]);
        if (experiment) {
            lab->experiment = experiment;
        } else if (model && lab->model_count < MODELS_MAX) {
            lab->models[lab->model_count++] = model;
        } else {
            say("lab: %s is no experiment and no model: httpd lab --help lists them", argv[i]);
            return false;
        }
    }
    bool all = lab->model_count == 0;
    for (int i = 0; all && backend_list[i]; i++)
        lab->models[lab->model_count++] = backend_list[i];
    return true;
}

/* What asks the program to end can be waited for like all else. */
static int open_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

int lab_run(int argc, char **argv) {
    struct lab lab = {0};
    char folder[LAB_FOLDER_MAX];
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return print_help();
    if (!read_words(&lab, argc, argv))
        return 2;
    descriptor_limit_raise();
    struct experiments *experiments = experiments_open();
    int stop_fd = open_signals();
    if (!experiments || stop_fd < 0) {
        say("lab: no memory or no descriptors to start with: raise the limit (ulimit -v, ulimit -n)");
        return 1;
    }
    print_header(&lab);
    struct lab_trial trial = {.experiment = lab.experiment,
                              .folder = folder,
                              .rings = experiments->rings,
                              .rings_fd = experiments->rings_fd,
                              .stop_fd = stop_fd,
                              .stops = always_stops,
                              .serves = nobody_serves,
                              .tick = nobody_ticks};
    enum lab_end end = LAB_FAILED;
    if (!lab_files_make(lab.experiment, folder))
        say("lab: can't make %s: %s", folder, strerror(errno));
    else if ((end = try_all(&lab, &trial)) == LAB_FAILED)
        say("lab: can't start clients: %s", strerror(errno));
    lab_files_remove(folder);
    experiments_close(experiments);
    return end == LAB_DONE ? 0 : 1;
}
