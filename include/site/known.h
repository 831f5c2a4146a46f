/* Facts about versions of files and folders that take long to find out: the hash of a content, which names in a folder
   have compressed siblings. They outlive open descriptors and cached files, are shared by all workers and forked
   children, and are bounded: new ones take the place of old ones. From any thread.

   A fact is filed under a key: a hash of its kind and of all that tells one version of a file from another. Facts may
   be filed only of a version that has settled: a file that changed within the last two seconds may change again and
   show the same times. (KNOWN_PROMISED is for those that haven't.) */
#ifndef KNOWN_H
#define KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct known;

/* What a fact is about. */
enum known_kind {
    KNOWN_CONTENT,  /* the hash of its first bytes, as many as known_key was told */
    KNOWN_PROMISED, /* the same of a version that may change again and show the same times: what a reply has promised */
    KNOWN_SIBLINGS, /* find_folder.siblings */
    KNOWN_TAGGED,   /* see known_key_tagged */
    KNOWN_LOCAL,    /* its file system lies on this machine */
    KNOWN_SAID      /* it has been said that it, a root, was deleted */
};

/* NULL: no memory. */
struct known *known_open(void);
void known_close(struct known *known);

/* Bytes that it takes when it is full. */
size_t known_memory(void);

/* The key of a fact about the version that *st shows: of its first `size` bytes. */
uint64_t known_key(const struct known *known, enum known_kind kind, const struct stat *st, uint64_t size);

/* The key of the fact that a file, whatever its version, has been seen with a tag. */
uint64_t known_key_tagged(const struct known *known, const struct stat *st, uint64_t tag);

/* False: it isn't known. */
bool known_get(const struct known *known, uint64_t key, uint64_t *fact);
void known_put(struct known *known, uint64_t key, uint64_t fact);

/* Around finding out what takes a processor for long (and waits for nothing meanwhile): of all threads and children one
   at a time does. known_begin waits for its turn. */
void known_begin(struct known *known);
void known_end(struct known *known);

#endif
