/* What all workers and forked children know together of passwords: which are right, who has tried how often, and how
   many are being checked. It lies in shared memory, so that a client gets no fresh ration by connecting again, to
   another child; and it is made once, so that nobody gets one when the file of users is read again. Of fixed size. From
   any thread; a process that uses it may be killed at any time. */
#ifndef AUTH_SHARED_H
#define AUTH_SHARED_H

#include "base/load.h"

#include <stdbool.h>
#include <stdint.h>

struct auth_shared;

/* To be made before children are forked, and kept as long as the process lives. NULL: no memory. */
struct auth_shared *auth_shared_open(void);

/* The key of all hashes here. */
const uint64_t *auth_shared_key(const struct auth_shared *shared);

/* To check a password takes `cost_ms` of a processor, as has been tried with these users (a hash of them): the rations
   are made of that from now on. */
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

/* The same, for users that have been read again: whether they were found right by a line that is still there. If so,
   auth_shared_knows is true from now on. */
bool auth_shared_still_knows(struct auth_shared *shared, const struct right *right);
void auth_shared_learn(struct auth_shared *shared, const struct right *right);

/* Who wants a password checked, in keyed hashes. */
struct attempt {
    uint64_t pair; /* this address and this user */
    uint64_t address, user;
    enum load_lane lane; /* out: where it is checked */
};

/* Takes a check out of the rations, and says in which lane it is to be made. False: there is none left for this address
   and user, or in that lane.

   Nobody is locked out: an address may try a user's password again and again, but only at a certain rate. Those who
   have tried often share one lane, so that the other is free for those who haven't. What each lane may take of a
   processor is bounded. */
bool auth_shared_take(struct auth_shared *shared, struct attempt *attempt, uint64_t now_ms);

/* The password was right: this attempt doesn't count as a guess. */
void auth_shared_excuse(struct auth_shared *shared, const struct attempt *attempt);

/* The check that was taken won't be made. */
void auth_shared_give_back(struct auth_shared *shared, const struct attempt *attempt);

/* Around a check: waits while another one is under way in that lane. */
void auth_shared_enter(struct auth_shared *shared, enum load_lane lane);
void auth_shared_leave(struct auth_shared *shared, enum load_lane lane);

#endif
