/* A ration is an instant up to which it has been taken. It moves on by an interval with each check, and may lie so far
   ahead as a burst takes; what wasn't taken in time is gone. So nothing has to be counted down when somebody is done,
   or is killed before he is. */
#define _GNU_SOURCE
#include "site/auth_shared.h"
#include "base/shared_lock.h"

#include <stddef.h>
#include <sys/mman.h>
#include <sys/random.h>

enum {
    /* Remembered credentials; each may be in any of the ways of one set. Likewise for who has tried. */
    MARK_SETS = 128,
    MARK_WAYS = 4,
    TAKER_SETS = 512,
    TAKER_WAYS = 4,
    /* At once: by one taker, about a second's, but enough for a browser's connections; and in one lane, which is how
       long the last of them waits. */
    BURST_MS = 1000,
    BURST_MIN = 6,
    BURST_MAX = 20,
    /* So few at once are no guesses yet, by an address for one user and for all: somebody mistypes, an office comes. */
    RARE_PAIR = 2,
    RARE_ADDRESS = 4,
    /* Then: what part of a processor, as 1/N. Those who have rarely tried have a half, those who have often a quarter.
       One user may take half of the former, lest guesses at one keep out the others, and one address for one user half
       of the latter; an address that takes less than a quarter in all is one that rarely tries. */
    LOGIN_SHARE = 2,
    GUESS_SHARE = 4,
    USER_SHARE = 4,
    ADDRESS_SHARE = 4,
    PAIR_SHARE = 8,
    PAIR_MIN_MS = 50, /* however cheap it is to check, nobody guesses faster */
};

enum taker_kind { PAIR, ADDRESS, USER, TAKER_KINDS };

struct mark {
    struct right right;
    bool used;
};

struct ration {
    uint64_t key;
    uint64_t spent_to_ms;
};

struct rate {
    uint64_t interval_ms, burst;
};

/* A child that is killed while it holds the lock may leave a ration that is wrong by one check; or a mark of which half
   is another's, and which therefore matches nothing: for its words to fit together is a chance of 1 in 2^64. */
struct auth_shared {
    pthread_mutex_t lock;
    uint64_t key[2];
    uint64_t users; /* with whom the rates were found */
    pthread_mutex_t under_way[LOAD_LANES];
    struct rate rates[TAKER_KINDS], lane_rates[LOAD_LANES];
    struct ration lanes[LOAD_LANES];
    struct ration takers[TAKER_KINDS][TAKER_SETS][TAKER_WAYS];
    struct mark marks[MARK_SETS][MARK_WAYS];
    uint8_t oldest[MARK_SETS];
};

/* The mark of these credentials; or NULL. */
static struct mark *find_mark(struct auth_shared *shared, const struct right *right) {
    struct mark *set = shared->marks[right->hash[0] % MARK_SETS], *found = NULL;
    for (int i = 0; i < MARK_WAYS; i++) {
        const uint64_t *hash = set[i].right.hash;
        if (set[i].used && ((hash[0] ^ right->hash[0]) | (hash[1] ^ right->hash[1])) == 0)
            found = &set[i];
    }
    return found;
}

bool auth_shared_knows(struct auth_shared *shared, const struct right *right) {
    shared_lock_take(&shared->lock);
    const struct mark *mark = find_mark(shared, right);
    bool known = mark && mark->right.users == right->users;
    shared_lock_drop(&shared->lock);
    return known;
}

bool auth_shared_still_knows(struct auth_shared *shared, const struct right *right) {
    shared_lock_take(&shared->lock);
    struct mark *mark = find_mark(shared, right);
    bool known = mark && mark->right.line == right->line;
    if (known)
        mark->right.users = right->users;
    shared_lock_drop(&shared->lock);
    return known;
}

void auth_shared_learn(struct auth_shared *shared, const struct right *right) {
    size_t set = right->hash[0] % MARK_SETS;
    shared_lock_take(&shared->lock);
    struct mark *mark = find_mark(shared, right);
    if (!mark)
        mark = &shared->marks[set][shared->oldest[set]++ % MARK_WAYS];
    *mark = (struct mark){*right, true};
    shared_lock_drop(&shared->lock);
}

/* That taker's ration; or NULL. */
static struct ration *find(struct auth_shared *shared, enum taker_kind kind, uint64_t key) {
    struct ration *set = shared->takers[kind][key % TAKER_SETS];
    for (int i = 0; i < TAKER_WAYS; i++)
        if (set[i].key == key)
            return &set[i];
    return NULL;
}

/* And if there is none, a new one in place of who has taken the least. */
static struct ration *find_or_make(struct auth_shared *shared, enum taker_kind kind, uint64_t key) {
    struct ration *set = shared->takers[kind][key % TAKER_SETS];
    struct ration *found = find(shared, kind, key), *least = set;
    if (found)
        return found;
    for (int i = 1; i < TAKER_WAYS; i++)
        if (set[i].spent_to_ms < least->spent_to_ms)
            least = &set[i];
    *least = (struct ration){.key = key};
    return least;
}

static bool has_room(const struct ration *ration, const struct rate *rate, uint64_t now_ms) {
    uint64_t from_ms = ration->spent_to_ms > now_ms ? ration->spent_to_ms : now_ms;
    return from_ms + rate->interval_ms <= now_ms + rate->burst * rate->interval_ms;
}

