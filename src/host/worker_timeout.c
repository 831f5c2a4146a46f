/* How long a model may wait. */
#include "host/worker.h"

#include <limits.h>

static int ms_until(uint64_t at_ms, uint64_t now_ms) {
    uint64_t left = at_ms > now_ms ? at_ms - now_ms : 0;
    return left < INT_MAX ? (int)left : INT_MAX;
}

static int sooner(int a, int b) {
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

int worker_timeout(const struct worker *worker) {
    uint64_t now_ms = worker->env.clock.now_ms;
    int other = worker->retired ? ms_until(worker->retired_look_at_ms, now_ms) : -1;
    /* Where clients have threads of their own, these may keep files while this one waits. */
    if (filecache_keeps_open(worker->serving->site.cache) || (worker->env.lock && worker->clients.count > 0))
        other = sooner(other, ms_until(worker->unasked_look_at_ms, now_ms));
    if (worker->tend_at_ms)
        other = sooner(other, ms_until(worker->tend_at_ms, now_ms));
    if (worker->draining)
        return sooner(other, ms_until(worker->idle_look_at_ms, now_ms));
    if (worker->leaving)
        other = sooner(other, ms_until(worker->drain_at_ms, now_ms));
    if (worker->yield_until_ms > now_ms)
        other = sooner(other, ms_until(worker->yield_until_ms, now_ms));
    return sooner(other, worker->rest_until_ms > now_ms ? ms_until(worker->rest_until_ms, now_ms) : -1);
}

int worker_event_timeout(const struct worker *worker) {
    if (worker->line)
        return 0;
    return sooner(worker_timeout(worker), clients_timeout(&worker->clients, worker->env.clock.now_ms));
}

int worker_client_timeout(const struct worker *worker, const struct client *client) {
    return sooner(worker_timeout(worker), ms_until(conn_deadline(&client->conn), worker->env.clock.now_ms));
}
