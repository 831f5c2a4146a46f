/* Until it is done a check stands in its worker's list, where others who bring the same credentials find it. */
#define _GNU_SOURCE
#include "site/auth_load.h"

#include <stdlib.h>
#include <string.h>

struct auth_load {
    struct load load;
    struct auth_load **list, *next;
    struct auth_shared *shared;
    struct crypter *crypter;
    struct auth_question question;
    enum auth_verdict verdict;
    char credentials[]; /* and a NUL */
};

static enum auth_verdict check(struct auth_load *load) {
    const struct auth_question *question = &load->question;
    if (auth_shared_knows(load->shared, &question->right)) /* somebody else's check was first */
        return AUTH_GRANTED;
    switch (crypter_check(load->crypter, load->credentials + question->password_at, question->user_hash)) {
    case CRYPTER_SAME:
        return question->user_known ? AUTH_GRANTED : AUTH_DENIED;
    case CRYPTER_DIFFERS:
    case CRYPTER_REFUSES:
        break;
    case CRYPTER_NO_MEMORY:
        return AUTH_LATER;
    }
    return AUTH_DENIED;
}

static bool auth_work(struct load *base, enum load_effort effort) {
    struct auth_load *load = (struct auth_load *)base;
    if (effort == LOAD_AT_HAND)
        return false;
    auth_shared_enter(load->shared, base->lane);
    load->verdict = check(load);
    auth_shared_leave(load->shared, base->lane);
    return true;
}

static void auth_unlist(struct auth_load *load) {
    struct auth_load **at = load->list;
    while (*at != load)
        at = &(*at)->next;
    *at = load->next;
}

static void auth_finish(struct load *base) {
    struct auth_load *load = (struct auth_load *)base;
    auth_unlist(load);
    if (load->verdict != AUTH_GRANTED)
        return;
    auth_shared_learn(load->shared, &load->question.right);
    auth_shared_excuse(load->shared, &load->question.attempt);
}

static void auth_release(struct load *base) {
    struct auth_load *load = (struct auth_load *)base;
    if (base->state != LOAD_DONE)
        auth_unlist(load);
    if (base->state == LOAD_NEW)
        auth_shared_give_back(load->shared, &load->question.attempt);
    explicit_bzero(load->credentials, load->question.credentials.len);
    free(load);
}

static const struct load_kind auth_kind = {auth_work, auth_finish, auth_release};

struct load *auth_load_open(struct auth_load **checks, struct auth_shared *shared, struct crypter *crypter,
                            const struct auth_question *question) {
    struct auth_load *load = calloc(1, sizeof *load + question->credentials.len + 1);
    if (!load)
        return NULL;
    load_init(&load->load, &auth_kind);
    load->load.lane = question->attempt.lane;
    load->list = checks;
    load->next = *checks;
    *checks = load;
    load->shared = shared;
    load->crypter = crypter;
    load->question = *question;
    memcpy(load->credentials, question->credentials.at, question->credentials.len);
    load->question.credentials.at = load->credentials;
    return &load->load;
}

static bool is_for(const struct auth_load *load, const struct right *right) {
    const struct right *mine = &load->question.right;
    return mine->hash[0] == right->hash[0] && mine->hash[1] == right->hash[1] && mine->users == right->users;
}

struct auth_load *auth_load_find(struct auth_load *checks, const struct right *right) {
    while (checks && !is_for(checks, right))
        checks = checks->next;
    return checks;
}

struct load *auth_load_get(struct auth_load *load) {
    return load_get(&load->load);
}

bool auth_load_answers(const struct load *base, const struct right *right, enum auth_verdict *verdict) {
    const struct auth_load *load = (const struct auth_load *)base;
    if (!base || base->kind != &auth_kind || base->state != LOAD_DONE || !is_for(load, right))
        return false;
    *verdict = load->verdict;
    return true;
}
