/* scenarios - the tests, each of which is run for every model; cmocka's state is the model's name. */
#ifndef FRESH_SCENARIOS_H
#define FRESH_SCENARIOS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clock.h"
#include "crowd.h"
#include "fixture.h"
#include "server.h"

#include <stdio.h>
#include <string.h>

enum { KIB = 1 << 10, MIB = 1 << 20 };

static inline void rest_ms(int ms) {
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL);
}

static inline struct server *start_server(void **state, const char *root) {
    struct server *server = server_start(*state, root, NULL);
    assert_non_null(server);
    return server;
}

/* mid_transfer.c: one reader in the middle of a transfer, and one change. */
void test_mid_transfer(void **state);

/* in_place.c: the same with changes that hide, or that come before anything was read; and writes through mappings,
 * or that are held up. */
void test_in_place(void **state);
void test_mapped(void **state);
void test_held_write(void **state);

/* validators.c */
void test_same_time(void **state);
void test_nodes(void **state);
void test_future(void **state);
void test_huge(void **state);

#endif
