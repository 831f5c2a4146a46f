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

enum { MODELS_MAX = 32, WIDTH = 80 };

struct lab {
    const struct experiment *experiment;
    const struct backend *models[MODELS_MAX];
    int model_count;
    int signal; /* that ended it; 0: none */
};

static void nobody_serves(void *ctx, pid_t pid) {
    (void)ctx;
    (void)pid;
}

static void nobody_ticks(void *ctx, const struct lab_tick *tick) {
    (void)ctx;
    (void)tick;
}

static bool stops_by_signal(void *ctx, int stop_fd) {
    struct lab *lab = ctx;
    struct signalfd_siginfo info;
    if (read(stop_fd, &info, sizeof info) == (ssize_t)sizeof info)
        lab->signal = (int)info.ssi_signo;
    return true;
}

/* ---- The table */

/* The words behind `first`, in lines that a terminal shows whole; those after the first begin at `column`. */
static void print_words(const char *first, int column, const char *words) {
    int at = printf("%s", first);
    for (int len; *words; words += len + (words[len] == ' ')) {
        len = (int)strcspn(words, " ");
        if (at + 1 + len > WIDTH)
            at = printf("\n%*s%.*s", column, "", len, words) - 1;
        else
            at += printf(" %.*s", len, words);
    }
    printf("\n");
}

static void print_row(const struct backend *model, const struct lab_outcome *outcome) {
    const double times[] = {outcome->alone_ms, outcome->middle_ms, outcome->worst_ms};
    printf("%-11s %8u %5u", model->name, outcome->answered, outcome->unanswered);
    for (int i = 0; i < 3; i++)
        printf(" %6.*f", times[i] < 100 ? 2 : 0, times[i]);
    printf(" %6.0f %7llu %6.1f  %s%s\n", outcome->cpu_ms, (unsigned long long)outcome->calls, outcome->memory_mib,
           experiment_fate_names[outcome->fate], outcome->met ? "" : ", which wasn't expected");
    fflush(stdout);
}

static void print_busy(double others) {
    if (others >= LAB_BUSY)
        printf("\nOther programs had up to %.0f %% of this machine's processors before the crowd\n"
               "came: what is late may be their doing.\n",
               others * 100);
}

static enum lab_end try_all(const struct lab *lab, struct lab_trial *trial) {
    enum lab_end end = LAB_DONE;
    double others = 0;
    for (int i = 0; i < lab->model_count && (end == LAB_DONE || end == LAB_ABSENT) && !ferror(stdout); i++) {
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

/* Of the models that are asked for, those of which it is expected, in `names`: how long that is. */
static size_t list_expected(const struct lab *lab, const struct expectation *expected, char *names, size_t size) {
    size_t len = 0;
    for (int i = 0; i < lab->model_count && len < size; i++)
        if (experiment_expects(lab->experiment, lab->models[i]->name) == expected)
            len += (size_t)snprintf(names + len, size - len, "%s%s", len ? ", " : "  ", lab->models[i]->name);
    return len;
}

static void print_header(const struct lab *lab) {
    const struct experiment *experiment = lab->experiment;
    char first[512];
    snprintf(first, sizeof first, "%s.", experiment->title);
    print_words(first, 0, experiment->what);
    printf("Expected of\n");
    const struct expectation *expected = experiment->expected;
    for (;; expected++) {
        size_t len = list_expected(lab, expected, first, sizeof first);
        if (len > 0 && len < sizeof first) {
            snprintf(first + len, sizeof first - len, ": %s.", experiment_fate_names[expected->fate]);
            print_words(first, 4, expected->words);
        }
        if (!expected->models)
            break;
    }
    printf("Answered: each request within 50 ms. Late: some took longer. Held up: some had\n"
           "no answer (none) within a second. Times in ms; alone is p50 before the crowd.\n"
           "CPU (ms), system calls and memory (MiB) are the server's, beside the crowd.\n"
           "\n%-11s %8s %5s %6s %6s %6s %6s %7s %6s\n",
           "model", "answered", "none", "alone", "p50", "worst", "CPU", "calls", "MiB");
    fflush(stdout);
}

/* ---- The command */

static int print_help(void) {
    char first[32];
    printf("Usage: httpd lab [EXPERIMENT] [MODEL]...\n"
           "Starts a server for each model on this machine's loopback, an honest client, a\n"
           "crowd beside it, and says how the honest one fared, and what it took: %.1f\n"
           "seconds for each model.\n\nMODEL (default all):\n ",
           lab_trial_ms() / 1000.0);
    for (int i = 0; backend_list[i]; i++)
        printf(" %s", backend_list[i]->name);
    printf("\n\nEXPERIMENT (default %s):\n", experiment_list->name);
    for (const struct experiment *experiment = experiment_list; experiment->name; experiment++) {
        snprintf(first, sizeof first, "  %-8s", experiment->name);
        print_words(first, (int)strlen(first) + 1, experiment->what);
    }
    return fflush(stdout) == 0 ? 0 : 1;
}

static bool wants_help(int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

/* False after say(). */
static bool read_words(struct lab *lab, int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        const struct experiment *experiment = experiment_find(slice_of(argv[i]));
        const struct backend *model = backend_find(argv[i]);
        if (experiment && lab->experiment) {
            say("lab: %s and %s: one experiment at a time", lab->experiment->name, argv[i]);
            return false;
        }
        if (experiment) {
            lab->experiment = experiment;
        } else if (model && lab->model_count < MODELS_MAX) {
            lab->models[lab->model_count++] = model;
        } else {
            say("lab: %s is no experiment and no model: httpd lab --help lists them", argv[i]);
            return false;
        }
    }
    if (!lab->experiment)
        lab->experiment = experiment_list;
    bool all = lab->model_count == 0;
    for (int i = 0; all && backend_list[i]; i++)
        lab->models[lab->model_count++] = backend_list[i];
    return true;
}

/* What asks the program to end can be waited for like all else, a reader who has gone (SIGPIPE) too. */
static int open_signals(void) {
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};
    struct sigaction was;
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (sigaction(numbers[i], NULL, &was) == 0 && was.sa_handler != SIG_IGN) /* nohup(1) */
            sigaddset(&set, numbers[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

/* By what had asked for it: so a shell ends its loop, too. */
static void end_by(int number) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    signal(number, SIG_DFL);
    raise(number);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

int lab_run(int argc, char **argv) {
    struct lab lab = {0};
    char folder[LAB_FOLDER_MAX];
    if (wants_help(argc, argv))
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
                              .stops = stops_by_signal,
                              .serves = nobody_serves,
                              .tick = nobody_ticks,
                              .ctx = &lab};
    enum lab_end end = LAB_FAILED;
    if (!lab_files_make(lab.experiment, folder))
        say("lab: can't make %s: %s", folder, strerror(errno));
    else if ((end = try_all(&lab, &trial)) == LAB_FAILED)
        say("lab: can't start clients: %s", strerror(errno));
    lab_files_remove(folder);
    experiments_close(experiments);
    if (lab.signal)
        end_by(lab.signal);
    return end == LAB_DONE && !ferror(stdout) ? 0 : 1;
}
