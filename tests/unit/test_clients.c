/* The table of clients against a reference that keeps it simple, over long runs of pseudo-random work with fixed
   seeds. Deadlines may be rounded up by SLACK_MS, and by no more. */
#define _GNU_SOURCE
#include "host/clients.h"

#include <arpa/inet.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define TEST(name) static void name(void **state __attribute__((unused)))
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { CAPACITY = 13, SLACK_MS = 16, IDLE_MS = 5000, STEPS = 200 * 1000 };

/* What the table should know of a client. */
struct known {
    struct client *client; /* NULL: nobody */
    int fd;
    uint64_t deadline_ms; /* as noted; 0: not yet */
    bool idle;            /* noted, and not forgotten */
    unsigned peer;
};

static struct clients clients;
static struct known known[CAPACITY];
static unsigned known_count;
static uint64_t now_ms;
static uint32_t random_state;

/* Peers with the same letter count as one; none has '-'. */
static const struct {
    const char *address;
    char same;
} peers[] = {
    {"192.0.2.1", 'a'},       {"192.0.2.2", 'b'},   {"::ffff:192.0.2.1", 'a'},  {"0.0.0.0", 'c'},
    {"255.255.255.255", 'd'}, {"2001:db8::1", 'e'}, {"2001:db8::2:3:4:5", 'e'}, {"2001:db8:0:1::1", 'f'},
    {"2001:db8:1:0::1", 'g'}, {"::1", 'h'},         {"::ffff:192.0.2.2", 'b'},  {"2001:db8:0:0:ffff::", 'e'},
    {"fd00:1:2:3::9", 'i'},   {"unix", '-'},
};

static int open_clients(void **state) {
    (void)state;
    memset(known, 0, sizeof known);
    known_count = 0;
    now_ms = 1000 * 1000;
    random_state = 2463534242u;
    return clients_open(&clients, CAPACITY) ? 0 : -1;
}

static int close_clients(void **state) {
    (void)state;
    clients_close(&clients);
    return 0;
}

static uint32_t random_below(uint32_t bound) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state % bound;
}

static struct sockaddr_storage peer_address(unsigned peer) {
    struct sockaddr_storage storage;
    memset(&storage, 0xee, sizeof storage); /* what accept leaves alone */
    struct sockaddr_in *v4 = (struct sockaddr_in *)&storage;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&storage;
    const char *address = peers[peer].address;
    storage.ss_family = strcmp(address, "unix") == 0 ? AF_UNIX : strchr(address, ':') ? AF_INET6 : AF_INET;
    if (storage.ss_family == AF_INET)
        assert_int_equal(inet_pton(AF_INET, address, &v4->sin_addr), 1);
    else if (storage.ss_family == AF_INET6)
        assert_int_equal(inet_pton(AF_INET6, address, &v6->sin6_addr), 1);
    return storage;
}

static uint64_t peer_key(unsigned peer) {
    struct sockaddr_storage socket = peer_address(peer);
    struct address address = address_of_socket(&socket);
    return address_key(&address);
}

static struct client *take(unsigned peer) {
    static int next_fd = 100;
    struct client *client = clients_take(&clients, next_fd);
    assert_int_equal(client == NULL, known_count == CAPACITY);
    if (!client)
        return NULL;
    assert_in_range(client->index, 0, CAPACITY - 1);
    assert_null(known[client->index].client);
    assert_int_equal(client->fd, next_fd);
    clients_count_for(&clients, client, peer_key(peer));
    known[client->index] = (struct known){.client = client, .fd = next_fd++, .peer = peer};
    known_count++;
    return client;
}

static void drop(struct known *entry) {
    clients_drop(&clients, entry->client);
    *entry = (struct known){0};
    known_count--;
}

static void note(struct known *entry, uint64_t deadline_ms, bool idle) {
    entry->client->conn = (struct conn){.state = idle ? CONN_READING : CONN_REPLYING, .deadline_ms = deadline_ms};
    entry->deadline_ms = deadline_ms;
    entry->idle = idle;
    clients_note(&clients, entry->client);
}

