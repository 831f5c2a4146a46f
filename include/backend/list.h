/* The models that there are. */
#ifndef LIST_H
#define LIST_H

#include "host/backend.h"

/* In the order they are taught; ends with NULL. */
extern const struct backend *const backend_list[];

/* The backend of that name ("epoll" is epoll-et), or NULL. */
const struct backend *backend_find(const char *name);

#endif
