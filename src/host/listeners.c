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
