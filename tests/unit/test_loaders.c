/* Lanes of loads: one at a time where a load takes a processor, and always somebody left for files of other folders. */
#define _GNU_SOURCE
#include "base/bounds.h"
#include "base/check.h"
#include "host/worker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { EACH = 20, WAIT_S = 10 };

static sem_t begun, may_end;
static atomic_int at_once[LOAD_LANES], most[LOAD_LANES];

static bool work_long(struct load *load, enum load_effort effort) {
    int now = atomic_fetch_add(&at_once[load->lane], 1) + 1;
    (void)effort;
    if (now > atomic_load(&most[load->lane]))
        atomic_store(&most[load->lane], now);
    sem_post(&begun);
    while (sem_wait(&may_end) != 0)
        ;
    atomic_fetch_sub(&at_once[load->lane], 1);
    return true;
}

static bool work_short(struct load *load, enum load_effort effort) {
    (void)load;
    (void)effort;
    return true;
}

static void nothing(struct load *load) {
    (void)load;
}

/* Of what isn't in memory, hashing shows that it must be waited for. */
static bool work_absent(struct load *load, enum load_effort effort) {
    CHECK(load->lane == (effort == LOAD_COMPUTES ? LANE_HASHES : LANE_FILES));
    return effort == LOAD_WAITS;
}

static const struct load_kind long_kind = {work_long, nothing, nothing};
static const struct load_kind short_kind = {work_short, nothing, nothing};
static const struct load_kind absent_kind = {work_absent, nothing, nothing};

static void await(sem_t *semaphore) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    while (sem_timedwait(semaphore, &until) != 0)
        assert_int_equal(errno, EINTR);
}

/* Waits for that many to be reported; returns one of them. */
static struct load *await_done(struct loads *home, int count) {
    struct load *load = NULL, *last = NULL;
    while (count > 0) {
        struct pollfd wake = {.fd = home->wake_fd, .events = POLLIN};
        uint64_t times;
        assert_int_equal(poll(&wake, 1, WAIT_S * 1000), 1);
        assert_int_equal(read(home->wake_fd, &times, sizeof times), sizeof times);
        for (load = loads_take(home); load; load = load->next, count--) {
            load->state = LOAD_DONE;
            last = load;
        }
    }
    assert_int_equal(count, 0);
    return last;
}

static void test_lanes(void **state) {
    static const enum load_lane lanes[] = {LANE_LOGINS, LANE_GUESSES, LANE_HASHES};
    static struct load passwords[COUNT(lanes) * EACH], files[EACH];
    struct loaders *loaders = loaders_open(NULL);
    struct loads home = {.wake_fd = eventfd(0, EFD_NONBLOCK)};
    (void)state;
    assert_non_null(loaders);
    sem_init(&begun, 0, 0);
    sem_init(&may_end, 0, 0);
    for (size_t i = 0; i < COUNT(passwords); i++) {
        load_init(&passwords[i], &long_kind);
        passwords[i].lane = lanes[i % COUNT(lanes)];
        assert_true(loaders_submit(loaders, &passwords[i], &home));
    }
    for (size_t i = 0; i < COUNT(lanes); i++) /* one of each lane is at work, and the rest waits */
        await(&begun);
    for (size_t i = 0; i < COUNT(files); i++) {
        load_init(&files[i], &short_kind);
        assert_true(loaders_submit(loaders, &files[i], &home));
        assert_ptr_equal(await_done(&home, 1), &files[i]);
    }
    for (size_t i = 0; i < COUNT(passwords); i++)
        sem_post(&may_end);
    await_done(&home, COUNT(passwords));
    for (size_t i = 0; i < COUNT(lanes); i++)
        assert_int_equal(atomic_load(&most[lanes[i]]), 1);
    loaders_close(loaders);
    close(home.wake_fd);
}

/* A subtree that hangs, with more loads than there are loaders, leaves some for the others. */
static void test_hung_subtree(void **state) {
    static struct load hung[EACH], file;
    struct loaders *loaders = loaders_open(NULL);
    struct loads home = {.wake_fd = eventfd(0, EFD_NONBLOCK)};
    (void)state;
    assert_non_null(loaders);
    sem_init(&begun, 0, 0);
    sem_init(&may_end, 0, 0);
    for (size_t i = 0; i < COUNT(hung); i++) {
        load_init(&hung[i], &long_kind);
        hung[i].subtree = 7;
        assert_true(loaders_submit(loaders, &hung[i], &home));
    }
    for (int i = 0; i < LOADERS_PER_SUBTREE; i++)
        await(&begun);
    for (int i = 0; i < EACH; i++) {
        load_init(&file, &short_kind);
        file.subtree = (uint32_t)(8 + i);
        assert_true(loaders_submit(loaders, &file, &home));
        assert_ptr_equal(await_done(&home, 1), &file);
    }
    for (size_t i = 0; i < COUNT(hung); i++)
        sem_post(&may_end);
    await_done(&home, COUNT(hung));
    assert_int_equal(atomic_load(&most[LANE_FILES]), LOADERS_PER_SUBTREE);
    loaders_close(loaders);
    close(home.wake_fd);
}

