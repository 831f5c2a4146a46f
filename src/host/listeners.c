/* Whose the open sockets are, and what becomes of them. */
#include "host/listener.h"

#include <unistd.h>

void listeners_share(struct listeners *listeners, listener_set set) {
    atomic_fetch_or(&listeners->shared, set);
}

void listeners_own_but(struct listeners *listeners, listener_set set) {
    for (int i = 0; i < listeners->count; i++)
        set |= (listener_set)(listeners->name[i] != NULL) << i;
    atomic_store(&listeners->shared, set);
}

void listeners_own(struct listeners *listeners) {
    listeners_own_but(listeners, 0);
}

void listeners_note_report(struct listeners *listeners, int near, int far) {
    atomic_store(&listeners->reports[0], near + 1);
    atomic_store(&listeners->reports[1], far + 1);
}

void listeners_drop_report(const struct listeners *listeners) {
    for (int i = 0; i < 2; i++) {
        int fd = atomic_load(&listeners->reports[i]) - 1;
        if (fd >= 0)
            close(fd);
    }
}

listener_set listeners_take_names(struct listeners *listeners) {
    return ~atomic_fetch_or(&listeners->shared, LISTENERS_ALL) & LISTENERS_ALL;
}

void listeners_close(struct listeners *listeners) {
    for (int i = 0; i < listeners->count; i++) {
        if (!listeners_shared(listeners, i))
            local_socket_unlink(&listeners->local[i]);
        close(listeners->fd[i]);
    }
    listeners->count = 0;
}
