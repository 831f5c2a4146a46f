#include "backend/list.h"

#include <stddef.h>
#include <string.h>

extern const struct backend blocking_backend, fork_backend, thread_backend, nonblocking_backend, select_backend,
    poll_backend, epoll_lt_backend, epoll_et_backend, coroutine_backend, uring_backend;

const struct backend *const backend_list[] = {
    &blocking_backend,
    &fork_backend,
    &thread_backend,
    &nonblocking_backend,
    &select_backend,
    &poll_backend,
    &epoll_lt_backend,
    &epoll_et_backend,
    &coroutine_backend,
    &uring_backend,
    NULL,
};

const struct backend *backend_find(const char *name) {
    if (strcmp(name, "epoll") == 0)
        return &epoll_et_backend;
    for (int i = 0; backend_list[i]; i++)
        if (strcmp(backend_list[i]->name, name) == 0)
            return backend_list[i];
    return NULL;
}
