/* What the process may still do once it serves: no more than serving takes, whatever a request may have made of it.
   Landlock says which files, seccomp which system calls; both hold for all that is started from then on. What needs
   more (a new version of the program) is done by the steward, which was there before. */
#ifndef SANDBOX_H
#define SANDBOX_H

#include "guard/landlock.h"

#include <stdbool.h>
#include <stddef.h>

struct sandbox_place {
    const char *path;
    enum landlock_access access;
};

enum sandbox_role {
    SANDBOX_WORKER, /* has opened its model: it waits, accepts, answers, starts threads (fork: children) */
    SANDBOX_CHILD,  /* a process that serves one client */
    SANDBOX_LOADER, /* files in, nothing else */
    SANDBOX_WRITER, /* of logs */
};

/* Restricts the process, of one thread. `model_calls`: the model's own system calls; must stay. What the kernel doesn't
   have is left out: `missing` names it, or is empty. False, with the reason in `error`: it has it, and refuses. */
bool sandbox_enter(const struct sandbox_place *places, int count, const int *model_calls, char *missing,
                   size_t missing_size, char *error, size_t error_size);

/* Restricts the calling thread to its role, if the process is in a sandbox and the kernel has memory for that. */
void sandbox_narrow(enum sandbox_role role);

#endif
