/* What has been found out about versions of files and folders, and is expensive to find out again: the hash of a
   content, which names in a folder have compressed siblings. It outlives open descriptors and cached files, is shared
   by all workers and by forked children, and is bounded: what is new takes the place of what is old.

   A fact is filed under a hash of all that tells one version from another (known_version). Only what is settled may be
   filed, but for promises: a file that changed within the last two seconds may change again and keep its times. */
#ifndef KNOWN_H
#define KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct known;

/* What a fact is about. */
enum known_kind {
    KNOWN_CONTENT,
    KNOWN_PROMISED, /* a content that this version had, though it may change again and keep its times */
    KNOWN_SIBLINGS,
    KNOWN_TAGGED,
    KNOWN_LOCAL /* it lies on this machine */
};

/* NULL: no memory. */
struct known *known_open(void);
void known_close(struct known *known);

/* What it takes when it is full. */
size_t known_memory(void);

/* The name of a fact about the version that *st shows: of its first `size` bytes. */
uint64_t known_version(const struct known *known, enum known_kind kind, const struct stat *st, uint64_t size);

/* The name of the fact that a file, whatever its version, has been seen with a tag. */
uint64_t known_tagged(const struct known *known, const struct stat *st, uint64_t tag);

/* False: it isn't known. */
bool known_get(const struct known *known, uint64_t version, uint64_t *fact);
void known_put(struct known *known, uint64_t version, uint64_t fact);

/* Around what takes a processor for long to find out, and waits for nothing meanwhile: one at a time does, of all
   threads and children. */
void known_begin(struct known *known);
void known_end(struct known *known);

#endif
