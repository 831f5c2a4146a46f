/* What a path leads to, loaded as replies need it. Made by a load (file_load.c), kept by the cache, counted by
   everybody who uses it. What a reply reads never changes once it is loaded. */
#ifndef FILE_H
#define FILE_H

#include "base/outq.h"
#include "base/slice.h"
#include "protocol/accept_encoding.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#define FILE_UNDATED INT64_MIN

enum file_kind {
    FILE_BODY,      /* `body` holds it */
    FILE_FD,        /* to be sent from `source` */
    FILE_FOLDER,    /* a folder asked for without its slash */
    FILE_INDEXLESS, /* a folder without an index file */
    FILE_ERROR,     /* `status` says what */
};

struct filecache;

struct file {
    /* What a look-up reads. */
    struct file *bucket_next;
    uint32_t hash;
    uint32_t refs; /* the cache's own included; 0: the slot is free */
    uint32_t key_len;
    uint8_t kind; /* enum file_kind */
    uint8_t used; /* asked for so often, up to a few times, since the eviction hand last passed */
    bool cached;  /* in the table */
    bool made;    /* FILE_FD of ours alone (a listing): nobody else can change it */
    const char *key;
    uint64_t checked_at_ms; /* it was true then, or later */
    uint64_t named_at_ms;   /* of FILE_FD: its name led to it then, or later */
    uint32_t look;          /* the load that saw so: of cache->looks */

    /* What a reply reads. */
    uint64_t size;
    const char *body;       /* of FILE_BODY */
    const char *head;       /* the head of a 200 without Date, Connection and the empty line: its status and length, */
    uint16_t type_at;       /* Content-Type, */
    uint16_t content_at;    /* what belongs to the content whatever the status, */
    uint16_t validators_at; /* what describes the file; from here on a 304 has it too, */
    uint16_t common_at;     /* caching, Vary, the user's own fields */
    uint16_t head_len;
    uint8_t codings;           /* bit i: a precompressed sibling in enum content_coding i is there */
    struct slice etag;         /* with its quotes, a part of head */
    bool stamped;              /* see conditional.h */
    int64_t mtime;             /* what dates are compared with; FILE_UNDATED: it says nothing, and isn't shown */
    int status;                /* of FILE_ERROR: 403 or 404, or 5xx, which is not cached */
    bool by_reference;         /* of FILE_FD: how it is to be sent now, and */
    struct outq_source source; /*   from where; else its fd is -1 */
    uint64_t fetched_at_ms;    /* somebody waited for it then: the kernel may be reading ahead of him; 0: nobody */

    struct filecache *cache;
    char *block;                    /* holds body, head and key; from the heap, as loads make it */
    size_t block_len, cached_bytes; /* of it, and of it counted */
    unsigned shelf_at;              /* its place on the cache's shelf */
    struct stat st;
    int64_t loaded_at_seconds;
    uint64_t folder_version; /* of the folder it lies in, whose siblings `codings` tells of */
};

#endif
