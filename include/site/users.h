/* The file of those who may read: lines of "user:hash". */
#ifndef USERS_H
#define USERS_H

#include "base/slice.h"
#include "site/crypter.h"

#include <stdbool.h>
#include <stddef.h>

struct user {
    struct slice name;
    const char *hash;
    int line; /* of the file */
};

struct users {
    struct user *at;
    size_t count;
    char *text; /* the file */
};

/* False, with one line in `error` that names the file, the line and what is wrong. */
bool users_read(struct users *users, const char *path, char *error, size_t error_size);

/* Tries a hash of each kind, which takes its time: what the dearest takes of a processor, in milliseconds. 0, with a
   line in `error` as above, for one that can't be checked. */
unsigned users_try(const struct users *users, const char *path, struct crypter *crypter, char *error,
                   size_t error_size);
void users_free(struct users *users);

/* Looks at every user, whoever it is. NULL: there is none of that name. */
const struct user *users_find(const struct users *users, struct slice name);

/* RFC 7617 2: no control characters. A NUL above all: crypt would take it for the password's end. */
bool users_has_control(struct slice s);

#endif
