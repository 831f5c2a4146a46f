/* Reads the configuration again: the same command line, and the files that it names as they are now. Off the workers'
   threads, as that may take a while; they are offered what came of it. What is wrong with it is said, and changes
   nothing. */
#ifndef RELOAD_H
#define RELOAD_H

#include "host/worker.h"
#include "server/config.h"
#include "server/watched.h"

struct reload;

/* `first` is what the command line said at the start: it and argv must outlive this. NULL: no memory. */
struct reload *reload_open(const struct config *first, int argc, char **argv);

/* What the workers serve at first. */
struct generation *reload_first(struct reload *reload);

/* The workers that are to be offered what is read, and what they are watched with: before any of them runs. */
void reload_set_workers(struct reload *reload, struct worker *workers, int count, const struct watched *watched);

/* Has it read. Returns at once; in the end each worker has been offered what it is to serve from then on, or none has,
   and why has been said. If it is under way, it is read once more then. In worker 0's thread. */
void reload_begin(struct reload *reload);

/* A worker has taken over what it was offered. From any thread. */
void reload_taken(struct reload *reload);

/* In a forked child: reads it at once, for its worker alone. NULL: what is wrong with it, the parent has said. */
struct serving *reload_in_place(const struct reload *reload, const struct worker *worker);

/* When no worker runs any more, and before they are closed. False: a disk that is waited for hangs, and what is used
   must be left to it: the process can only exit. */
bool reload_end(struct reload *reload);

/* When they are closed. */
void reload_close(struct reload *reload);

#endif
