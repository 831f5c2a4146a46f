/* Loads one file as replies need it. Between docroot (which opens) and filecache (which keeps). */
#ifndef FILE_H
#define FILE_H

#include "site/filecache.h"

/* Fills `file` (kind, status, validators, head, body or fd) for file->key. Never fails: an error is a kind. */
void file_load(struct filecache *cache, struct file *file, int64_t now_seconds);

/* The same for a listing of the folder at `path`. */
void file_load_listing(struct filecache *cache, struct file *file, struct slice path, struct listing *listing,
                       int64_t now_seconds);

/* Whether what file->key names now is what was loaded: the same folder entry, unchanged by its size and times. */
bool file_is_current(struct filecache *cache, struct file *file);

/* Turns the path of `len` bytes in `key`, which has room for FILE_KEY_MAX, into the key of its sibling in `coding`: a
   NUL, which no path holds, and a letter follow it. Returns the key's length. */
size_t file_variant_key(char *key, size_t len, enum content_coding coding);

#endif
