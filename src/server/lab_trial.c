/* The honest client is a process of its own, so that one sees it wait: its answers come through a pipe. */
#define _GNU_SOURCE
#include "server/lab_trial.h"
#include "base/check.h"
#include "base/clock.h"
#include "server/lab_crowd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CROWD_AT_MS = 250, /* the honest client is alone before, */
    CROWD_MS = 1150,   /* more than its patience */
    END_AT_MS = 1600,  /* and again */
    STUCK_MS = 500,
    SOON_MS = 50,
    TICK_MS = 50,
    COSTS_TICKS = 4,    /* between two looks at what hundreds of processes may have taken */
    ANSWERS_MAX = 4096, /* more than there are milliseconds */
};

struct answer {
    uint64_t began_ns, ended_ns;
    bool ok;
};

struct run {
    const struct lab_trial *trial;
    struct lab_server server;
    pid_t honest, crowd;
    int answers_fd, there_fd;
    uint64_t began_ns, last_ns;            /* the last answer */
    uint64_t crowd_ns, there_ns, alone_ns; /* it comes, has taken its places, is gone; 0: not yet */
    double cpu_before_ms, cpu_ms;
    double machine_before_ms;
    uint64_t calls_before;
    unsigned ticks;
};

static struct answer answers[ANSWERS_MAX];
static unsigned answers_count;

/* ---- The honest client */

/* One request on a connection of its own, whole; false: no answer within LAB_PATIENCE_MS. */
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

static _Noreturn void honest_main(pid_t lab, int port, int out_fd) {
    lab_end_with(lab);
    for (;;) {
        struct answer answer = {.began_ns = clock_fine_ns()};
        answer.ok = ask_once(port);
        answer.ended_ns = clock_fine_ns();
        if (write(out_fd, &answer, sizeof answer) != (ssize_t)sizeof answer)
            _exit(0);
        poll(NULL, 0, 1); /* a person pauses, and the server is not to be worked to its limit */
    }
}

static bool honest_start(struct run *run) {
    int ends[2];
    pid_t lab = getpid();
    if (pipe2(ends, O_CLOEXEC) < 0)
        return false;
    run->honest = fork();
    if (run->honest == 0)
        honest_main(lab, run->server.port, ends[1]);
    int error = errno;
    close(ends[1]);
    run->answers_fd = ends[0];
    errno = error;
    return run->honest > 0;
}

/* ---- Figures */

