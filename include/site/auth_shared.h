/* What all workers and forked children know together of passwords: which are right, who has tried how often, and how
   many are being checked. In shared memory, so that a child that ends takes nothing with it, and its client can't get a
   fresh ration by connecting again; and made once, so that none is fresh when the users are read again. Of fixed size.
   May be used from any thread; a process may be killed at any time. */
#ifndef AUTH_SHARED_H
#define AUTH_SHARED_H

#include "base/load.h"

#include <stdbool.h>
#include <stdint.h>

struct auth_shared;

/* To be made before children are forked. NULL: no memory. */
struct auth_shared *auth_shared_open(void);

/* Takes it from this process; others that share it keep it. */
void auth_shared_close(struct auth_shared *shared);

/* The key of all hashes here. */
const uint64_t *auth_shared_key(const struct auth_shared *shared);

/* From now on a password takes `cost_ms` of a processor to check, as has been tried with these users. */
void auth_shared_set_cost(struct auth_shared *shared, uint64_t users, unsigned cost_ms);

/* Whether it has been tried with these users, the last time that it was. */
bool auth_shared_has_cost(struct auth_shared *shared, uint64_t users);

/* Right credentials, in keyed hashes. */
struct right {
    uint64_t hash[2];
    uint64_t line;  /* of what the password was checked against, */
    uint64_t users; /*   and of all the users that were read with it */
};

/* Whether they have been found right with these users. */
bool auth_shared_knows(struct auth_shared *shared, const struct right *right);

/* Whether they have been with others, by a line that these have too; then they are known. */
bool auth_shared_still_knows(struct auth_shared *shared, const struct right *right);
void auth_shared_learn(struct auth_shared *shared, const struct right *right);

/* Who wants a password checked, in keyed hashes. */
struct attempt {
    uint64_t pair; /* this address and this user */
    uint64_t address, user;
    enum load_lane lane; /* out: where it is checked */
};

/* Takes a check out of the rations. False: there is none left, for this address and user, or in its lane.

   An address guesses at a user's password as often as it likes to wait; who has tried often shares a lane with all who
   have, so that the other lane is there for those who haven't. What each lane takes of a processor is bounded. */
bool auth_shared_take(struct auth_shared *shared, struct attempt *attempt, uint64_t now_ms);

/* It was right, so it was no guess. */
void auth_shared_excuse(struct auth_shared *shared, const struct attempt *attempt);

/* It hasn't been begun, and won't be. */
void auth_shared_give_back(struct auth_shared *shared, const struct attempt *attempt);

/* Around a check: waits while another one is under way in that lane. */
void auth_shared_enter(struct auth_shared *shared, enum load_lane lane);
void auth_shared_leave(struct auth_shared *shared, enum load_lane lane);

#endif
