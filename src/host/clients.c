/* One mapping holds the flags, the timers, the keys, the slots and the addresses, in this order. It is reserved for all
   clients that there may be, and takes memory only as slots are first used. A free slot keeps its index; what was used
   last is used first. */
#define _GNU_SOURCE
#include "host/clients.h"
#include "base/check.h"
#include "base/shared_lock.h"

#include <limits.h>
#include <sys/mman.h>

/* Deadlines are rounded up to a multiple of this: so the timers are searched no more often than that. */
enum { TICK_MS = 16 };

/* Whole cache lines, so that the flags, which are read often, share none with the timers, which are written often. */
enum { FLAGS_LEN = (sizeof(struct clients_flags) + 63) / 64 * 64 };

/* A timer is one word: from the highest bit on a deadline in ms, a phase, and whether the client is idle and may be
   asked to make room. Words of idle clients compare as their deadlines do. */
enum { TIMER_IDLE = 1, TIMER_PHASE_BITS = 3, TIMER_MS_SHIFT = 1 + TIMER_PHASE_BITS };
_Static_assert(PHASE_COUNT <= 1 << TIMER_PHASE_BITS, "a phase fits");

bool clients_open(struct clients *clients, unsigned capacity) {
    size_t flags_len = FLAGS_LEN, array_len = capacity * sizeof(uint64_t), slots_len = capacity * sizeof(struct client);
    size_t peers_len = capacity * sizeof(struct address);
    *clients = (struct clients){.capacity = capacity, .next_ms = UINT64_MAX};
    clients->memory_len = flags_len + 2 * array_len + slots_len + peers_len;
    char *memory =
        mmap(NULL, clients->memory_len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return false;
    clients->memory = memory;
    clients->flags = (struct clients_flags *)memory;
    shared_lock_init(&clients->flags->counting);
    clients->timers = (_Atomic uint64_t *)(memory + flags_len);
    clients->keys = (_Atomic uint64_t *)(memory + flags_len + array_len);
    clients->slots = (struct client *)(memory + flags_len + 2 * array_len);
    clients->peers = (struct address *)(memory + flags_len + 2 * array_len + slots_len);
    return true;
}

void clients_close(struct clients *clients) {
    if (clients->memory)
        munmap(clients->memory, clients->memory_len);
}

struct client *clients_take(struct clients *clients, int fd) {
    struct client *client = clients->free;
    if (clients->count == clients->capacity)
        return NULL;
    if (client) {
        clients->free = client->next;
    } else {
        client = &clients->slots[clients->touched];
        client->index = clients->touched++;
        atomic_store(&clients->flags->touched, clients->touched);
    }
    atomic_fetch_add_explicit(&clients->count, 1, memory_order_relaxed);
    client->fd = fd;
    client->next = NULL;
    client->model = 0;
    client->more = client->drained = client->blocking = client->parked = client->in_line = false;
    client->load = NULL;
    client->going = false;
    atomic_store_explicit(&client->leave, false, memory_order_relaxed);
    return client;
}

void clients_drop(struct clients *clients, struct client *client) {
    CHECK(client->fd >= 0 && clients->count > 0);
    atomic_store_explicit(&clients->timers[client->index], 0, memory_order_relaxed);
    clients_count_for(clients, client, 0);
    clients->going -= client->going;
    client->fd = -1;
    client->next = clients->free;
    clients->free = client;
    atomic_fetch_sub_explicit(&clients->count, 1, memory_order_relaxed);
}

unsigned clients_counted(const struct clients *clients, uint64_t key) {
    unsigned count = 0, touched = atomic_load(&clients->flags->touched);
    for (unsigned i = 0; i < touched; i++)
        count += atomic_load(&clients->keys[i]) == key;
    return count;
}

/* What is done under the lock is one store: a holder that was killed has left nothing half done. */
void clients_lock_count(const struct clients *clients) {
    shared_lock_take(&clients->flags->counting);
}

void clients_unlock_count(const struct clients *clients) {
    shared_lock_drop(&clients->flags->counting);
}

static enum phase client_phase(const struct client *client) {
    if (client->in_line)
        return PHASE_IN_LINE;
    switch ((enum conn_state)client->conn.state) {
    case CONN_PROXIED:
    case CONN_READING:
        return conn_idle(&client->conn) ? PHASE_IDLE : PHASE_READING;
    case CONN_LOADING:
        return PHASE_LOADING;
    case CONN_REPLYING:
        return PHASE_REPLYING;
    case CONN_FINISHING:
    case CONN_LINGERING:
    case CONN_CLOSING:
        break;
    }
    return PHASE_LEAVING;
}

void clients_note(struct clients *clients, const struct client *client) {
    clients_note_until(clients, client, conn_deadline(&client->conn));
}

void clients_note_until(struct clients *clients, const struct client *client, uint64_t deadline_ms) {
    uint64_t deadline = (deadline_ms | (TICK_MS - 1)) + 1;
    uint64_t timer = deadline << TIMER_MS_SHIFT | (uint64_t)client_phase(client) << 1 | conn_idle(&client->conn);
    atomic_store_explicit(&clients->timers[client->index], timer, memory_order_relaxed);
    if (deadline < clients->next_ms)
        clients->next_ms = deadline;
}

void clients_phases(const struct clients *clients, uint64_t counts[PHASE_COUNT]) {
    unsigned touched = atomic_load(&clients->flags->touched);
    for (unsigned i = 0; i < touched; i++) {
        uint64_t timer = atomic_load_explicit(&clients->timers[i], memory_order_relaxed);
        if (timer)
            counts[timer >> 1 & ((1 << TIMER_PHASE_BITS) - 1)]++;
    }
}

int clients_timeout(const struct clients *clients, uint64_t now_ms) {
    if (clients->next_ms == UINT64_MAX)
        return -1;
    uint64_t left = clients->next_ms > now_ms ? clients->next_ms - now_ms : 0;
    return left < INT_MAX ? (int)left : INT_MAX;
}

struct client *clients_expired(struct clients *clients, uint64_t now_ms, unsigned *cursor) {
    if (*cursor == 0) {
        if (clients->next_ms > now_ms)
            return NULL;
        clients->next_ms = UINT64_MAX;
    }
    while (*cursor < clients->touched) {
        unsigned i = (*cursor)++;
        uint64_t deadline = atomic_load_explicit(&clients->timers[i], memory_order_relaxed) >> TIMER_MS_SHIFT;
        if (deadline == 0)
            continue;
        if (deadline <= now_ms)
            return &clients->slots[i];
        if (deadline < clients->next_ms)
            clients->next_ms = deadline;
    }
    return NULL;
}

struct client *clients_oldest_idle(const struct clients *clients, unsigned idle_timeout_ms, uint64_t *since_ms) {
    uint64_t oldest = UINT64_MAX;
    struct client *client = NULL;
    for (unsigned i = 0; i < clients->touched; i++) {
        uint64_t timer = atomic_load_explicit(&clients->timers[i], memory_order_relaxed);
        if ((timer & TIMER_IDLE) && timer < oldest) {
            oldest = timer;
            client = &clients->slots[i];
        }
    }
    *since_ms = client ? (oldest >> TIMER_MS_SHIFT) - idle_timeout_ms : 0;
    return client;
}

bool clients_long_idle(const struct clients *clients, const struct client *client, unsigned idle_timeout_ms,
                       unsigned grace_ms, uint64_t now_ms) {
    uint64_t timer = atomic_load_explicit(&clients->timers[client->index], memory_order_relaxed);
    return (timer & TIMER_IDLE) && (timer >> TIMER_MS_SHIFT) - idle_timeout_ms + grace_ms <= now_ms;
}

void clients_set_going(struct clients *clients, struct client *client) {
    clients->going += !client->going; /* it may be asked twice, as its child may have noted once more that it is idle */
    client->going = true;
    atomic_fetch_and_explicit(&clients->timers[client->index], ~(uint64_t)TIMER_IDLE, memory_order_relaxed);
}

struct client *clients_each(const struct clients *clients, unsigned *cursor) {
    while (*cursor < clients->touched) {
        struct client *client = &clients->slots[(*cursor)++];
        if (client->fd >= 0)
            return client;
    }
    return NULL;
}