static struct known *pick(void) {
    unsigned first = random_below(CAPACITY);
    for (unsigned i = 0; i < CAPACITY; i++)
        if (known[(first + i) % CAPACITY].client)
            return &known[(first + i) % CAPACITY];
    return NULL;
}

/* Each overdue client comes up once, none early; half of them leave, the others get a new deadline. */
static void check_expired(void) {
    bool seen[CAPACITY] = {false};
    struct client *client;
    unsigned cursor = 0;
    while ((client = clients_expired(&clients, now_ms, &cursor))) {
        struct known *entry = &known[client->index];
        assert_ptr_equal(entry->client, client);
        assert_true(entry->deadline_ms && entry->deadline_ms <= now_ms);
        assert_false(seen[client->index]);
        seen[client->index] = true;
        if (random_below(2))
            drop(entry);
        else
            note(entry, now_ms + 1 + random_below(300), random_below(2));
    }
    for (unsigned i = 0; i < CAPACITY; i++)
        assert_true(!known[i].deadline_ms || known[i].deadline_ms + SLACK_MS > now_ms);
}

static void check_timeout(void) {
    int timeout = clients_timeout(&clients, now_ms);
    bool some = false;
    for (unsigned i = 0; i < CAPACITY; i++) {
        some |= known[i].deadline_ms > 0;
        assert_true(!known[i].deadline_ms ||
                    (timeout >= 0 && (timeout == 0 || now_ms + (uint64_t)timeout <= known[i].deadline_ms + SLACK_MS)));
    }
    assert_true(timeout >= 0 || !some);
}

static void check_oldest(void) {
    uint64_t since_ms, oldest = UINT64_MAX;
    struct client *client = clients_oldest_idle(&clients, IDLE_MS, &since_ms);
    for (unsigned i = 0; i < CAPACITY; i++)
        if (known[i].idle && known[i].deadline_ms < oldest)
            oldest = known[i].deadline_ms;
    assert_int_equal(client == NULL, oldest == UINT64_MAX);
    if (!client)
        return;
    const struct known *entry = &known[client->index];
    assert_ptr_equal(entry->client, client);
    assert_true(entry->idle && entry->deadline_ms < oldest + SLACK_MS);
    assert_in_range(since_ms, entry->deadline_ms - IDLE_MS, entry->deadline_ms - IDLE_MS + SLACK_MS);
}

static void check_all(void) {
    struct client *client;
    unsigned cursor = 0, count = 0, last = 0;
    while ((client = clients_each(&clients, &cursor))) {
        assert_ptr_equal(known[client->index].client, client);
        assert_int_equal(client->fd, known[client->index].fd);
        assert_true(count == 0 || client->index > last);
        last = client->index;
        count++;
    }
    assert_int_equal(count, known_count);
    assert_int_equal(clients.count, known_count);
}

static void check_peers(void) {
    for (unsigned peer = 0; peer < COUNT(peers); peer++) {
        unsigned count = 0;
        for (unsigned i = 0; i < CAPACITY; i++)
            count += known[i].client && peers[known[i].peer].same == peers[peer].same;
        assert_int_equal(peer_key(peer) == 0, peers[peer].same == '-');
        if (peer_key(peer))
            assert_int_equal(clients_counted(&clients, peer_key(peer)), count);
    }
}

static void forget(struct known *entry) {
    clients_set_going(&clients, entry->client);
    entry->idle = false;
}

static void work(void) {
    unsigned what = random_below(100);
    struct known *entry = pick();
    if (what < 30)
        take(random_below(COUNT(peers)));
    else if (what < 40 && entry)
        drop(entry);
    else if (what < 75 && entry)
        note(entry, now_ms + IDLE_MS + random_below(500), random_below(2));
    else if (what < 85 && entry)
        note(entry, now_ms + random_below(300), random_below(2));
    else if (what < 90 && entry && entry->deadline_ms)
        forget(entry);
    else
        now_ms += random_below(60);
}

