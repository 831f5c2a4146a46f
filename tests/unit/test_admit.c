/* --max-per-ip over workers: they let in as many from one address as may be, however many come at once, and never one
   more. */
#define _GNU_SOURCE
#include "host/worker_admit.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define TEST(name) static void name(void **state __attribute__((unused)))

enum { WORKERS = 4, MOST = 1, ROUNDS = 5000, KEY = 42 };

static struct settings settings = {.workers = WORKERS, .limits.max_per_ip = MOST};
static struct worker workers[WORKERS];
static struct client *comers[WORKERS];
static bool let_in[WORKERS];
static atomic_int arrived;

static int open_workers(void **state) {
    (void)state;
    for (int i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker){.settings = &settings, .all = workers};
        if (!clients_open(&workers[i].clients, 2))
            return -1;
        comers[i] = clients_take(&workers[i].clients, 100);
        comers[i]->conn.env = &workers[i].env;
    }
    return 0;
}

static int close_workers(void **state) {
    (void)state;
    for (int i = 0; i < WORKERS; i++)
        clients_close(&workers[i].clients);
    return 0;
}

/* A barrier's wake-ups are further apart than what is to be at once. */
static void meet(int times) {
    atomic_fetch_add(&arrived, 1);
    for (int tries = 0; atomic_load(&arrived) < times * WORKERS; tries++)
        if (tries > 1000)
            sched_yield();
}

/* One client comes to each worker, in each round at the same moment. */
static void *come(void *arg) {
    int me = *(int *)arg;
    for (int round = 0; round < ROUNDS; round++) {
        meet(3 * round + 1);
        let_in[me] = worker_count(&comers[me]->conn, KEY);
        meet(3 * round + 2);
        if (me == 0) {
            int count = 0;
            for (int i = 0; i < WORKERS; i++)
                count += let_in[i];
            assert_int_equal(count, MOST);
        }
        meet(3 * round + 3);
        worker_count(&comers[me]->conn, 0);
    }
    return NULL;
}

TEST(of_those_who_come_at_once_as_many_as_may_are_let_in) {
    pthread_t threads[WORKERS];
    int numbers[WORKERS];
    for (int i = WORKERS - 1; i >= 0; i--) {
        numbers[i] = i;
        if (i > 0)
            assert_int_equal(pthread_create(&threads[i], NULL, come, &numbers[i]), 0);
    }
    come(&numbers[0]);
    for (int i = 1; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
}

TEST(who_is_killed_while_he_counts_keeps_nobody_out) {
    pid_t child = fork();
    if (child == 0) {
        clients_lock_count(&workers[KEY % WORKERS].clients);
        _exit(0);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(worker_count(&comers[i]->conn, KEY), i < MOST);
}

TEST(a_place_is_free_as_soon_as_its_client_has_gone) {
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(worker_count(&comers[i]->conn, KEY), i < MOST);
    clients_drop(&workers[0].clients, comers[0]);
    assert_true(worker_count(&comers[1]->conn, KEY));
    assert_true(worker_count(&comers[1]->conn, KEY + 1)); /* it is somebody else's from now on */
    assert_true(worker_count(&comers[2]->conn, KEY));
    assert_false(worker_count(&comers[1]->conn, KEY)); /* and nobody's now */
    assert_int_equal(clients_key(&workers[1].clients, comers[1]), 0);
}

#define ON_WORKERS(test) cmocka_unit_test_setup_teardown(test, open_workers, close_workers)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_WORKERS(of_those_who_come_at_once_as_many_as_may_are_let_in),
        ON_WORKERS(who_is_killed_while_he_counts_keeps_nobody_out),
        ON_WORKERS(a_place_is_free_as_soon_as_its_client_has_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
