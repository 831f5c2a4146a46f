/* Sends a range of a large file to a client: in the cheapest way, without waiting for a disk, and only as long as the
   file is the one that the reply's head described. */
#ifndef SEND_FILE_H
#define SEND_FILE_H

#include "host/clients.h"
#include "site/known.h"

#include <sys/socket.h>

/* The means of one thread: a part of its drive. */
struct send_file {
    struct known *known;
    char *buffer; /* to copy through */
    size_t buffer_len;
    bool may_wait; /* loads are done in place: nobody else is kept waiting by that */
};

/* The flags of send(2) and its like for what op says: nothing to a client waits for room. */
static inline int send_file_flags(const struct outq_send *op) {
    return MSG_NOSIGNAL | MSG_DONTWAIT | (op->more ? MSG_MORE : 0);
}

/* Sends from op's range on client->fd, without waiting for the socket: at most `most` bytes by reference. Returns how
   many; 0: the file isn't what was promised any more; -errno (-EINTR: call again); or -EINPROGRESS: client->load is to
   be waited for first. */
ssize_t send_file(const struct send_file *how, struct client *client, const struct outq_send *op, size_t most);

#endif
