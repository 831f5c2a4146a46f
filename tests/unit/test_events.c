/* Rings of events: what is read is whole, in order, and with what was lost counted, whatever the writer does meanwhile.
 */
#include "observe/events.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { MANY = 300000 };

static void put(struct event_ring *ring, uint32_t n) {
    event_ring_put(ring, &(struct event){.at_ns = n + 1,
                                         .value = -(int64_t)n,
                                         .client = n,
                                         .fd = (int32_t)n,
                                         .kind = (uint8_t)(n % EVENT_KINDS),
                                         .what = (uint8_t)(n % 7),
                                         .apart = n & 1});
}

static void check(const struct event *event, uint64_t n) {
    assert_int_equal(event->at_ns, n + 1);
    assert_int_equal(event->value, -(int64_t)n);
    assert_int_equal(event->client, n);
    assert_int_equal(event->fd, n);
    assert_int_equal(event->kind, n % EVENT_KINDS);
    assert_int_equal(event->what, n % 7);
    assert_int_equal(event->apart, n & 1);
}

static void test_in_order(void **state) {
    (void)state;
    struct event_rings *rings = event_rings_open(2, 3, -1);
    struct event_ring *all[] = {event_rings_worker(rings, 0),   event_rings_worker(rings, 1),
                                event_rings_child(rings, 0, 0), event_rings_child(rings, 1, 2),
                                event_rings_loader(rings, 0),   event_rings_loader(rings, 7)};
    struct event event;
    for (uint32_t i = 0; i < 6; i++)
        for (uint32_t n = 0; n < 100; n++)
            put(all[i], i * 1000 + n);
    for (uint32_t i = 0; i < 6; i++) {
        struct event_cursor cursor = {0};
        for (uint32_t n = 0; n < 100; n++) {
            assert_true(event_ring_get(all[i], &cursor, &event));
            check(&event, i * 1000 + n);
        }
        assert_false(event_ring_get(all[i], &cursor, &event));
        assert_int_equal(cursor.lost, 0);
    }
    event_rings_close(rings);
}

static void test_time_of_the_last(void **state) {
    (void)state;
    struct event_rings *rings = event_rings_open(1, 0, -1);
    struct event_cursor cursor = {0};
    struct event event;
    put(event_rings_worker(rings, 0), 41);
    event_ring_put(event_rings_worker(rings, 0),
                   &(struct event){.kind = EVENT_REPLY, .client = EVENT_NOBODY, .fd = -1});
    assert_true(event_ring_get(event_rings_worker(rings, 0), &cursor, &event));
    assert_true(event_ring_get(event_rings_worker(rings, 0), &cursor, &event));
    assert_int_equal(event.at_ns, 42);
    assert_int_equal(event.client, EVENT_NOBODY);
    assert_int_equal(event.fd, -1);
    event_rings_close(rings);
}

static void *write_many(void *ring) {
    for (uint32_t n = 0; n < MANY; n++)
        put(ring, n);
    return NULL;
}

/* What was lost and what was read is all there was, and none of it a mixture. */
static void test_beside_a_writer(void **state) {
    (void)state;
    struct event_rings *rings = event_rings_open(1, 1, -1);
    struct event_ring *ring = event_rings_child(rings, 0, 0);
    struct event_cursor cursor = {0};
    struct event event;
    pthread_t thread;
    uint64_t got = 0;
    assert_int_equal(pthread_create(&thread, NULL, write_many, ring), 0);
    while (cursor.next < MANY) {
        if (!event_ring_get(ring, &cursor, &event))
            continue;
        got++;
        check(&event, cursor.next - 1);
    }
    pthread_join(thread, NULL);
    assert_int_equal(got + cursor.lost, MANY);
    event_rings_close(rings);
}

static void test_overwritten(void **state) {
    (void)state;
    struct event_rings *rings = event_rings_open(1, 0, -1);
    struct event_ring *ring = event_rings_worker(rings, 0);
    struct event_cursor cursor = {0};
    struct event event;
    write_many(ring);
    while (event_ring_get(ring, &cursor, &event))
        check(&event, cursor.next - 1);
    assert_int_equal(cursor.next, MANY);
    assert_true(cursor.lost > 0 && cursor.lost < MANY);
    event_rings_close(rings);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order),
        cmocka_unit_test(test_time_of_the_last),
        cmocka_unit_test(test_beside_a_writer),
        cmocka_unit_test(test_overwritten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
