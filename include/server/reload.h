/* Reads the configuration again: the same command line, and the files that it names as they are now. Off the workers'
   threads, as that may take a while; they are offered what came of it. What is wrong with it is said, and changes
   nothing. */
#ifndef RELOAD_H
#define RELOAD_H

#include "host/worker.h"
#include "server/config.h"

struct reload;

/* `first` is what the command line said at the start: it and argv must outlive this. NULL: no memory. */
struct reload *reload_open(const struct config *first, int argc, char **argv);

/* What serves it, and how workers ask for more. */
struct generation *reload_first(struct reload *reload);
struct renewal reload_renewal(struct reload *reload);

/* The workers that are to be offered what is read: before any of them runs. */
void reload_set_workers(struct reload *reload, struct worker *workers, int count);

/* When no worker runs any more, and before they are closed. False: a disk that is waited for hangs, and what is used
   must be left to it: the process can only exit. */
bool reload_end(struct reload *reload);

/* When they are closed. */
void reload_close(struct reload *reload);

#endif
