#define _GNU_SOURCE
#include "server/lab.h"
#include "backend/list.h"
#include "base/clock.h"
#include "base/say.h"
#include "host/backend.h"
#include "server/lab_crowd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    RUN_MS = 1500, /* of each model */
    START_MS = 5000,
    BIG_LEN = 64 << 20,
    SAMPLES_MAX = 100000,
    MODELS_MAX = 32,
};

struct lab {
    const struct lab_crowd *crowd;
    const struct backend *models[MODELS_MAX];
    int model_count;
    char folder[64];
    pid_t server;
    int port;
};

struct outcome {
    unsigned answered, unanswered;
    double p50_ms, p99_ms, worst_ms, cpu_ms, memory_mib;
};

static double samples[SAMPLES_MAX]; /* ms */

static volatile sig_atomic_t interrupted;

static void interrupt(int number) {
    (void)number;
    interrupted = 1;
}

/* ---- The server */

static _Noreturn void serve_model(const struct lab *lab, const struct backend *model, int out_fd) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(out_fd, STDOUT_FILENO);
    execl("/proc/self/exe", "httpd", "-q", "-l", "127.0.0.1:0", "-r", lab->folder, "-m", model->name, (char *)NULL);
    _exit(127);
}

/* With port 0 and -q, the URL is all that it prints. */
static bool start_server(struct lab *lab, const struct backend *model) {
    char url[128] = "";
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return false;
    lab->server = fork();
    if (lab->server == 0)
        serve_model(lab, model, ends[1]);
    close(ends[1]);
    struct pollfd told = {.fd = ends[0], .events = POLLIN};
    if (lab->server > 0 && poll(&told, 1, START_MS) > 0 && read(ends[0], url, sizeof url - 1) < 0)
        url[0] = '\0';
    close(ends[0]);
    const char *colon = strrchr(url, ':');
    lab->port = colon ? atoi(colon + 1) : 0;
    return lab->port > 0;
}