static void take(struct ration *ration, const struct rate *rate, uint64_t now_ms) {
    if (ration->spent_to_ms < now_ms)
        ration->spent_to_ms = now_ms;
    ration->spent_to_ms += rate->interval_ms;
}

static void put_back(struct ration *ration, const struct rate *rate) {
    if (ration && ration->spent_to_ms >= rate->interval_ms)
        ration->spent_to_ms -= rate->interval_ms;
}

static bool take_locked(struct auth_shared *shared, struct attempt *attempt, uint64_t now_ms) {
    const struct rate *rates = shared->rates;
    struct ration *pair = find_or_make(shared, PAIR, attempt->pair);
    struct ration *address = find_or_make(shared, ADDRESS, attempt->address);
    struct ration *user = find_or_make(shared, USER, attempt->user);
    struct rate rare = {rates[PAIR].interval_ms, RARE_PAIR};
    if (!has_room(pair, &rates[PAIR], now_ms))
        return false;
    bool rarely = has_room(pair, &rare, now_ms) && has_room(address, &rates[ADDRESS], now_ms) &&
                  has_room(user, &rates[USER], now_ms);
    attempt->lane = rarely ? LANE_LOGINS : LANE_GUESSES;
    if (!has_room(&shared->lanes[attempt->lane], &shared->lane_rates[attempt->lane], now_ms))
        return false;
    take(&shared->lanes[attempt->lane], &shared->lane_rates[attempt->lane], now_ms);
    take(pair, &rates[PAIR], now_ms);
    if (has_room(address, &rates[ADDRESS], now_ms))
        take(address, &rates[ADDRESS], now_ms);
    if (rarely)
        take(user, &rates[USER], now_ms);
    return true;
}

bool auth_shared_take(struct auth_shared *shared, struct attempt *attempt, uint64_t now_ms) {
    shared_lock_take(&shared->lock);
    bool taken = take_locked(shared, attempt, now_ms);
    shared_lock_drop(&shared->lock);
    return taken;
}

static void put_back_taken(struct auth_shared *shared, const struct attempt *attempt) {
    put_back(find(shared, PAIR, attempt->pair), &shared->rates[PAIR]);
    put_back(find(shared, ADDRESS, attempt->address), &shared->rates[ADDRESS]);
    if (attempt->lane == LANE_LOGINS)
        put_back(find(shared, USER, attempt->user), &shared->rates[USER]);
}

void auth_shared_excuse(struct auth_shared *shared, const struct attempt *attempt) {
    shared_lock_take(&shared->lock);
    put_back_taken(shared, attempt);
    shared_lock_drop(&shared->lock);
}

void auth_shared_give_back(struct auth_shared *shared, const struct attempt *attempt) {
    shared_lock_take(&shared->lock);
    put_back_taken(shared, attempt);
    put_back(&shared->lanes[attempt->lane], &shared->lane_rates[attempt->lane]);
    shared_lock_drop(&shared->lock);
}

void auth_shared_enter(struct auth_shared *shared, enum load_lane lane) {
    shared_lock_take(&shared->under_way[lane]);
}

void auth_shared_leave(struct auth_shared *shared, enum load_lane lane) {
    shared_lock_drop(&shared->under_way[lane]);
}

static void set_rates(struct auth_shared *shared, uint64_t cost_ms) {
    uint64_t at_once = BURST_MS / cost_ms > BURST_MIN ? BURST_MS / cost_ms : BURST_MIN;
    uint64_t burst = at_once > BURST_MAX ? BURST_MAX : at_once;
    uint64_t pair_ms = PAIR_SHARE * cost_ms > PAIR_MIN_MS ? PAIR_SHARE * cost_ms : PAIR_MIN_MS;
    shared->rates[PAIR] = (struct rate){pair_ms, burst};
    shared->rates[ADDRESS] = (struct rate){ADDRESS_SHARE * cost_ms, RARE_ADDRESS};
    shared->rates[USER] = (struct rate){USER_SHARE * cost_ms, burst};
    shared->lane_rates[LANE_LOGINS] = (struct rate){LOGIN_SHARE * cost_ms, at_once};
    shared->lane_rates[LANE_GUESSES] = (struct rate){GUESS_SHARE * cost_ms, at_once};
}

const uint64_t *auth_shared_key(const struct auth_shared *shared) {
    return shared->key;
}

void auth_shared_set_cost(struct auth_shared *shared, uint64_t users, unsigned cost_ms) {
    shared_lock_take(&shared->lock);
    set_rates(shared, cost_ms);
    shared->users = users;
    shared_lock_drop(&shared->lock);
}

bool auth_shared_has_cost(struct auth_shared *shared, uint64_t users) {
    shared_lock_take(&shared->lock);
    bool has = shared->users == users;
    shared_lock_drop(&shared->lock);
    return has;
}

struct auth_shared *auth_shared_open(void) {
    struct auth_shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return NULL;
    if (getrandom(shared->key, sizeof shared->key, 0) != sizeof shared->key) {
        munmap(shared, sizeof *shared);
        return NULL;
    }
    shared_lock_init(&shared->lock);
    for (int lane = 0; lane < LOAD_LANES; lane++)
        shared_lock_init(&shared->under_way[lane]);
    return shared;
}
