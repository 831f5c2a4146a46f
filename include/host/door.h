/* What every model that waits in poll(2) watches besides its clients. */
#ifndef DOOR_H
#define DOOR_H

#include "host/worker.h"

#include <poll.h>

/* What poll(2) is asked for a client: nothing for one that waits for nothing on its socket. */
static inline short door_events(enum drive_want want) {
    return want == WANT_READ ? POLLIN : want == WANT_WRITE ? POLLOUT : 0;
}

static inline int door_fd(const struct client *client, enum drive_want want) {
    return door_events(want) ? client->fd : -1;
}

enum { DOOR_FDS = 1 + LISTEN_MAX };

/* Fills fds[0] with the wake descriptor and, when `accepting`, those behind it with the listeners. Returns how many. */
static inline nfds_t door_fill(const struct worker *worker, struct pollfd *fds, bool accepting) {
    nfds_t count = 0;
    fds[count++] = (struct pollfd){.fd = worker->wake_fd, .events = POLLIN};
    for (int i = 0; accepting && i < worker->listeners->count; i++)
        fds[count++] = (struct pollfd){.fd = worker->listeners->fd[i], .events = POLLIN};
    return count;
}

/* After the poll: quiets the wake descriptor; the listeners that somebody waits at. */
static inline listener_set door_rings(struct worker *worker, const struct pollfd *fds, nfds_t count) {
    listener_set rings = 0, listener = 1;
    if (fds[0].revents)
        worker_woken(worker);
    for (nfds_t i = 1; i < count; i++, listener <<= 1)
        if (fds[i].revents)
            rings |= listener;
    return rings;
}

#endif
