/* What one worker, or a forked child, logs: a line for each request, and why each connection ended. */
#ifndef LOG_MAKER_H
#define LOG_MAKER_H

#include "engine/watch.h"
#include "observe/access_log.h"
#include "observe/log_line.h"

/* The connections of a worker: an array of structs that begin with one. */
struct log_conns {
    const void *first;
    size_t size; /* of such a struct */
    unsigned count;
};

struct log_maker {
    struct access_log *log;          /* NULL: there is none */
    const struct log_format *format; /* NULL: no lines are made just now */
    bool tells_ends;
    unsigned worker, workers;
    struct log_conns conns;
    struct log_conn *of; /* what is known of each */
    uint64_t opened;     /* so many so far */
    struct log_line *line;
    struct log_lane *lane; /* NULL: a child's that couldn't be had */
};

/* Neither makes lines nor tells ends at first. False: no memory. */
bool log_maker_open(struct log_maker *maker, struct access_log *log, unsigned worker, unsigned workers,
                    struct log_conns conns);
void log_maker_close(struct log_maker *maker);

/* What is wanted from now on: lines of this format (NULL: none; never freed), and why connections end. */
void log_maker_serve(struct log_maker *maker, const struct log_format *format, bool tells_ends);

/* A connection has been accepted. */
void log_maker_opened(struct log_maker *maker, const struct conn *conn);

/* In a forked child. */
void log_maker_in_child(struct log_maker *maker, unsigned client);

/* As of struct watch; took_ns: from its first byte until now. */
size_t log_maker_begun(const struct log_maker *maker, const struct conn *conn, const struct asked *asked, char *kept);
void log_maker_ended(struct log_maker *maker, const struct conn *conn, const struct exchange *exchange,
                     uint64_t took_ns, const char *kept, size_t kept_len);
void log_maker_closed(const struct log_maker *maker, const struct conn *conn);

#endif
