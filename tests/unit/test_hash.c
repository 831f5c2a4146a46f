/* Clients keep entity tags made with this hash: its values are what they were, on every machine. */
#define _DEFAULT_SOURCE
#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define TEST(name) static void name(void **state __attribute__((unused)))
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { LEN_MOST = 200, CHOSEN_LEN = 96 };

static unsigned char bytes[LEN_MOST + 8];

static int fill_bytes(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 37 + 11);
    return 0;
}

TEST(values_are_what_they_were) {
    static const struct {
        size_t len;
        uint64_t seed, hash;
    } rows[] = {
        {0, 0, 0x21e3166e5527b257},
        {0, 0x1, 0x20bab9e64cce8a76},
        {0, 0xfedcba9876543210, 0x10c124d644d46d6d},
        {1, 0, 0x049c547202703b6d},
        {2, 0, 0xb2c91647167a33c7},
        {3, 0, 0x50a3cbcd6c7cf33d},
        {3, 0x1, 0x3130e6ddb07c1a79},
        {3, 0xfedcba9876543210, 0xb8d4ed6815a04698},
        {4, 0, 0x7512163bcefdb290},
        {5, 0, 0x074d8f1331820bb2},
        {7, 0, 0xa34e79c4f0faf236},
        {8, 0, 0x40dd000e0d5e5154},
        {9, 0, 0xc3b44f19eec5c1ef},
        {15, 0, 0x1e152bb8c1ea1999},
        {16, 0, 0xa305178c3c576aee},
        {16, 0x1, 0xbec76ab9ee397c47},
        {16, 0xfedcba9876543210, 0x60a3d662a176ec93},
        {17, 0, 0xcfecd5c878532424},
        {24, 0, 0x00ee9e7948dbf17f},
        {31, 0, 0xd7e7eb4989c8003c},
        {32, 0, 0x3e452c3b74e9fc68},
        {33, 0, 0xbf54989063cc8b34},
        {48, 0, 0x11bd2cf161d6b1e0},
        {49, 0, 0x2781f5a611ee97b9},
        {63, 0, 0x1c4dc9eb150e42b8},
        {64, 0, 0xd53e5d920317fa68},
        {64, 0x1, 0x4510d2bdefe553a0},
        {64, 0xfedcba9876543210, 0x93efb2b1579bf8c6},
        {65, 0, 0xeac78a104761a565},
        {96, 0, 0x94d62a44fd0ca9c1},
        {97, 0, 0x2df9457e46ac6284},
        {100, 0, 0x4acfff33e206b796},
        {128, 0, 0xcc208d0245b31403},
        {200, 0, 0x57a3405f124db56f},
        {200, 0x1, 0xc39e7500a709a435},
        {200, 0xfedcba9876543210, 0x7af7b1ead87d9fc3},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        if (hash_bytes(bytes, rows[i].len, rows[i].seed) != rows[i].hash)
            fail_msg("of %zu bytes with seed %llx: 0x%016llx", rows[i].len, (unsigned long long)rows[i].seed,
                     (unsigned long long)hash_bytes(bytes, rows[i].len, rows[i].seed));
    assert_true(hash_bytes("", 0, 0) == hash_bytes(NULL, 0, 0));
}

TEST(an_address_means_nothing) {
    for (size_t len = 0; len <= LEN_MOST; len++) {
        unsigned char moved[LEN_MOST + 16];
        for (size_t at = 0; at < 9; at++) {
            memcpy(moved + at, bytes, len);
            assert_true(hash_bytes(moved + at, len, 5) == hash_bytes(bytes, len, 5));
        }
    }
}

/* The bytes end before, and begin after, a page that nobody may touch. */
TEST(nothing_else_is_read) {
    size_t page_len = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 3 * page_len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(pages != MAP_FAILED);
    assert_int_equal(mprotect(pages + page_len, page_len, PROT_READ | PROT_WRITE), 0);
    for (size_t len = 0; len <= 100; len++) {
        char *last = pages + 2 * page_len - len, *first = pages + page_len;
        uint64_t hash = hash_bytes(bytes, len, 9);
        memcpy(last, bytes, len);
        assert_true(hash_bytes(last, len, 9) == hash);
        memcpy(first, bytes, len);
        assert_true(hash_bytes(first, len, 9) == hash);
    }
    munmap(pages, 3 * page_len);
}

/* A flip of any bit flips about half of the 64. */
static int flipped(uint64_t a, uint64_t b) {
    return __builtin_popcountll(a ^ b);
}

static void assert_mixed(long flips, long count) {
    assert_in_range(flips, count * 31, count * 33);
}

TEST(every_bit_counts) {
    long flips = 0, count = 0;
    for (size_t len = 1; len <= 100; len++) {
        uint64_t hash = hash_bytes(bytes, len, len);
        for (size_t bit = 0; bit < len * 8; bit++, count++) {
            bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
            int n = flipped(hash, hash_bytes(bytes, len, len));
            bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
            assert_in_range(n, 8, 56);
            flips += n;
        }
    }
    assert_mixed(flips, count);
}

TEST(the_seed_counts) {
    long flips = 0, count = 0;
    for (size_t len = 0; len <= 100; len++) {
        for (int bit = 0; bit < 64; bit++, count++) {
            int n = flipped(hash_bytes(bytes, len, 77), hash_bytes(bytes, len, 77 ^ 1ull << bit));
            assert_in_range(n, 8, 56);
            flips += n;
        }
    }
    assert_mixed(flips, count);
}

/* `word` at `at` hides neither a seed that nobody knows nor a byte. */
static void assert_all_seen(uint64_t word, size_t at) {
    const uint64_t seed = 0x9e3779b97f4a7c15;
    unsigned char chosen[CHOSEN_LEN];
    memcpy(chosen, bytes, sizeof chosen);
    for (size_t i = 0; i < 8; i++)
        chosen[at + i] = (unsigned char)(word >> 8 * i);
    uint64_t hash = hash_bytes(chosen, sizeof chosen, seed);
    for (int bit = 0; bit < 64; bit++)
        assert_true(hash_bytes(chosen, sizeof chosen, seed ^ 1ull << bit) != hash);
    for (size_t bit = 0; bit < 8 * sizeof chosen; bit++) {
        chosen[bit / 8] ^= (unsigned char)(1u << bit % 8);
        assert_true(hash_bytes(chosen, sizeof chosen, seed) != hash);
        chosen[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
}

/* The hash's own constants, sent in the right place, make a factor 0, 1 or -1, whose products say little. */
TEST(no_bytes_blind_it) {
    static const uint64_t constants[] = {0xa0761d6478bd642f, 0xe7037ed1a0b428db, 0x8ebc6af09c88c6e3,
                                         0x589965cc75374cc3};
    static const uint64_t factors[] = {0, 1, UINT64_MAX};
    for (size_t i = 0; i < COUNT(constants) * COUNT(factors); i++)
        for (size_t at = 0; at <= CHOSEN_LEN - 8; at++)
            assert_all_seen(constants[i % COUNT(constants)] ^ factors[i / COUNT(constants)], at);
}

/* Zeros hide nothing: not how many they are, nor where the one in them stands. */
TEST(zeros_differ) {
    static uint64_t hashes[1000];
    unsigned char zeros[LEN_MOST] = {0};
    size_t count = 0;
    for (size_t len = 0; len < LEN_MOST; len++)
        hashes[count++] = hash_bytes(zeros, len, 0);
    for (size_t i = 0; i < LEN_MOST; i++) {
        zeros[i] = 1;
        hashes[count++] = hash_bytes(zeros, LEN_MOST, 0);
        zeros[i] = 0;
    }
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            assert_true(hashes[i] != hashes[j]);
}

/* Names in a row fill the buckets of a table evenly, by the low bits and by the high. */
TEST(names_spread) {
    enum { NAMES = 64 * 1024, BUCKETS = 256, FAIR = NAMES / BUCKETS };
    static int low[BUCKETS], high[BUCKETS];
    for (int i = 0; i < NAMES; i++) {
        char name[32];
        int len = snprintf(name, sizeof name, "img/photo-%d.jpg", i);
        uint64_t hash = hash_bytes(name, (size_t)len, 0x1234);
        low[hash % BUCKETS]++;
        high[hash >> 56]++;
    }
    for (int i = 0; i < BUCKETS; i++) {
        assert_in_range(low[i], FAIR - FAIR / 3, FAIR + FAIR / 3);
        assert_in_range(high[i], FAIR - FAIR / 3, FAIR + FAIR / 3);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_what_they_were),
        cmocka_unit_test(an_address_means_nothing),
        cmocka_unit_test(nothing_else_is_read),
        cmocka_unit_test(every_bit_counts),
        cmocka_unit_test(the_seed_counts),
        cmocka_unit_test(no_bytes_blind_it),
        cmocka_unit_test(zeros_differ),
        cmocka_unit_test(names_spread),
    };
    return cmocka_run_group_tests(tests, fill_bytes, NULL);
}
