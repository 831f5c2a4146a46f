/* A seccomp filter: the system calls that a thread may still make, and those that it starts from then on. Any other
   fails with EPERM, which does less harm than a server that dies of a question somebody made it ask. Filters add up: a
   later one can only take more away. */
#ifndef FILTER_H
#define FILTER_H

#include <stdbool.h>

/* A list of system calls, its end marked by FILTER_END; what an architecture doesn't have is left out. */
enum {
    FILTER_END = -1,
    FILTER_THREADS = -2, /* clone, for a thread of the same process; SYS_clone, for a process too, goes before it */
};

/* Lists are given as an array of `count`; those that are NULL are passed over. Filters the calling thread, which must
   have no_new_privs. False: the kernel can't (errno). */
bool filter_install(const int *const *lists, int count);

/* Whether the kernel filters at all, natively for this architecture. */
bool filter_available(void);

#endif
