/* What the parts of unlucky.c share. */
#ifndef UNLUCKY_H
#define UNLUCKY_H

#include <linux/io_uring.h>
#include <stdbool.h>
#include <sys/types.h>

bool unlucky_is(const char *kind);

/* Points `function` to what comes after ours. */
void unlucky_find(const char *name, void *function);

/* A ring was made, and one of its parts is here. */
void unlucky_ring_open(int fd, const struct io_uring_params *params);
void unlucky_ring_mapped(int fd, off_t part, void *at);

/* Before a system call: what it would submit has been changed. True: it is not to be made, and has succeeded. */
bool unlucky_ring_calls(long number, const long *arguments);

#endif
