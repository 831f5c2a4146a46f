/* A lane's tail stays at the beginning of a line until that has been written whole: so a line that a full disk cut is
   either gone on with where it was cut, or written again elsewhere. */
#define _GNU_SOURCE
#include "observe/log_writer.h"
#include "base/bounds.h"
#include "base/same_file.h"
#include "base/say.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { LANES_AT_ONCE = 32, WRITE_LEN = 1024 * 1024 };

/* What goes out in one write. */
struct batch {
    struct iovec iov[2 * LANES_AT_ONCE];
    int iov_count;
    struct {
        unsigned lane;
        uint32_t skip;
        struct slice pieces[2];
    } parts[LANES_AT_ONCE];
    int part_count;
};

/* A FIFO is opened for reading, too: without a reader it is none the less there, and lines wait in it. */
static int open_path(const char *path) {
    const int flags = O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    struct stat st;
    int fd = open(path, flags | (stat(path, &st) == 0 && S_ISFIFO(st.st_mode) ? O_RDWR : O_WRONLY), 0644);
    return fd < 0 ? -errno : fd;
}

int log_writer_open(struct log_writer *writer, const char *path) {
    struct stat st;
    int fd = path ? open_path(path) : STDOUT_FILENO;
    *writer = (struct log_writer){.path = path, .fd = fd};
    if (fd < 0)
        return fd;
    writer->regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    writer->waits = !path && !writer->regular;
    return 0;
}

static const char *name_of(const struct log_writer *writer) {
    return writer->path ? writer->path : "on standard output";
}

void log_writer_move(struct log_writer *writer, const struct log_writer *next) {
    struct stat st;
    if (writer->begun > 0 && writer->regular && fstat(writer->fd, &st) == 0 &&
        ftruncate(writer->fd, st.st_size - (off_t)writer->begun) < 0)
        say_as(SAY_WARNING, "access log %s: its old file ends within a line", name_of(writer));
    log_writer_close(writer);
    writer->path = next->path;
    writer->fd = next->fd;
    writer->regular = next->regular;
    writer->waits = next->waits;
    writer->begun = 0;
}

void log_writer_reopen(struct log_writer *writer) {
    struct log_writer next;
    if (!writer->path || same_file(writer->fd, writer->path))
        return;
    int error = log_writer_open(&next, writer->path);
    if (error == 0)
        log_writer_move(writer, &next);
    else
        say_as(SAY_WARNING, "access log %s: can't be opened again: %s; the old file stays", name_of(writer),
               strerror(-error));
}

void log_writer_close(const struct log_writer *writer) {
    if (writer->path && writer->fd >= 0)
        close(writer->fd);
}

static void batch_add(struct batch *batch, struct slice piece, size_t *room) {
    size_t len = piece.len < *room ? piece.len : *room;
    if (len == 0)
        return;
    batch->iov[batch->iov_count++] = (struct iovec){(void *)(uintptr_t)piece.at, len};
    *room -= len;
}

/* From the lane that is to be gone on with, all around. */
static void batch_fill(struct batch *batch, const struct log_writer *writer, const struct log_lanes *lanes) {
    unsigned count = atomic_load_explicit(&lanes->count, memory_order_acquire);
    size_t room = writer->waits ? PIPE_BUF : WRITE_LEN; /* what a pipe that has room takes without a wait */
    batch->iov_count = batch->part_count = 0;
    for (unsigned i = 0; i < count && room > 0 && batch->part_count < LANES_AT_ONCE; i++) {
        unsigned lane = (writer->lane + i) % count;
        uint32_t skip = i == 0 ? writer->begun : 0;
        struct slice *pieces = batch->parts[batch->part_count].pieces;
        if (log_lane_look(lanes->at[lane], skip, pieces) == 0)
            continue;
        batch->parts[batch->part_count].lane = lane;
        batch->parts[batch->part_count++].skip = skip;
        batch_add(batch, pieces[0], &room);
        batch_add(batch, pieces[1], &room);
    }
}

/* Where the last line among the first `len` bytes ends; 0: none does. */
static size_t lines_end(const struct slice pieces[2], size_t len) {
    size_t first = len < pieces[0].len ? len : pieces[0].len;
    const char *end = len > first ? memrchr(pieces[1].at, '\n', len - first) : NULL;
    if (end)
        return first + (size_t)(end + 1 - pieces[1].at);
    end = first > 0 ? memrchr(pieces[0].at, '\n', first) : NULL;
    return end ? (size_t)(end + 1 - pieces[0].at) : 0;
}

/* `len` bytes of the batch have been written. */
static void batch_written(const struct batch *batch, struct log_writer *writer, const struct log_lanes *lanes,
                          size_t len) {
    for (int i = 0; i < batch->part_count && len > 0; i++) {
        const struct slice *pieces = batch->parts[i].pieces;
        size_t all = pieces[0].len + pieces[1].len, part = len < all ? len : all;
        size_t lines = lines_end(pieces, part);
        uint32_t skip = batch->parts[i].skip;
        writer->lane = batch->parts[i].lane;
        writer->begun = (uint32_t)(lines > 0 ? part - lines : skip + part);
        if (lines > 0)
            log_lane_drop(lanes->at[writer->lane], skip + (uint32_t)lines);
        len -= part;
    }
}

int log_writer_write(struct log_writer *writer, const struct log_lanes *lanes) {
    struct batch batch;
    for (;;) {
        struct pollfd fd = {.fd = writer->fd, .events = POLLOUT};
        batch_fill(&batch, writer, lanes);
        if (batch.iov_count == 0)
            return 0;
        if (writer->waits && poll(&fd, 1, 0) == 0)
            return -EAGAIN;
        ssize_t len = writev(writer->fd, batch.iov, batch.iov_count);
        if (len > 0)
            batch_written(&batch, writer, lanes, (size_t)len);
        else if (len == 0 || errno != EINTR)
            return len == 0 ? -EIO : -errno;
    }
}

void log_writer_tell(struct log_writer *writer, int result, uint64_t lost, uint64_t now_ms) {
    bool grows = lost > writer->lost_seen;
    if (grows || result < 0)
        writer->lost_at_ms = now_ms;
    writer->lost_seen = lost;
    if (!writer->troubled && (grows || result < 0)) {
        say_as(SAY_WARNING, "access log %s: %s", name_of(writer),
               result == -EAGAIN ? "whoever reads it has stopped; lines wait, then are lost"
               : result < 0      ? strerror(-result)
                                 : "lines come faster than they can be written, and are lost");
        writer->troubled = true;
    } else if (writer->troubled && !grows && result == 0 && now_ms >= writer->lost_at_ms + LOG_RETRY_MS) {
        say_as(SAY_WARNING, "access log %s: is written again; %llu lines were lost", name_of(writer),
               (unsigned long long)(lost - writer->lost_said));
        writer->troubled = false;
        writer->lost_said = lost;
    }
}

void log_writer_tell_end(const struct log_writer *writer, uint64_t lost, bool left) {
    if (left || lost > writer->lost_said)
        say_as(SAY_WARNING, "access log %s: ends; %llu lines were lost%s", name_of(writer),
               (unsigned long long)(lost - writer->lost_said), left ? ", and the last ones could not be written" : "");
}
