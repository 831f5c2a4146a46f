/* Files as they lie on a disk, or elsewhere: reading them, with and without waiting for that. */
#ifndef DISK_H
#define DISK_H

#include "base/load.h"
#include "site/known.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Reads the range whole, however many calls that takes: how many bytes, which are fewer only where the file ends, or
   -errno. */
ssize_t disk_read(int fd, char *at, size_t len, uint64_t first);

/* Reads what of the range is in memory, without waiting for a disk: as pread(2), or -EAGAIN where nothing is, or where
   that can't be told. */
ssize_t disk_read_at_hand(int fd, char *at, size_t len, uint64_t first);

/* Whether the byte surely isn't in memory. */
bool disk_is_gone(int fd, uint64_t first);

/* Whether all of the range is in memory, so that sending from it won't wait for a disk. False, too, where the kernel
   can't tell (before Linux 6.5; of a network's file system). `arriving`: some of it may just be on its way there. */
bool disk_at_hand(int fd, uint64_t first, size_t len, bool arriving);

/* Whether the file system lies elsewhere, on a network or in a process, so that whatever is asked of it may wait. To
   find out may wait, too: unless `effort` is LOAD_WAITS, what isn't known to lie here is taken to lie elsewhere. */
bool disk_remote(struct known *known, const struct stat *st, int fd, enum load_effort effort);

#endif