/* Nor do all subtrees but one that hang, each with more loads than it is given. */
static void test_hung_subtrees(void **state) {
    enum { HUNG = LOADERS_SUBTREES - 1, LOADS = LOADERS_PER_SUBTREE + 1 };
    static struct load hung[HUNG * LOADS], file;
    struct loaders *loaders = loaders_open(NULL);
    struct loads home = {.wake_fd = eventfd(0, EFD_NONBLOCK)};
    (void)state;
    assert_non_null(loaders);
    sem_init(&begun, 0, 0);
    sem_init(&may_end, 0, 0);
    atomic_store(&most[LANE_FILES], 0);
    for (size_t i = 0; i < COUNT(hung); i++) {
        load_init(&hung[i], &long_kind);
        hung[i].subtree = LOADERS_SUBTREES * (uint32_t)(i / LOADS); /* however alike they are */
        assert_true(loaders_submit(loaders, &hung[i], &home));
    }
    for (int i = 0; i < HUNG; i++)
        await(&begun);
    for (int i = 0; i < EACH; i++) {
        load_init(&file, &short_kind);
        file.subtree = LOADERS_SUBTREES * HUNG;
        assert_true(loaders_submit(loaders, &file, &home));
        assert_ptr_equal(await_done(&home, 1), &file);
    }
    for (size_t i = 0; i < COUNT(hung); i++)
        sem_post(&may_end);
    await_done(&home, COUNT(hung));
    assert_in_range(atomic_load(&most[LANE_FILES]), HUNG, LOADERS_MAX + HUNG - 1);
    loaders_close(loaders);
    close(home.wake_fd);
}

/* Who leaves takes back what nobody has begun, wherever it stands, and leaves the rest as it was. */
static void test_withdrawn(void **state) {
    static struct load hung[EACH], others[EACH], after;
    struct loaders *loaders = loaders_open(NULL);
    struct loads home = {.wake_fd = eventfd(0, EFD_NONBLOCK)};
    (void)state;
    assert_non_null(loaders);
    sem_init(&begun, 0, 0);
    sem_init(&may_end, 0, 0);
    for (int i = 0; i < EACH; i++) {
        load_init(&hung[i], &long_kind);
        hung[i].subtree = 7;
        assert_true(loaders_submit(loaders, &hung[i], &home));
    }
    for (int i = 0; i < LOADERS_PER_SUBTREE; i++)
        await(&begun);
    for (int i = 0; i < LOADERS_PER_SUBTREE; i++)
        assert_false(loaders_withdraw(loaders, &hung[i]));
    for (int i = 0; i < EACH; i++) {
        load_init(&others[i], &short_kind);
        others[i].subtree = 7;
        assert_true(loaders_submit(loaders, &others[i], &home));
    }
    for (int i = LOADERS_PER_SUBTREE; i < EACH; i++) {
        assert_true(loaders_withdraw(loaders, &hung[i]));
        assert_int_equal(hung[i].state, LOAD_NEW);
        assert_int_equal(hung[i].refs, 1);
        assert_false(loaders_withdraw(loaders, &hung[i]));
    }
    assert_true(loaders_withdraw(loaders, &others[EACH - 1])); /* the last one */
    load_init(&after, &short_kind);
    after.subtree = 7;
    assert_true(loaders_submit(loaders, &after, &home));
    for (int i = 0; i < LOADERS_PER_SUBTREE; i++)
        sem_post(&may_end);
    await_done(&home, LOADERS_PER_SUBTREE + EACH);
    assert_int_equal(after.state, LOAD_DONE);
    loaders_close(loaders);
    close(home.wake_fd);
}

static sem_t released;

static void tell_released(struct load *load) {
    (void)load;
    sem_post(&released);
}

/* What nobody waits for is done, and released by who did it; also at the end. */
static void test_left(void **state) {
    static const struct load_kind left_kind = {work_short, nothing, tell_released};
    static struct load left[EACH];
    struct loaders *loaders = loaders_open(NULL);
    (void)state;
    assert_non_null(loaders);
    sem_init(&released, 0, 0);
    for (int i = 0; i < EACH; i++) {
        load_init(&left[i], &left_kind);
        assert_true(loaders_detach(loaders, &left[i]));
        if (i < EACH / 2)
            await(&released);
    }
    loaders_close(loaders);
    for (int i = EACH / 2; i < EACH; i++)
        assert_int_equal(sem_trywait(&released), 0);
}

