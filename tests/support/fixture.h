/* fixture - a temporary folder and what is in it.
 *
 * Names are relative to the folder; missing parents are made. Anything that fails ends the test program: there is
 * nothing to test then. */
#ifndef TEST_FIXTURE_H
#define TEST_FIXTURE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct fixture {
    char path[64]; /* absolute */
    int fd;
};

void fixture_open(struct fixture *);
/* Removes everything. */
void fixture_close(struct fixture *);

void fixture_dir(struct fixture *, const char *name);
void fixture_file(struct fixture *, const char *name, const void *content, size_t len);
void fixture_text(struct fixture *, const char *name, const char *content);
/* A file of that length without content: holes all over, which read as zeros. */
void fixture_sparse(struct fixture *, const char *name, off_t len);
void fixture_link(struct fixture *, const char *name, const char *target);
void fixture_fifo(struct fixture *, const char *name);
void fixture_socket(struct fixture *, const char *name);
void fixture_mode(struct fixture *, const char *name, mode_t mode);
/* Seconds since 1970. Links are not followed. */
void fixture_mtime(struct fixture *, const char *name, int64_t mtime);
/* The same for everything in the folder, folders included. */
void fixture_mtime_all(struct fixture *, int64_t mtime);

#endif
