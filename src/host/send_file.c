/* By reference, by sendfile(2), where the bytes have stood for some seconds: the network stack refers to the pages of
   the file, and a network card that gathers makes the only copy. Measured over many files of 200 KiB, more than the
   processor's caches hold, this costs a third of copying.

   What is sent by reference may still change on its way, when somebody writes into the file while it is in flight. So
   a file that changed a moment ago, and is likely to again, is copied, a buffer at a time. Either way the file is
   looked at once more before the reply's last piece of it leaves: if it has been written to, the reply ends short of
   its promised length. What can't be seen is a file that had stood still and is overwritten in place between that look
   and the arrival of its last bytes.

   Where something must be loaded first (site/body_load.h tells the four jobs), client->load is that load, and
   afterwards the same op is tried again, which finds there what was done for it. */
#define _GNU_SOURCE
#include "host/send_file.h"
#include "site/body_load.h"
#include "site/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    FETCH_LEN = 256 * 1024,  /* brought into memory at a time: some milliseconds of a disk */
    ARRIVING_MS = 10 * 1000, /* after which what the kernel has begun to read ahead is there */
};

/* A load that this range needs: done in place if it may be, and then the op is to be tried again (-EINTR); else it is
   the client's to wait for (-EINPROGRESS). */
static ssize_t send_file_load(const struct send_file *how, struct client *client, const struct outq_send *op,
                              enum body_job job, size_t len) {
    struct file *file = how->may_wait ? NULL : op->owner;
    struct body_load *load = body_load_open(how->known, file, op->source, job, op->first, len);
    if (!load)
        return -ENOMEM;
    if (client->load)
        load_put(client->load);
    client->load = &load->load;
    if (!how->may_wait)
        return -EINPROGRESS;
    load_work(&load->load);
    load_done(&load->load);
    return -EINTR;
}

/* Sends bytes that the client's last load has read. */
static ssize_t send_loaded(struct client *client, const struct outq_send *op) {
    const struct body_load *load = (const struct body_load *)client->load;
    size_t at = (size_t)(op->first - load->first);
    if (!load->same)
        return 0;
    size_t len = load->len - at < op->len ? load->len - at : op->len; /* of ranges that overlap, this may be shorter */
    ssize_t n = send(client->fd, load->bytes + at, len, send_file_flags(op));
    return n < 0 ? -errno : n;
}

/* The client's last load, if it did this job for this version of the file; else NULL. */
static const struct body_load *send_file_done(const struct client *client, const struct outq_send *op,
                                              enum body_job job) {
    const struct body_load *load = (const struct body_load *)client->load;
    bool done = body_load_is(client->load) && client->load->state == LOAD_DONE && load->job == job &&
                load->source.version == op->source->version;
    return done ? load : NULL;
}

/* The same, for the byte that is to be sent next. */
static bool send_file_has(const struct client *client, const struct outq_send *op, enum body_job job) {
    const struct body_load *load = send_file_done(client, op, job);
    return load && op->first >= load->first && op->first - load->first < load->len;
}

/* Whether the client's last load has read what is to be sent now. The last piece of a reply must have been proved: that
   it was only read says nothing of the pieces before it. */
static bool send_file_is_loaded(const struct client *client, const struct outq_send *op) {
    const struct body_load *load = send_file_done(client, op, BODY_READ);
    if (send_file_has(client, op, BODY_PROVE))
        return true;
    return send_file_has(client, op, BODY_READ) && !(op->last && load->first + load->len >= op->first + op->len);
}

/* Whether the file's content must be hashed before these `len` bytes leave. That is so before the first of several
   pieces (so that growth can be told from rewriting before the last one), unless the hash is known. A range that leaves
   in one piece doesn't wait for that. */
static bool send_file_vouch_due(const struct send_file *how, const struct client *client, const struct outq_send *op,
                                size_t len) {
    uint64_t hash;
    return (len < op->len || !op->alone) && op->source->provable && !op->source->hashed &&
           !send_file_done(client, op, BODY_VOUCH) && !known_get(how->known, op->source->key, &hash);
}

/* How many bytes of the range may be sent without asking the kernel whether they are in memory: those that have just
   been fetched. The kernel can't always tell (an old one; a file that isn't ours, since Linux 6.13; large pages; an
   overlay; a hole in a tmpfs), and to ask and fetch again would never end. */
static size_t send_file_fetched(const struct send_file *how, const struct client *client, const struct outq_send *op) {
    const struct body_load *load = send_file_done(client, op, BODY_FETCH);
    if (how->may_wait)
        return SIZE_MAX;
    bool within = load && op->first >= load->first && op->first - load->first < load->len;
    if (within && op->first > load->first && disk_is_gone(op->source->fd, op->first))
        within = false; /* the client was slow, and the kernel has needed the memory for something else */
    return within ? load->len - (size_t)(op->first - load->first) : 0;
}

