/* Writes what lies in lanes to a file, a pipe or a terminal: whole lines, many at a time. One that can't be written
   (a full disk, a reader that has stopped) waits and is tried again; nobody but the writer is kept. */
#ifndef LOG_WRITER_H
#define LOG_WRITER_H

#include "observe/log_lane.h"

/* Lanes in the order in which they were added; none is taken away. */
struct log_lanes {
    atomic_uint count;
    _Atomic(struct log_lane *) *at;
};

struct log_writer {
    const char *path; /* NULL: standard output */
    int fd;
    bool regular;
    bool waits;         /* a write to it may block */
    unsigned lane;      /* goes on with this one, */
    uint32_t begun;     /* whose first line has been written up to here */
    bool troubled;      /* it is written late or not at all, which has been said */
    uint64_t lost_seen; /* of all lanes, */
    uint64_t lost_said;
    uint64_t lost_at_ms; /* when it last grew */
};

/* Opens the file at `path` for appending. 0 or -errno. */
int log_writer_open(struct log_writer *writer, const char *path);

/* Goes on with `next`, which has been opened. A line that is half written is written whole to the new file, and no
   longer stands in the old one. */
void log_writer_move(struct log_writer *writer, const struct log_writer *next);

/* The path again, if that can be opened. */
void log_writer_reopen(struct log_writer *writer);
void log_writer_close(const struct log_writer *writer);

/* Writes what there is. 0: all of it; or -errno, -EAGAIN when whoever reads it is slow. */
int log_writer_write(struct log_writer *writer, const struct log_lanes *lanes);

/* Says, once, that it can't be written or that lines are lost, and once when that is over. `result` of the last
   write; `lost` lines of all lanes so far. */
void log_writer_tell(struct log_writer *writer, int result, uint64_t lost, uint64_t now_ms);

/* At the end: how many lines were lost since that was last said. `left`: and some could not be written. */
void log_writer_tell_end(const struct log_writer *writer, uint64_t lost, bool left);

#endif
