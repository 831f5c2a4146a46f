/* What all workers and forked children know together of passwords: which are right, who has tried how often, and how
   many are being checked. In shared memory, so that a child that ends takes nothing with it, and its client can't get a
   fresh ration by connecting again. Of fixed size. May be used from any thread; a process may be killed at any time. */
#ifndef AUTH_SHARED_H
#define AUTH_SHARED_H

#include "base/load.h"

#include <stdbool.h>
#include <stdint.h>

struct auth_shared;

/* For passwords that take `cost_ms` of a processor to check. NULL: no memory. */
struct auth_shared *auth_shared_open(unsigned cost_ms);

/* Takes it from this process; others that share it keep it. */
void auth_shared_close(struct auth_shared *shared);

/* Right credentials are remembered by their keyed hashes. */
bool auth_shared_knows(struct auth_shared *shared, const uint64_t hash[2]);
void auth_shared_learn(struct auth_shared *shared, const uint64_t hash[2]);

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
