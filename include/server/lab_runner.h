/* Who does the experiments that the lab's page asks for: a process of its own, outside of the server's sandbox, as it
   starts servers and clients. It knows the program's own experiments and models, and takes nothing else from who asks.
   It ends with the server. */
#ifndef LAB_RUNNER_H
#define LAB_RUNNER_H

#include "observe/experiments.h"
#include "server/config.h"

/* To be called before the server is confined; sets experiments->fd and ->models. False after say(). */
bool lab_runner_open(struct experiments *experiments, const struct config *config);
void lab_runner_close(struct experiments *experiments);

#endif
