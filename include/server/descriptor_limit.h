/* How many descriptors the process may have. */
#ifndef DESCRIPTOR_LIMIT_H
#define DESCRIPTOR_LIMIT_H

#include <sys/resource.h>

/* Raises the limit as far as the system grants. Returns what it is then. */
rlim_t descriptor_limit_raise(void);

#endif