static void test_passed_on(void **state) {
    static struct load absent[EACH];
    struct loaders *loaders = loaders_open(NULL);
    struct loads home = {.wake_fd = eventfd(0, EFD_NONBLOCK)};
    (void)state;
    assert_non_null(loaders);
    for (size_t i = 0; i < COUNT(absent); i++) {
        load_init(&absent[i], &absent_kind);
        absent[i].lane = LANE_HASHES;
        assert_true(loaders_submit(loaders, &absent[i], &home));
    }
    await_done(&home, COUNT(absent));
    for (size_t i = 0; i < COUNT(absent); i++) {
        assert_true(absent[i].undone);
        absent[i].lane = LANE_FILES;
        assert_true(loaders_submit(loaders, &absent[i], &home));
    }
    await_done(&home, COUNT(absent));
    for (size_t i = 0; i < COUNT(absent); i++)
        assert_false(absent[i].undone);
    loaders_close(loaders);
    close(home.wake_fd);
}

/* Nobody asks for more than there is in memory. */
static bool work_until_left(struct load *load, enum load_effort effort) {
    (void)load;
    sem_post(&begun);
    while (sem_wait(&may_end) != 0)
        ;
    return effort == LOAD_WAITS;
}

/* Who leaves while it is hashed what he waits for has nobody wait for a disk. */
static void test_not_passed_on(void **state) {
    static const struct load_kind left_kind = {work_until_left, nothing, tell_released};
    static const struct limits limits;
    static struct worker worker;
    static struct load load;
    struct pollfd wake = {.fd = eventfd(0, EFD_NONBLOCK), .events = POLLIN};
    (void)state;
    sem_init(&begun, 0, 0);
    sem_init(&may_end, 0, 0);
    sem_init(&released, 0, 0);
    worker.shared.loaders = loaders_open(NULL);
    worker.env.limits = &limits;
    worker.loads.wake_fd = wake.fd;
    assert_non_null(worker.shared.loaders);
    assert_true(clients_open(&worker.clients, 1));
    struct client *client = clients_take(&worker.clients, dup(wake.fd));
    assert_non_null(client);
    conn_open(&client->conn, &worker.env, NULL);
    load_init(&load, &left_kind);
    load.lane = LANE_HASHES;
    client->load = &load;
    assert_true(worker_note_want(&worker, client, WANT_LOAD));
    await(&begun);
    worker_hang_up(&worker, client);
    assert_int_equal(worker.loading, 1);
    sem_post(&may_end);
    assert_int_equal(poll(&wake, 1, WAIT_S * 1000), 1);
    assert_null(worker_loaded(&worker));
    assert_int_equal(worker.loading, 0);
    assert_int_equal(load.state, LOAD_NEW);
    await(&released);
    loaders_close(worker.shared.loaders);
    assert_int_equal(sem_trywait(&begun), -1);
    clients_close(&worker.clients);
    close(wake.fd);
}

/* A load that comes right behind a slow one, before the idle loader has woken up for that, isn't left to it. */
static void test_close_behind(void **state) {
    struct loads home = {.wake_fd = eventfd(0, EFD_NONBLOCK)};
    (void)state;
    sem_init(&begun, 0, 0);
    sem_init(&may_end, 0, 0);
    for (int i = 0; i < 5 * EACH; i++) {
        struct loaders *loaders = loaders_open(NULL);
        struct load first, file, slow;
        assert_non_null(loaders);
        load_init(&first, &short_kind);
        load_init(&file, &short_kind);
        load_init(&slow, &long_kind);
        assert_true(loaders_submit(loaders, &first, &home));
        await_done(&home, 1);
        for (int chance = 0; chance < i; chance++) /* to be idle again, which doesn't show */
            sched_yield();
        assert_true(loaders_submit(loaders, &slow, &home));
        assert_true(loaders_submit(loaders, &file, &home));
        assert_ptr_equal(await_done(&home, 1), &file);
        sem_post(&may_end);
        assert_ptr_equal(await_done(&home, 1), &slow);
        loaders_close(loaders);
    }
    close(home.wake_fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lanes),         cmocka_unit_test(test_hung_subtree),
                                       cmocka_unit_test(test_hung_subtrees), cmocka_unit_test(test_passed_on),
                                       cmocka_unit_test(test_withdrawn),     cmocka_unit_test(test_left),
                                       cmocka_unit_test(test_not_passed_on), cmocka_unit_test(test_close_behind)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
