/* The access log of a process: lanes for those who make lines, and a thread that writes them. */
#ifndef ACCESS_LOG_H
#define ACCESS_LOG_H

#include "observe/counters.h"
#include "observe/log_format.h"
#include "observe/log_lane.h"

struct access_log;

/* What the user asked for. */
struct access_log_config {
    bool wanted;
    const char *path; /* NULL: standard output */
    struct log_format format;
    bool at_once; /* lines are for somebody who watches: none waits for others */
};

/* Opens the log for `workers`; counts into `counts` (NULL: nobody asked). NULL with one line in
   `error`. Both must outlive it. */
struct access_log *access_log_open(const struct access_log_config *config, unsigned workers, struct counter_log *counts,
                                   char *error, size_t error_size);

/* Starts the thread that writes. Returns 0, or an errno. */
int access_log_start(struct access_log *log);

/* Writes what there is, if that takes no longer than LOG_END_MS, and ends the thread. Nobody makes lines any more. */
void access_log_close(struct access_log *log);

/* Has the path opened again. For signal handlers, too. */
void access_log_reopen(struct access_log *log);

const struct log_format *access_log_format(const struct access_log *log);

/* The lane of a worker. */
struct log_lane *access_log_lane(const struct access_log *log, unsigned worker);

/* That of a worker's forked child, which is there once the worker has made it, before it forks. NULL: there was no
   memory, and no line is made. */
void access_log_before_child(struct access_log *log, unsigned worker, unsigned client);
struct log_lane *access_log_child_lane(const struct access_log *log, unsigned worker, unsigned client);

#endif
