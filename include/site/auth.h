/* Basic authentication (RFC 7617) from a file of "user:hash" lines, hashes as crypt(3) makes them. Checking a password
   takes long by design: so what was right is remembered, and what isn't known is checked by a load, and rationed by the
   address and the user. Who is remembered is neither delayed nor rationed. */
#ifndef AUTH_H
#define AUTH_H

#include "base/load.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct auth;
struct auth_load;
struct auth_shared;

/* Reads the file. NULL, with one line in `error` that names the file, the line and what is wrong, when it can't be
   read, holds no user, holds a line or a hash that crypt(3) doesn't know, or the system has no crypt(3). What is known
   of passwords and of who has tried them is kept in `shared`: who was right by a line of another file that this one
   has, too, is still remembered. */
struct auth *auth_open(const char *path, struct auth_shared *shared, char *error, size_t error_size);

/* When nobody asks any more and no load of it is under way. May be NULL. */
void auth_close(struct auth *auth);

enum auth_verdict {
    AUTH_DENIED,
    AUTH_GRANTED,
    AUTH_LATER,   /* too many to check just now: answer 503 */
    AUTH_LOADING, /* *wants, a reference, is to be waited for; then the same is asked again, with it as `got` */
};

/* Who asks. */
struct auth_ask {
    struct slice authorization; /* the field's value */
    uint64_t peer;              /* the address that it comes from, as it counts */
    uint64_t now_ms;
    const struct load *got; /* what was waited for last; NULL: nothing */
};

/* Judges. `checks` are the worker's, NULL at first: who asks for what is being checked already waits for that. */
enum auth_verdict auth_check(struct auth *auth, struct auth_load **checks, const struct auth_ask *ask,
                             struct load **wants);

#endif