static double took_ms(const struct answer *answer) {
    return (double)(answer->ended_ns - answer->began_ns) / 1e6;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of the answers from `first` on that came between the two instants, how long they took: sorted, in `took`. What was
   asked for before the first, and answered soon after it, was let in before. */
static unsigned collect(unsigned first, uint64_t from_ns, uint64_t to_ns, double *took, unsigned *unanswered) {
    unsigned count = 0;
    for (unsigned i = first; i < answers_count; i++) {
        bool soon = answers[i].ok && answers[i].ended_ns < from_ns + SOON_MS * UINT64_C(1000000);
        if ((soon ? answers[i].began_ns : answers[i].ended_ns) < from_ns || answers[i].ended_ns > to_ns)
            continue;
        took[count++] = took_ms(&answers[i]);
        *unanswered += !answers[i].ok;
    }
    qsort(took, count, sizeof *took, compare);
    return count;
}

/* Who got his answer because the others left, having waited for them: nobody knows how long it would have been. */
static unsigned stuck_at(uint64_t alone_ns, double *worst_ms) {
    unsigned count = 0;
    for (unsigned i = 0; i < answers_count; i++) {
        double waited_ms = (double)((int64_t)(alone_ns - answers[i].began_ns)) / 1e6;
        if (answers[i].ended_ns <= alone_ns || waited_ms < STUCK_MS)
            continue;
        count++;
        *worst_ms = took_ms(&answers[i]);
    }
    return count;
}

static void sum_up(const struct run *run, struct lab_outcome *outcome) {
    static double took[ANSWERS_MAX];
    unsigned none = 0, count = collect(0, 0, run->crowd_ns, took, &none), stuck;
    outcome->alone_ms = count ? took[count / 2] : 0;
    count = collect(0, run->there_ns ? run->there_ns : run->crowd_ns, run->alone_ns, took, &outcome->unanswered);
    outcome->answered = count - outcome->unanswered;
    outcome->middle_ms = count ? took[count / 2] : CROWD_MS;
    outcome->worst_ms = count ? took[count - 1] : CROWD_MS;
    stuck = stuck_at(run->alone_ns, &outcome->worst_ms);
    stuck += run->last_ns + STUCK_MS * UINT64_C(1000000) < run->alone_ns; /* still */
    outcome->unanswered += stuck || count > 0 ? stuck : 1;
    outcome->fate = experiment_fate(outcome->unanswered, outcome->worst_ms);
}

/* Until now, of all that the processors could have worked since the begin. */
static double others_share(const struct run *run) {
    double worked_ms = lab_machine_cpu_ms() - run->machine_before_ms;
    double could_ms = (double)(clock_fine_ns() - run->began_ns) / 1e6 * (double)sysconf(_SC_NPROCESSORS_ONLN);
    double share = (worked_ms - run->cpu_ms - lab_process_cpu_ms(run->honest)) / could_ms;
    return share < 0 ? 0 : share > 1 ? 1 : share;
}

static void costs(struct run *run) {
    run->cpu_ms = lab_server_cpu_ms(&run->server) - run->cpu_before_ms;
}

static void tell_tick(struct run *run, unsigned first) {
    static double took[ANSWERS_MAX];
    uint64_t now_ns = clock_fine_ns();
    struct lab_tick tick = {.at_ms = (unsigned)((now_ns - run->began_ns) / 1000000),
                            .waits_ms = (double)(now_ns - run->last_ns) / 1e6,
                            .calls = event_rings_calls(run->trial->rings) - run->calls_before,
                            .crowd = run->crowd_ns && !run->alone_ns};
    unsigned count = collect(first, 0, UINT64_MAX, took, &tick.unanswered);
    tick.answered = count - tick.unanswered;
    if (tick.answered > 0) { /* who gave up waited longest, or was refused */
        tick.least_ms = took[0];
        tick.middle_ms = took[tick.answered / 2];
        tick.most_ms = took[tick.answered - 1];
    }
    if (run->ticks++ % COSTS_TICKS == 0)
        costs(run);
    tick.cpu_ms = run->cpu_ms;
    run->trial->tick(run->trial->ctx, &tick);
}

/* ---- The course of it */

/* Until then. False: it is to be stopped. */
static bool listen_until(struct run *run, uint64_t until_ns) {
    struct pollfd fds[] = {{.fd = run->answers_fd, .events = POLLIN},
                           {.fd = run->trial->stop_fd, .events = POLLIN},
                           {.fd = run->there_fd}};
    uint64_t now_ns;
    while ((now_ns = clock_fine_ns()) < until_ns) {
        if (poll(fds, 3, (int)((until_ns - now_ns) / 1000000) + 1) < 0 && errno != EINTR)
            return false;
        if (fds[1].revents && run->trial->stops(run->trial->ctx, fds[1].fd))
            return false;
        if (fds[2].revents) {
            run->there_ns = clock_fine_ns();
            close(run->there_fd);
            fds[2].fd = run->there_fd = -1;
        }
        if (!fds[0].revents)
            continue;
        CHECK(answers_count < ANSWERS_MAX);
        ssize_t n = read(run->answers_fd, &answers[answers_count], sizeof *answers);
        if (n != (ssize_t)sizeof *answers)
            return false;
        run->last_ns = clock_fine_ns();
        answers_count++;
    }
    return true;
}

static enum lab_end course(struct run *run, const char *model, struct lab_outcome *outcome) {
    const uint64_t ms = 1000000;
    for (unsigned at_ms = TICK_MS; at_ms <= END_AT_MS; at_ms += TICK_MS) {
        unsigned first = answers_count;
        if (!listen_until(run, run->began_ns + at_ms * ms))
            return LAB_STOPPED;
        if (at_ms == CROWD_AT_MS) {
            costs(run);
            outcome->cpu_ms = -run->cpu_ms;
            outcome->others = others_share(run);
            outcome->calls = event_rings_calls(run->trial->rings);
            run->crowd_ns = clock_fine_ns();
            run->crowd = lab_crowd_start(run->trial->experiment, run->server.port, run->trial->folder, &run->there_fd);
            if (run->crowd < 0)
                return LAB_FAILED;
        } else if (at_ms == CROWD_AT_MS + CROWD_MS) {
            costs(run);
            outcome->cpu_ms += run->cpu_ms;
            outcome->calls = event_rings_calls(run->trial->rings) - outcome->calls;
            outcome->memory_mib = lab_server_memory_mib(&run->server);
            run->alone_ns = clock_fine_ns();
            lab_end_process(run->crowd);
            run->crowd = 0;
        }
        tell_tick(run, first);
    }
    sum_up(run, outcome);
    outcome->met = experiment_met(experiment_expects(run->trial->experiment, model)->fate, outcome->fate);
    return LAB_DONE;
}

static enum lab_end serve_and_ask(struct run *run, const char *model, struct lab_outcome *outcome) {
    const struct lab_trial *trial = run->trial;
    if (!lab_server_start(&run->server, trial->folder, model, trial->rings_fd))
        return LAB_ABSENT;
    trial->serves(trial->ctx, run->server.pid);
    run->cpu_before_ms = lab_server_cpu_ms(&run->server);
    run->calls_before = event_rings_calls(trial->rings);
    run->machine_before_ms = lab_machine_cpu_ms();
    run->began_ns = run->last_ns = clock_fine_ns();
    return honest_start(run) ? course(run, model, outcome) : LAB_FAILED;
}

enum lab_end lab_trial_run(const struct lab_trial *trial, const char *model, struct lab_outcome *outcome) {
    struct run run = {.trial = trial, .answers_fd = -1, .there_fd = -1};
    *outcome = (struct lab_outcome){0};
    answers_count = 0;
    /* What the last server noted is forgotten; the memory is as it was made. */
    fallocate(trial->rings_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)trial->rings->len);
    enum lab_end end = serve_and_ask(&run, model, outcome);
    int error = errno;
    lab_end_process(run.crowd);
    lab_end_process(run.honest);
    lab_server_stop(&run.server);
    if (run.answers_fd >= 0)
        close(run.answers_fd);
    if (run.there_fd >= 0)
        close(run.there_fd);
    errno = error;
    return end;
}

unsigned lab_trial_ms(void) {
    return END_AT_MS;
}
