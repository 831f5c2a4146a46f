/* Loads one file as replies need it. Between docroot (which opens) and filecache (which keeps). */
#ifndef FILE_H
#define FILE_H

#include "filecache.h"

/* Fills `file` (kind, status, validators, head, body or fd) for file->key. Never fails: an error is a kind. */
void file_load(struct filecache *cache, struct file *file, int64_t now_seconds);

/* Whether what file->key names now is what was loaded: the same folder entry, unchanged by its size and times. */
bool file_is_current(struct filecache *cache, const struct file *file);

#endif