static ssize_t send_file_fetch(const struct send_file *how, struct client *client, const struct outq_send *op) {
    ((struct file *)op->owner)->fetched_at_ms = client->conn.env->clock.now_ms;
    return send_file_load(how, client, op, BODY_FETCH, op->len < FETCH_LEN ? op->len : FETCH_LEN);
}

/* Whether the bytes are in memory. Pages may be on their way from the disk only if somebody had to wait for this file a
   moment ago: asking about that costs two system calls, so it isn't asked of other files. */
static bool send_file_at_hand(const struct client *client, const struct outq_send *op, size_t len) {
    uint64_t fetched_at_ms = ((const struct file *)op->owner)->fetched_at_ms;
    bool arriving = fetched_at_ms > 0 && client->conn.env->clock.now_ms - fetched_at_ms < ARRIVING_MS;
    return disk_at_hand(op->source->fd, op->first, len, arriving);
}

/* The look at the file before the reply's last piece of it leaves; before others it isn't needed. */
static enum body_state send_file_look(const struct send_file *how, const struct outq_send *op, size_t len) {
    return len < op->len || !op->last ? BODY_SAME : body_look(how->known, op->source);
}

static ssize_t send_by_reference(const struct send_file *how, struct client *client, const struct outq_send *op,
                                 size_t len) {
    off_t at = (off_t)op->first;
    enum body_state state = send_file_look(how, op, len);
    if (state == BODY_CHANGED)
        return 0;
    if (state == BODY_UNPROVEN && len <= BODY_PROVEN_MAX)
        return send_file_load(how, client, op, BODY_PROVE, len);
    if (state == BODY_UNPROVEN)
        len -= BODY_PROVEN_MAX;
    size_t fetched = send_file_fetched(how, client, op);
    if ((how->may_wait || fetched == 0) && send_file_vouch_due(how, client, op, len))
        return send_file_load(how, client, op, BODY_VOUCH, 0);
    if (fetched < len && !send_file_at_hand(client, op, len)) {
        if (fetched == 0)
            return send_file_fetch(how, client, op);
        len = fetched;
    }
    if (client->blocking) /* sendfile(2) has no flag like MSG_DONTWAIT */
        client->blocking = fcntl(client->fd, F_SETFL, O_NONBLOCK) < 0;
    ssize_t n = sendfile(client->fd, op->source->fd, &at, len);
    return n < 0 ? -errno : n;
}

static ssize_t send_by_copy(const struct send_file *how, struct client *client, const struct outq_send *op,
                            size_t len) {
    const size_t fetched = send_file_fetched(how, client, op);
    if (fetched > 0 && fetched < len)
        len = fetched;
    if ((how->may_wait || fetched == 0) && send_file_vouch_due(how, client, op, len))
        return send_file_load(how, client, op, BODY_VOUCH, 0);
    ssize_t n = fetched > 0 ? disk_read(op->source->fd, how->buffer, len, op->first)
                            : disk_read_at_hand(op->source->fd, how->buffer, len, op->first);
    if (n == -EAGAIN && fetched == 0)
        return send_file_fetch(how, client, op);
    if (n <= 0)
        return n;
    enum body_state state = send_file_look(how, op, (size_t)n);
    if (state == BODY_CHANGED)
        return 0;
    if (state == BODY_UNPROVEN)
        return send_file_load(how, client, op, BODY_PROVE, len);
    n = send(client->fd, how->buffer, (size_t)n, send_file_flags(op));
    return n < 0 ? -errno : n;
}

/* A file whose file system may hang: loaders alone touch it. */
static ssize_t send_remote(const struct send_file *how, struct client *client, const struct outq_send *op) {
    size_t len = op->len < BODY_PROVEN_MAX ? op->len : BODY_PROVEN_MAX;
    if (!send_file_done(client, op, BODY_READ) && send_file_vouch_due(how, client, op, len))
        return send_file_load(how, client, op, BODY_VOUCH, 0);
    return send_file_load(how, client, op, len == op->len && op->last ? BODY_PROVE : BODY_READ, len);
}

ssize_t send_file(const struct send_file *how, struct client *client, const struct outq_send *op, size_t most) {
    if (send_file_is_loaded(client, op))
        return send_loaded(client, op);
    if (op->source->remote && !how->may_wait)
        return send_remote(how, client, op);
    ssize_t n = op->by_reference ? send_by_reference(how, client, op, op->len < most ? op->len : most) : -EINVAL;
    if (n != -EINVAL && n != -ENOSYS) /* which says of a file that it can't be sent so: not all file systems do that */
        return n;
    return send_by_copy(how, client, op, op->len < how->buffer_len ? op->len : how->buffer_len);
}
