/* From what costs nothing to what costs most: credentials that are remembered, a check of the same that is under way, a
   new one, if a ration is left. A name that is no user's is checked like one, lest the time that it takes tell. */
#define _GNU_SOURCE
#include "site/auth.h"
#include "base/base64.h"
#include "base/siphash.h"
#include "site/auth_load.h"
#include "site/auth_shared.h"
#include "site/users.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Decoded "user:password". Linux's crypt(3) takes no password of 512 bytes or more. */
enum { CREDENTIALS_MAX = 768 };

struct auth {
    struct crypter crypter;
    struct users users;
    uint64_t users_hash;
    struct auth_shared *shared; /* outlives it */
};

static uint64_t keyed(const struct auth *auth, const void *bytes, size_t len) {
    uint64_t hash[2];
    siphash(auth_shared_key(auth->shared), (struct slice){bytes, len}, hash);
    return hash[0];
}

/* Whose ration a check is taken from. */
static struct attempt attempt_of(const struct auth *auth, uint64_t peer, struct slice name) {
    struct attempt attempt = {.user = keyed(auth, name.at, name.len), .address = keyed(auth, &peer, sizeof peer)};
    const uint64_t pair[2] = {peer, attempt.user};
    attempt.pair = keyed(auth, pair, sizeof pair);
    return attempt;
}

static uint64_t hash_user(const struct auth *auth, const struct user *user) {
    const uint64_t words[] = {keyed(auth, user->name.at, user->name.len), keyed(auth, user->hash, strlen(user->hash))};
    return keyed(auth, words, sizeof words);
}

static uint64_t hash_users(const struct auth *auth) {
    uint64_t words[2] = {0};
    for (size_t i = 0; i < auth->users.count; i++) {
        words[1] = hash_user(auth, &auth->users.at[i]);
        words[0] = keyed(auth, words, sizeof words);
    }
    return words[0];
}

/* Has somebody find out. */
static enum auth_verdict ask_load(struct auth *auth, struct auth_load **checks, const struct auth_ask *ask,
                                  struct auth_question *question, struct load **wants) {
    struct auth_load *same = auth_load_find(*checks, &question->right);
    if (same) {
        *wants = auth_load_get(same);
        return AUTH_LOADING;
    }
    struct slice name = {question->credentials.at, question->password_at - 1};
    const struct user *user = users_find(&auth->users, name);
    question->attempt = attempt_of(auth, ask->peer, name);
    question->user_known = user != NULL;
    question->right.line = user ? hash_user(auth, user) : 0;
    if (user && auth_shared_still_knows(auth->shared, &question->right))
        return AUTH_GRANTED;
    /* An unknown user takes as long as one of the known ones: for each name always the same. */
    question->user_hash = (user ? user : &auth->users.at[question->attempt.user % auth->users.count])->hash;
    if (!auth_shared_take(auth->shared, &question->attempt, ask->now_ms))
        return AUTH_LATER;
    *wants = auth_load_open(checks, auth->shared, &auth->crypter, question);
    if (!*wants)
        auth_shared_give_back(auth->shared, &question->attempt);
    return *wants ? AUTH_LOADING : AUTH_LATER;
}

static enum auth_verdict judge(struct auth *auth, struct auth_load **checks, const struct auth_ask *ask,
                               struct slice credentials, struct load **wants) {
    enum auth_verdict verdict;
    const char *colon = memchr(credentials.at, ':', credentials.len);
    if (!colon || users_has_control(credentials))
        return AUTH_DENIED;
    struct auth_question question = {.credentials = credentials, .password_at = (size_t)(colon + 1 - credentials.at)};
    siphash(auth_shared_key(auth->shared), credentials, question.right.hash);
    question.right.users = auth->users_hash;
    if (auth_load_answers(ask->got, &question.right, &verdict))
        return verdict;
    if (auth_shared_knows(auth->shared, &question.right))
        return AUTH_GRANTED;
    return ask_load(auth, checks, ask, &question, wants);
}

enum auth_verdict auth_check(struct auth *auth, struct auth_load **checks, const struct auth_ask *ask,
                             struct load **wants) {
    static const struct slice scheme = {"Basic ", 6};
    char credentials[CREDENTIALS_MAX];
    size_t len;
    struct slice value = slice_trim(ask->authorization);
    if (value.len <= scheme.len || !slice_equal_nocase((struct slice){value.at, scheme.len}, scheme))
        return AUTH_DENIED;
    enum auth_verdict verdict = AUTH_DENIED;
    if (base64_decode(slice_trim(slice_from(value, scheme.len)), credentials, CREDENTIALS_MAX, &len))
        verdict = judge(auth, checks, ask, (struct slice){credentials, len}, wants);
    explicit_bzero(credentials, sizeof credentials);
    return verdict;
}

/* Hashes of users that were tried before need no more: forked children read them again, all at once. */
static bool learn_cost(struct auth *auth, const char *path, char *error, size_t error_size) {
    auth->users_hash = hash_users(auth);
    if (auth_shared_has_cost(auth->shared, auth->users_hash))
        return true;
    unsigned cost_ms = users_try(&auth->users, path, &auth->crypter, error, error_size);
    if (cost_ms > 0)
        auth_shared_set_cost(auth->shared, auth->users_hash, cost_ms);
    return cost_ms > 0;
}

struct auth *auth_open(const char *path, struct auth_shared *shared, char *error, size_t error_size) {
    struct auth *auth = calloc(1, sizeof *auth);
    if (!auth) {
        snprintf(error, error_size, "%s: no memory", path);
        return NULL;
    }
    auth->shared = shared;
    if (!crypter_open(&auth->crypter))
        snprintf(error, error_size, "%s: this system has no crypt(3): install libcrypt.so (libcrypt1, libxcrypt)",
                 path);
    else if (users_read(&auth->users, path, error, error_size) && learn_cost(auth, path, error, error_size))
        return auth;
    auth_close(auth);
    return NULL;
}

void auth_close(struct auth *auth) {
    if (!auth)
        return;
    users_free(&auth->users);
    crypter_close(&auth->crypter);
    explicit_bzero(auth, sizeof *auth);
    free(auth);
}