TEST(it_does_what_the_reference_does) {
    for (int i = 0; i < STEPS; i++) {
        work();
        check_timeout();
        check_expired();
        check_oldest();
        check_all();
        if (i % 16 == 0)
            check_peers();
    }
}

TEST(a_full_table_takes_nobody) {
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < CAPACITY; i++)
            assert_non_null(take(0));
        assert_null(take(0));
        drop(&known[5]);
        assert_int_equal(take(1)->index, 5);
        assert_null(take(0));
        check_peers();
        while (known_count > 0)
            drop(pick());
    }
}

TEST(waiting_as_told_ends_at_the_deadline) {
    unsigned cursor = 0;
    assert_int_equal(clients_timeout(&clients, now_ms), -1);
    struct client *client = take(0);
    note(&known[client->index], now_ms + 1000, false);
    int timeout = clients_timeout(&clients, now_ms);
    assert_in_range(timeout, 1000, 1000 + SLACK_MS);
    assert_null(clients_expired(&clients, now_ms + 999, &cursor));
    cursor = 0;
    assert_ptr_equal(clients_expired(&clients, now_ms + (uint64_t)timeout, &cursor), client);
    assert_null(clients_expired(&clients, now_ms + (uint64_t)timeout, &cursor));
}

/* A deadline that was renewed lets the wait end once too early, and then no more. */
TEST(a_renewed_deadline_costs_one_wake_up) {
    unsigned cursor = 0;
    struct known *entry = &known[take(0)->index];
    note(entry, now_ms + 1000, false);
    note(entry, now_ms + 9000, false);
    now_ms += (uint64_t)clients_timeout(&clients, now_ms);
    assert_null(clients_expired(&clients, now_ms, &cursor));
    now_ms += (uint64_t)clients_timeout(&clients, now_ms);
    cursor = 0;
    assert_ptr_equal(clients_expired(&clients, now_ms, &cursor), entry->client);
}

TEST(a_far_deadline_is_no_overflow) {
    note(&known[take(0)->index], now_ms + (1ull << 40), false);
    assert_int_equal(clients_timeout(&clients, now_ms), INT_MAX);
}

TEST(a_slot_is_clean_when_taken_again) {
    uint64_t since_ms;
    unsigned cursor = 0;
    struct client *client = take(0), *other = take(1);
    client->model = 7;
    client->next = other;
    note(&known[client->index], now_ms + IDLE_MS, true);
    drop(&known[other->index]);
    drop(&known[client->index]);
    assert_null(clients_oldest_idle(&clients, IDLE_MS, &since_ms));
    assert_null(clients_expired(&clients, now_ms + 2 * IDLE_MS, &cursor));
    assert_ptr_equal(take(0), client);
    assert_int_equal(client->model, 0);
    assert_null(client->next);
    assert_null(clients_oldest_idle(&clients, IDLE_MS, &since_ms));
}

TEST(a_child_works_in_the_same_table) {
    uint64_t since_ms;
    struct client *client = take(0);
    assert_null(clients_oldest_idle(&clients, IDLE_MS, &since_ms));
    pid_t child = fork();
    if (child == 0) {
        note(&known[client->index], now_ms + IDLE_MS, true);
        atomic_store(&clients.flags->crowded, true);
        _exit(0);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_ptr_equal(clients_oldest_idle(&clients, IDLE_MS, &since_ms), client);
    assert_true(atomic_load(&clients.flags->crowded));
    /* The parent's to say, the child's to see. */
    clients_set_going(&clients, client);
    assert_null(clients_oldest_idle(&clients, IDLE_MS, &since_ms));
}

#define ON_A_TABLE(test) cmocka_unit_test_setup_teardown(test, open_clients, close_clients)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_A_TABLE(it_does_what_the_reference_does),      ON_A_TABLE(a_full_table_takes_nobody),
        ON_A_TABLE(waiting_as_told_ends_at_the_deadline), ON_A_TABLE(a_renewed_deadline_costs_one_wake_up),
        ON_A_TABLE(a_far_deadline_is_no_overflow),        ON_A_TABLE(a_slot_is_clean_when_taken_again),
        ON_A_TABLE(a_child_works_in_the_same_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