/* There is nothing that it would have to end well. */
static void stop(pid_t pid) {
    if (pid <= 0)
        return;
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

/* ---- What it costs */

static bool read_file(pid_t pid, const char *name, char *text, size_t size) {
    char path[96];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* Of one process, and of its children that have ended. */
static double cpu_of(pid_t pid) {
    char text[1024];
    unsigned long long user, system, children_user, children_system;
    if (!read_file(pid, "stat", text, sizeof text) || !strrchr(text, ')') ||
        sscanf(strrchr(text, ')') + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %llu %llu", &user,
               &system, &children_user, &children_system) != 4)
        return 0;
    return (double)(user + system + children_user + children_system) * 1000 / (double)sysconf(_SC_CLK_TCK);
}

static double memory_of(pid_t pid) {
    char text[4096];
    const char *at = read_file(pid, "smaps_rollup", text, sizeof text) ? strstr(text, "\nPss:") : NULL;
    return at ? strtod(at + 5, NULL) / 1024 : 0;
}

/* With the children that live. */
static double sum_of(pid_t pid, double (*of)(pid_t)) {
    static char text[64 * 1024];
    char name[64], *at = text;
    double sum = of(pid);
    snprintf(name, sizeof name, "task/%d/children", (int)pid);
    if (!read_file(pid, name, text, sizeof text))
        return sum;
    for (char *end; strtol(at, &end, 10) > 0 && end > at; at = end)
        sum += of((pid_t)strtol(at, NULL, 10));
    return sum;
}

/* ---- The honest client */

/* One request on a connection of its own, whole; false: no answer within a second. */
static bool ask_once(int port) {
    char answer[4096];
    ssize_t n, all = 0;
    int fd = lab_connect(port, "GET /small HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    if (fd < 0)
        return false;
    while ((n = recv(fd, answer + all, sizeof answer - (size_t)all, 0)) > 0)
        all += n;
    close(fd);
    return n == 0 && all > 12 && memcmp(answer, "HTTP/1.1 200", 12) == 0;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void measure(const struct lab *lab, struct outcome *outcome) {
    double before = sum_of(lab->server, cpu_of);
    uint64_t end_ns = clock_fine_ns() + (uint64_t)RUN_MS * 1000000, began_ns;
    unsigned count = 0;
    while ((began_ns = clock_fine_ns()) < end_ns && count < SAMPLES_MAX && !interrupted) {
        bool ok = ask_once(lab->port);
        samples[count++] = (double)(clock_fine_ns() - began_ns) / 1e6;
        outcome->answered += ok;
        outcome->unanswered += !ok;
        if (ok)
            poll(NULL, 0, 1); /* a person pauses, and the server is not to be worked to its limit */
    }
    outcome->cpu_ms = sum_of(lab->server, cpu_of) - before;
    outcome->memory_mib = sum_of(lab->server, memory_of);
    if (count == 0)
        return;
    qsort(samples, count, sizeof *samples, compare);
    outcome->p50_ms = samples[count / 2];
    outcome->p99_ms = samples[count * 99 / 100];
    outcome->worst_ms = samples[count - 1];
}

/* ---- The table */

static bool try_model(struct lab *lab, const struct backend *model) {
    struct outcome outcome = {0};
    if (!start_server(lab, model)) {
        printf("%-12s can't be had here\n", model->name);
        stop(lab->server);
        return true; /* it has said why: the others may do */
    }
    pid_t crowd = lab_crowd_start(lab->crowd, lab->port);
    if (crowd > 0)
        measure(lab, &outcome);
    stop(crowd);
    stop(lab->server);
    if (crowd < 0 || interrupted)
        return interrupted;
    printf("%-12s %8u %10u %9.2f %9.2f %9.1f %8.0f %11.1f\n", model->name, outcome.answered, outcome.unanswered,
           outcome.p50_ms, outcome.p99_ms, outcome.worst_ms, outcome.cpu_ms, outcome.memory_mib);
    fflush(stdout);
    return true;
}

static bool make_file(const struct lab *lab, const char *name, off_t len) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", lab->folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && ftruncate(fd, len) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

static void remove_folder(const struct lab *lab) {
    char path[128];
    static const char *const names[] = {"small", "big"};
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", lab->folder, names[i]);
        unlink(path);
    }
    rmdir(lab->folder);
}

static int print_help(void) {
    printf(
        "Usage: httpd lab [EXPERIMENT] [MODEL]...\n"
        "Starts a server for each model (all of them) on this machine's loopback, a crowd beside one honest client,\n"
        "and says how that one fared, and what it took: about %d seconds for each model.\n\nEXPERIMENT:\n",
        RUN_MS / 1000 + 1);
    for (const struct lab_crowd *crowd = lab_crowds; crowd->name; crowd++)
        printf("  %-8s %s%s\n", crowd->name, crowd->what, crowd == lab_crowds ? " (the default)" : "");
    return 0;
}

/* False after say(). */
static bool read_words(struct lab *lab, int argc, char **argv) {
    lab->crowd = lab_crowds;
    for (int i = 1; i < argc; i++) {
        const struct lab_crowd *crowd = lab_crowds;
        const struct backend *model = backend_find(argv[i]);
        while (crowd->name && strcmp(crowd->name, argv[i]) != 0)
            crowd++;
        if (crowd->name) {
            lab->crowd = crowd;
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

int lab_run(int argc, char **argv) {
    struct lab lab = {.folder = "/tmp/httpd-lab-XXXXXX"};
    struct rlimit limit;
    bool ok = true;
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return print_help();
    if (!read_words(&lab, argc, argv))
        return 2;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    signal(SIGINT, interrupt);
    signal(SIGTERM, interrupt);
    if (!mkdtemp(lab.folder) || !make_file(&lab, "small", 1000) || !make_file(&lab, "big", BIG_LEN)) {
        say("lab: can't make %s: %s", lab.folder, strerror(errno));
        return 1;
    }
    printf("Beside an honest client: %s.\nExpected: %s.\n\n", lab.crowd->what, lab.crowd->expected);
    printf("%-12s %8s %10s %9s %9s %9s %8s %11s\n", "model", "answered", "unanswered", "p50 ms", "p99 ms", "worst ms",
           "CPU ms", "memory MiB");
    fflush(stdout);
    for (int i = 0; ok && i < lab.model_count && !interrupted; i++)
        ok = try_model(&lab, lab.models[i]);
    remove_folder(&lab);
    if (!ok)
        say("lab: can't start clients: %s", strerror(errno));
    return ok && !interrupted ? 0 : 1;
}
