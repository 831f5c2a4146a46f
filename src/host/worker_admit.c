/* A newcomer: whether its address has too many connections already, and whether another worker should have it. */
#include "host/worker_admit.h"
#include "host/worker_accept.h"

#include <sys/socket.h>
#include <unistd.h>

/* --max-per-ip is a limit over all workers. So that it is never exceeded, one newcomer of an address is counted at a
   time, whichever worker it comes to: under a lock, which for each address is a certain worker's. */
static bool count_among_all(struct worker *worker, struct client *client, uint64_t key) {
    unsigned count = 0, workers = (unsigned)worker->settings->workers;
    const struct clients *counting = &worker->all[key % workers].clients;
    clients_lock_count(counting);
    for (unsigned i = 0; i < workers; i++)
        count += clients_counted(&worker->all[i].clients, key);
    bool may = count < worker->settings->limits.max_per_ip;
    if (may)
        clients_count_for(&worker->clients, client, key);
    clients_unlock_count(counting);
    return may;
}

bool worker_count(struct conn *conn, uint64_t key) {
    struct client *client = (struct client *)conn; /* it is what a client begins with */
    struct worker *worker = (struct worker *)conn->env;
    bool limited = key != 0 && worker->settings->limits.max_per_ip > 0;
    if (key == clients_key(&worker->clients, client))
        return true;
    clients_count_for(&worker->clients, client, limited ? 0 : key);
    if (!limited || count_among_all(worker, client, key))
        return true;
    observer_count(&worker->observer, FIGURE_PER_IP);
    return false;
}

void worker_admit(struct worker *worker, int fd, const struct sockaddr_storage *peer) {
    struct client *client = clients_take(&worker->clients, fd);
    struct address from = address_of_socket(peer), *kept = NULL;
    if (worker->settings->keep_peers) {
        kept = &worker->clients.peers[client->index];
        *kept = from;
    }
    conn_open(&client->conn, &worker->env, kept);
    /* Also counted while there is no limit: a reload may set one. */
    if (!client->conn.trusted && !worker_count(&client->conn, address_key(&from))) {
        shutdown(fd, SHUT_RDWR); /* a child that another worker has just forked may have the descriptor, too */
        close(fd);
        clients_drop(&worker->clients, client);
        return;
    }
    observer_count(&worker->observer, FIGURE_ACCEPTED);
    drive_note(&worker->drive, client, EVENT_ACCEPTED, 0);
    observer_opened(&worker->observer, &client->conn);
    clients_note(&worker->clients, client);
    /* Before `take`, after which a thread or child may answer at once: that reply is to say whether it is the last. */
    if (worker_full(worker) || atomic_load_explicit(&worker->clients.flags->crowded, memory_order_relaxed))
        worker_note_crowd(worker);
    worker->settings->backend->take(worker->model, client);
}

/* Workers left alone would share connections badly, and these stay where they are: the kernel wakes the same one of
   those that wait each time, and one that is awake takes newcomers before another has woken up. So after accepting, a
   worker compares itself with one other (each time the next one: many workers cost no more than two). If it has clearly
   more, it wakes the other, tells it how many to take (`invited`), and accepts none for a moment. One that hasn't come
   since it was invited last is not invited again. */
void worker_invite(struct worker *worker) {
    unsigned count = worker->clients.count, more = SHARE_MORE + count / SHARE_MORE_PER;
    worker->compared = (worker->compared + 1) % worker->settings->workers;
    const struct worker *other = &worker->all[worker->compared];
    unsigned others = atomic_load_explicit(&other->clients.count, memory_order_relaxed);
    atomic_uint *invited = &other->clients.flags->invited;
    if (count <= others + more || atomic_load_explicit(invited, memory_order_relaxed) > 0)
        return;
    atomic_store_explicit(invited, (count - others) / 2, memory_order_relaxed);
    worker->yield_until_ms = worker->env.clock.now_ms + SHARE_YIELD_MS;
    worker->yield_above = others + more;
    worker_wake(other);
}

unsigned worker_invited(struct worker *worker) {
    atomic_uint *invited = &worker->clients.flags->invited;
    return atomic_load_explicit(invited, memory_order_relaxed)
               ? atomic_exchange_explicit(invited, 0, memory_order_relaxed)
               : 0;
}
