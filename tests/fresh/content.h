/* content - files that describe themselves: every 16 bytes tell which version of which file they belong to, where in it
 * they lie, how long it is, and a checksum of that. So whoever reads any part of a body can tell what it was made of.
 *
 * Lengths and offsets are multiples of CONTENT_RECORD. */
#ifndef FRESH_CONTENT_H
#define FRESH_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { CONTENT_RECORD = 16 };

/* Writes what a version that is `total` bytes long has at offset `first`. */
void content_fill(char *at, size_t len, uint64_t first, uint32_t version, uint64_t total);

/* What the bytes of one body, given in pieces of any length, turned out to be. */
struct content {
    uint64_t first;       /* where in the file they begin */
    uint64_t len;         /* of what was seen */
    uint32_t runs;        /* of records of one version */
    uint32_t versions[2]; /* of the first two runs, */
    uint32_t last;        /*   and of the last */
    uint64_t total;       /* as long as the first run's version says that it is */
    unsigned broken;      /* records that no version has there */
    uint64_t hash;
    char part[CONTENT_RECORD]; /* of a record that isn't whole yet */
};

void content_begin(struct content *, uint64_t first);
void content_add(struct content *, const char *at, size_t len);

/* Whether all of it is one version's, of which it may be a part. */
bool content_is_pure(const struct content *);

/* The usual ways to change the file `name` in the folder `dir`; each is complete when the call returns. Failures end
 * the test program. */
void content_rename_over(int dir, const char *name, uint32_t version, size_t total);
/* O_TRUNC, then the new bytes, in steps with a pause between them (0: at once). */
void content_truncate(int dir, const char *name, uint32_t version, size_t total, size_t step);
/* The new bytes over the old ones, likewise. */
void content_overwrite(int dir, const char *name, uint32_t version, size_t total, size_t step);
/* New bytes from `first` on, as an append does, or an edit in the middle. */
void content_write_at(int dir, const char *name, uint32_t version, uint64_t first, size_t len, uint64_t total);

#endif
