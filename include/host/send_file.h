/* Sends a range of a large file to a client: how that is cheapest, without waiting for a disk, and only as long as the
   file is the one that its head described. */
#ifndef SEND_FILE_H
#define SEND_FILE_H

#include "host/clients.h"
#include "site/known.h"

/* What it takes for one thread of control. */
struct send_file {
    struct known *known;
    char *buffer; /* to copy through */
    size_t buffer_len;
    bool may_wait; /* for a disk: nobody else is waited for meanwhile */
};

/* Sends at most `most` bytes of op's range on client->fd, which doesn't block. Returns how many; 0: the file isn't what
   was promised any more; -errno; or -EINPROGRESS: client->load is to be waited for first. */
ssize_t send_file(const struct send_file *how, struct client *client, const struct outq_send *op, size_t most);

#endif
