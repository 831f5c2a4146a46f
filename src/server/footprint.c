/* Each part is the sum of bounds that something keeps, the worst that everybody at once can ask for, and not what is
   usual, which is a small fraction. What the kernel takes for sockets, and for the pages of listings that are kept in
   memory, is not in it; nor is what listings take while they are made. */
#include "server/footprint.h"
#include "base/say.h"
#include "site/body_load.h"
#include "site/file_head.h"

enum {
    MIB = 1024 * 1024,
    /* The program and the C library; a worker's fixed tables, buffers (a ring's, most) and stack; what loaders use. */
    PROGRAM_LEN = 8 * MIB,
    WORKER_LEN = 3 * MIB,
    LOADER_LEN = MIB / 2,
    /* Two passwords are checked at once, with a hash that is meant to take memory. */
    PASSWORDS_LEN = 2 * 32 * MIB,
    LOADS_MORE = 64,
    /* Blocks of the heap aren't as large as what they hold, and there are gaps between them: a quarter more. */
    GAPS = 4,
};

static uint64_t pool_memory(const struct pool *pool) {
    return pool->slot_size * pool->slot_count;
}

/* Its place in the tables, all that it may borrow, and one file that it holds on to when nobody else wants that. */
static uint64_t connections_memory(const struct worker *worker) {
    const struct filecache *cache = worker->serving->site.cache;
    const struct conn_env *env = &worker->env;
    uint64_t file = file_head_space(worker->serving->site.config) + FILE_KEY_MAX + 4 * sizeof(struct file);
    uint64_t each = sizeof(struct client) + 2 * sizeof(uint64_t) + sizeof(struct address) + file +
                    sizeof(struct body_load) + BODY_PROVEN_MAX + worker->settings->backend->client_memory;
    uint64_t loads = 2 * worker->clients.capacity + LOADS_MORE; /* the model may have fewer than there is room for */
    return worker->clients.capacity * each + loads * cache->loads.slot_size + pool_memory(&env->in) +
           pool_memory(&env->out) + pool_memory(&env->exchanges);
}

static uint64_t logs_memory(const struct worker *worker) {
    bool children = worker->settings->backend->renew;
    if (!worker->shared.observed->log)
        return 0;
    return LOG_LANE_LEN + (children ? (uint64_t)worker->clients.capacity * LOG_CHILD_LANE_LEN : 0);
}

static unsigned mib(uint64_t len) {
    return (unsigned)((len + MIB - 1) / MIB);
}

void footprint_say(const struct worker *workers, int count) {
    uint64_t connections = 0, cache = 0, logs = 0;
    uint64_t rest = PROGRAM_LEN + (uint64_t)count * WORKER_LEN + LOADERS_MOST * LOADER_LEN + known_memory();
    unsigned capacity = 0;
    for (int i = 0; i < count; i++) {
        capacity += workers[i].clients.capacity;
        connections += connections_memory(&workers[i]);
        cache += filecache_memory(workers[i].serving->site.cache);
        logs += logs_memory(&workers[i]);
    }
    cache += cache / GAPS;
    if (workers->serving->site.config->auth)
        rest += PASSWORDS_LEN;
    if (workers->shared.observed->rings)
        rest += workers->shared.observed->rings->len;
    say_as(SAY_INFO,
           "memory stays within %u MiB: %u for %u connections, %u for the cache, %u for logs, %u for the rest",
           mib(connections) + mib(cache) + mib(logs) + mib(rest), mib(connections), capacity, mib(cache), mib(logs),
           mib(rest));
}
