/* The access log of a process: lanes for those who make lines, and a thread that writes them. */
#ifndef ACCESS_LOG_H
#define ACCESS_LOG_H

#include "observe/counters.h"
#include "observe/log_format.h"
#include "observe/log_lane.h"
#include "observe/log_writer.h"

struct access_log;

/* Where lines go. */
struct access_log_place {
    const char *path; /* NULL: standard output; else it must stay as long as the process */
    bool at_once;     /* lines are for somebody who watches: none waits for others */
};

/* Opens the log for `workers`; counts into `counts` (NULL: nobody asked), which must outlive it. NULL with one line in
   `error`. */
struct access_log *access_log_open(struct access_log_place place, unsigned workers, struct counter_log *counts,
                                   char *error, size_t error_size);

/* Starts the thread that writes. Returns 0, or an errno. */
int access_log_start(struct access_log *log);

/* Writes what there is, if that takes no longer than LOG_END_MS, and ends the thread. Nobody makes lines any more.
   Frees it if it is `unused`: else somebody may still move it. */
void access_log_close(struct access_log *log, bool unused);

/* Has the path opened again. For signal handlers, too. */
void access_log_reopen(struct access_log *log);

/* Has lines written to `writer`, which log_writer_open has opened there, from now on. In one thread at a time. */
void access_log_move(struct access_log *log, struct log_writer writer, bool at_once);

/* No lines are made any more: the file isn't opened again, until the log is moved. */
void access_log_rest(struct access_log *log);

/* A line had no lane to go to. */
void access_log_lost(struct access_log *log);

/* The lane of a worker. */
struct log_lane *access_log_lane(const struct access_log *log, unsigned worker);

/* That of a worker's forked child, which is there once the worker has made it, before it forks. NULL: there was no
   memory, and no line is made. */
void access_log_before_child(struct access_log *log, unsigned worker, unsigned client);
struct log_lane *access_log_child_lane(const struct access_log *log, unsigned worker, unsigned client);

#endif
