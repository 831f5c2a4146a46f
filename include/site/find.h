/* What a key of the cache names on the disk: a file, a folder, a precompressed sibling, or a status. All the system
   calls that this takes are here and in docroot. */
#ifndef FIND_H
#define FIND_H

#include "base/slice.h"
#include "protocol/accept_encoding.h"
#include "site/docroot.h"
#include "site/known.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* A path, or that of a variant: a path, a NUL, which no path holds, and a letter. */
enum { FILE_KEY_MAX = PATH_LEN_MAX + 8 };

/* The same for all of a worker's files. */
struct find_place {
    const struct site_config *config;
    const struct docroot *root;
    struct known *known;
};

/* What is known of the folder that a file lies in: which names in it have compressed siblings. */
struct find_folder {
    uint64_t version;  /* of the folder, as known_key tells it; 0: never the same as another */
    uint64_t siblings; /* a bit of each stem's hash; names whose bit isn't set have none */
};

struct found {
    int status; /* 0: a regular file or a folder */
    int fd;     /* of a regular file; else -1 */
    bool folder, indexless;
    enum content_coding coding;
    struct stat st;
    size_t plain_len;                  /* of path, without a coding's suffix */
    char path[PATH_LEN_MAX + 255 + 8]; /* room for the name of an index and the suffix of a coding */
};

/* Finds what `key` names and opens it, if it is a regular file. With `at_hand`, false when that would take waiting:
   then nothing is open. */
bool find(const struct find_place *place, struct slice key, bool at_hand, struct found *found);

/* What is to be known of the folder that the found file lies in: a stat when it has been read before and hasn't changed
   since, else it is read. `now_seconds`: a folder that has changed just now may change again unseen. False as above. */
bool find_folder(const struct find_place *place, const struct found *found, int64_t now_seconds, bool at_hand,
                 struct find_folder *folder);

/* Which precompressed siblings the found file has: bit i for enum content_coding i. A variant has none of its own.
   Where that can't be told just now, it may have it, and `folder` says nothing for later. False as above. */
bool find_codings(const struct find_place *place, const struct found *found, struct find_folder *folder, bool at_hand,
                  uint8_t *codings);

/* The status that an error of the file system is answered with. */
int find_status(int error);

#endif
