#define _GNU_SOURCE
#include "site/auth.h"
#include "base/siphash.h"
#include "site/auth_load.h"
#include "site/auth_shared.h"
#include "site/users.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

/* Decoded "user:password". Linux's crypt(3) takes no password of 512 bytes or more. */
enum { CREDENTIALS_MAX = 768 };

struct auth {
    struct crypter crypter;
    struct users users;
    uint64_t key[2];
    struct auth_shared *shared;
};

/* RFC 4648 4, padded, and with nothing but zeros in the bits left over. False for anything else. */
static bool decode(struct slice text, char *out, size_t size, size_t *len) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t padding = slice_ends(text, SLICE("==")) ? 2 : slice_ends(text, SLICE("=")) ? 1 : 0;
    uint32_t bits = 0;
    int bit_count = 0;
    *len = 0;
    if (text.len == 0 || text.len % 4 != 0 || text.len / 4 * 3 > size)
        return false;
    for (size_t i = 0; i < text.len - padding; i++) {
        const char *digit = memchr(digits, text.at[i], sizeof digits - 1);
        if (!digit)
            return false;
        bits = bits << 6 | (uint32_t)(digit - digits);
        bit_count += 6;
        if (bit_count < 8)
            continue;
        bit_count -= 8;
        out[(*len)++] = (char)(bits >> bit_count);
        bits &= (1u << bit_count) - 1;
    }
    return bits == 0;
}

static uint64_t keyed(const struct auth *auth, const void *bytes, size_t len) {
    uint64_t hash[2];
    siphash(auth->key, (struct slice){bytes, len}, hash);
    return hash[0];
}

/* Whose ration a check is taken from. */
static struct attempt attempt_of(const struct auth *auth, uint64_t peer, struct slice name) {
    struct attempt attempt = {.user = keyed(auth, name.at, name.len), .address = keyed(auth, &peer, sizeof peer)};
    const uint64_t pair[2] = {peer, attempt.user};
    attempt.pair = keyed(auth, pair, sizeof pair);
    return attempt;
}

/* Has somebody find out. */
static enum auth_verdict ask_load(struct auth *auth, struct auth_load **checks, const struct auth_ask *ask,
                                  struct auth_question *question, struct load **wants) {
    struct auth_load *same = auth_load_find(*checks, question->hash);
    if (same) {
        *wants = auth_load_get(same);
        return AUTH_LOADING;
    }
    struct slice name = {question->credentials.at, question->password_at - 1};
    const struct user *user = users_find(&auth->users, name);
    question->attempt = attempt_of(auth, ask->peer, name);
    question->user_known = user != NULL;
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
    siphash(auth->key, credentials, question.hash);
    if (auth_load_answers(ask->got, question.hash, &verdict))
        return verdict;
    if (auth_shared_knows(auth->shared, question.hash))
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
    if (decode(slice_trim(slice_from(value, scheme.len)), credentials, CREDENTIALS_MAX, &len))
        verdict = judge(auth, checks, ask, (struct slice){credentials, len}, wants);
    explicit_bzero(credentials, sizeof credentials);
    return verdict;
}

struct auth *auth_open(const char *path, char *error, size_t error_size) {
    struct auth *auth = calloc(1, sizeof *auth);
    if (!auth || getrandom(auth->key, sizeof auth->key, 0) != sizeof auth->key) {
        snprintf(error, error_size, "%s: no memory", path);
    } else if (!crypter_open(&auth->crypter)) {
        snprintf(error, error_size, "%s: this system has no crypt(3): install libcrypt.so (libcrypt1, libxcrypt)",
                 path);
    } else if (users_read(&auth->users, path, &auth->crypter, error, error_size)) {
        auth->shared = auth_shared_open(auth->users.cost_ms);
        if (auth->shared)
            return auth;
        snprintf(error, error_size, "%s: no memory", path);
        users_free(&auth->users);
    }
    free(auth);
    return NULL;
}

void auth_close(struct auth *auth) {
    if (!auth)
        return;
    auth_shared_close(auth->shared);
    users_free(&auth->users);
    crypter_close(&auth->crypter);
    explicit_bzero(auth, sizeof *auth);
    free(auth);
}
