/* The check of a password as a load: never at hand. */
#ifndef AUTH_LOAD_H
#define AUTH_LOAD_H

#include "base/load.h"
#include "base/slice.h"
#include "site/auth.h"
#include "site/auth_shared.h"
#include "site/crypter.h"

struct auth_load;

/* What is to be found out. */
struct auth_question {
    struct right right;       /* if they are */
    struct slice credentials; /* copied */
    size_t password_at;
    const char *user_hash;
    bool user_known; /* else the hash is somebody's else, and the answer no */
    struct attempt attempt;
};

/* A new load for what auth_shared_take granted, the caller's reference; it is in the list *checks until it is done.
   NULL: no memory. */
struct load *auth_load_open(struct auth_load **checks, struct auth_shared *shared, struct crypter *crypter,
                            const struct auth_question *question);

/* The one in the list that checks these credentials. */
struct auth_load *auth_load_find(struct auth_load *checks, const struct right *right);
struct load *auth_load_get(struct auth_load *load);

/* Whether `load` has checked these credentials against these users, and what it found. */
bool auth_load_answers(const struct load *load, const struct right *right, enum auth_verdict *verdict);

#endif
