/* One experiment with one model: an honest client, alone for a moment; then the crowd beside it; then alone again. */
#ifndef LAB_TRIAL_H
#define LAB_TRIAL_H

#include "observe/experiments.h"
#include "server/lab_files.h"
#include "server/lab_server.h"

/* What happened from the last tick to this one. */
struct lab_tick {
    unsigned at_ms; /* since the begin */
    unsigned answered, unanswered;
    double least_ms, middle_ms, most_ms; /* of the answers */
    double waits_ms;                     /* so long the honest client has been waiting for its next answer */
    double cpu_ms;                       /* of the server, since the begin */
    uint64_t calls;                      /* likewise */
    bool crowd;                          /* is there */
};

/* While the crowd was there; alone_ms is the middle before it came. */
struct lab_outcome {
    unsigned answered, unanswered;
    double alone_ms, middle_ms, worst_ms, cpu_ms, memory_mib;
    double others; /* before the crowd came: what part of the processors was at work for neither server nor client */
    uint64_t calls;
    enum experiment_fate fate;
    bool met; /* as it was expected */
};

/* Others had so much that what is late may be their doing: that is to be said. */
#define LAB_BUSY 0.5

struct lab_trial {
    const struct experiment *experiment;
    const char *folder; /* lab_files_make's */
    struct event_rings *rings;
    int rings_fd;
    int stop_fd; /* when it is readable, it is asked whether to stop; */
    bool (*stops)(void *ctx, int stop_fd);
    void (*serves)(void *ctx, pid_t pid);
    void (*tick)(void *ctx, const struct lab_tick *tick);
    void *ctx;
};

enum lab_end { LAB_DONE, LAB_ABSENT, LAB_STOPPED, LAB_FAILED };

/* ABSENT: the model can't be had here. FAILED, with errno: clients can't be started. */
enum lab_end lab_trial_run(const struct lab_trial *trial, const char *model, struct lab_outcome *outcome);

/* How long it takes, about. */
unsigned lab_trial_ms(void);

#endif
