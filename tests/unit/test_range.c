/* Byte ranges: the grammar, the limits, and all small cases against a reference that marks bytes. */
#include "protocol/range.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NINES20 "99999999999999999999"
#define NINES100 NINES20 NINES20 NINES20 NINES20 NINES20
#define ZEROS20 "00000000000000000000"
#define GIB (UINT64_C(1) << 30)

static const struct {
    struct slice value;
    uint64_t size;
    enum range_result result;
    int count;
    struct range ranges[4];
} rows[] = {
    /* RFC 9110 14.1.2: its examples, for 10000 bytes */
    {SLICE("bytes=0-499"), 10000, RANGE_SOME, 1, {{0, 500}}},
    {SLICE("bytes=500-999"), 10000, RANGE_SOME, 1, {{500, 500}}},
    {SLICE("bytes=-500"), 10000, RANGE_SOME, 1, {{9500, 500}}},
    {SLICE("bytes=9500-"), 10000, RANGE_SOME, 1, {{9500, 500}}},
    {SLICE("bytes=0-0,-1"), 10000, RANGE_SOME, 2, {{0, 1}, {9999, 1}}},
    {SLICE("bytes= 0-999, 4500-5499, -1000"), 10000, RANGE_SOME, 3, {{0, 1000}, {4500, 1000}, {9000, 1000}}},
    {SLICE("bytes=500-600,601-999"), 10000, RANGE_SOME, 1, {{500, 500}}},
    {SLICE("bytes=500-700,601-999"), 10000, RANGE_SOME, 1, {{500, 500}}},
    /* 14.1.2: clamped to the size */
    {SLICE("bytes=0-"), 10, RANGE_SOME, 1, {{0, 10}}},
    {SLICE("bytes=0-9"), 10, RANGE_SOME, 1, {{0, 10}}},
    {SLICE("bytes=0-10"), 10, RANGE_SOME, 1, {{0, 10}}},
    {SLICE("bytes=9-9"), 10, RANGE_SOME, 1, {{9, 1}}},
    {SLICE("bytes=9-"), 10, RANGE_SOME, 1, {{9, 1}}},
    {SLICE("bytes=-1"), 10, RANGE_SOME, 1, {{9, 1}}},
    {SLICE("bytes=-10"), 10, RANGE_SOME, 1, {{0, 10}}},
    {SLICE("bytes=-11"), 10, RANGE_SOME, 1, {{0, 10}}},
    {SLICE("bytes=007-0008"), 10, RANGE_SOME, 1, {{7, 2}}},
    /* 14.1.2, 15.5.17: unsatisfiable */
    {SLICE("bytes=10-"), 10, RANGE_UNSATISFIABLE, 0, {{0}}},
    {SLICE("bytes=10-20"), 10, RANGE_UNSATISFIABLE, 0, {{0}}},
    {SLICE("bytes=-0"), 10, RANGE_UNSATISFIABLE, 0, {{0}}},
    {SLICE("bytes=-000"), 10, RANGE_UNSATISFIABLE, 0, {{0}}},
    {SLICE("bytes=10-,-0,11-12"), 10, RANGE_UNSATISFIABLE, 0, {{0}}},
    {SLICE("bytes=10-,-0,2-3,99-"), 10, RANGE_SOME, 1, {{2, 2}}},
    /* 14.2: a range of nothing is ignored */
    {SLICE("bytes=0-"), 0, RANGE_IGNORE, 0, {{0}}},
    {SLICE("bytes=0-0"), 0, RANGE_IGNORE, 0, {{0}}},
    {SLICE("bytes=-1"), 0, RANGE_IGNORE, 0, {{0}}},
    {SLICE("bytes=-0"), 0, RANGE_IGNORE, 0, {{0}}},
    {SLICE("bytes=5-9,20-"), 0, RANGE_IGNORE, 0, {{0}}},
    /* 14.1: the unit is case-insensitive; another unit is ignored (14.2) */
    {SLICE("BYTES=0-0"), 10, RANGE_SOME, 1, {{0, 1}}},
    {SLICE("Bytes=0-0"), 10, RANGE_SOME, 1, {{0, 1}}},
    {SLICE("byte=0-0"), 10, RANGE_IGNORE, 0, {{0}}},
    {SLICE("bytess=0-0"), 10, RANGE_IGNORE, 0, {{0}}},
    {SLICE("lines=0-0"), 10, RANGE_IGNORE, 0, {{0}}},
    {SLICE("none"), 10, RANGE_IGNORE, 0, {{0}}},
    /* 14.1.1: malformed */
    {SLICE(""), 10, RANGE_IGNORE, 0, {{0}}},
    {SLICE("bytes"), 10, RANGE_IGNORE, 0, {{0}}},
    {SLICE("bytes="), 10, RANGE_IGNORE, 0, {{0}}},
    {SLICE("bytes=,"), 10, RANGE_IGNORE, 0, {{0}}},
    {SLICE("bytes= , ,"), 10, RANGE_IGNORE, 0, {{0}}},
    {SLICE("bytes=-"), 10, RANGE_IGNORE, 0, {{0}}},
    {SLICE("bytes=5"), 10, RANGE_IGNORE, 0, {{0}}},
    {SLICE("bytes=a-b"), 10, RANGE_IGNORE, 0, {{0}}},
    {SLICE("bytes=0x0-0x5"), 10, RANGE_IGNORE, 0, {{0}}},
    {SLICE("bytes=0-5a"), 10, RANGE_IGNORE, 0, {{0}}},
    {SLICE("bytes=0--5"), 10, RANGE_IGNORE, 0, {{0}}},
    {SLICE("bytes=--5"), 10, RANGE_IGNORE, 0, {{0}}},
    {SLICE("bytes=+0-5"), 10, RANGE_IGNORE, 0, {{0}}},
    {SLICE("bytes=0 - 5"), 10, RANGE_IGNORE, 0, {{0}}},
    {SLICE("bytes=0- 5"), 10, RANGE_IGNORE, 0, {{0}}},
    {SLICE("bytes=0-1 2-3"), 10, RANGE_IGNORE, 0, {{0}}},
    {SLICE("bytes=0-1;2-3"), 10, RANGE_IGNORE, 0, {{0}}},
    {SLICE("bytes=0-1-2"), 10, RANGE_IGNORE, 0, {{0}}},
    {SLICE("bytes =0-1"), 10, RANGE_IGNORE, 0, {{0}}},
    {SLICE("bytes:0-1"), 10, RANGE_IGNORE, 0, {{0}}},
    {SLICE("bytes=0-1,x"), 10, RANGE_IGNORE, 0, {{0}}},
    {SLICE("bytes=0-1,bytes=2-3"), 10, RANGE_IGNORE, 0, {{0}}},
    {SLICE("bytes=0-1\0"), 10, RANGE_IGNORE, 0, {{0}}},
    /* 14.1.1: one with first > last makes all of them invalid */
    {SLICE("bytes=5-4"), 10, RANGE_IGNORE, 0, {{0}}},
    {SLICE("bytes=0-1,5-4"), 10, RANGE_IGNORE, 0, {{0}}},
    {SLICE("bytes=99-98"), 10, RANGE_IGNORE, 0, {{0}}},
    {SLICE("bytes=10-9"), 10, RANGE_IGNORE, 0, {{0}}},
    /* 5.6.1.2: empty elements, and white space around commas */
    {SLICE("bytes=0-0 , 2-2\t,\t4-4"), 10, RANGE_SOME, 3, {{0, 1}, {2, 1}, {4, 1}}},
    {SLICE("bytes=,,0-0,,2-2,"), 10, RANGE_SOME, 2, {{0, 1}, {2, 1}}},
    /* 15.3.7.2: the order that was asked for; joined where they overlap or touch */
    {SLICE("bytes=8-,0-1"), 10, RANGE_SOME, 2, {{8, 2}, {0, 2}}},
    {SLICE("bytes=4-5,0-1,2-3"), 10, RANGE_SOME, 1, {{0, 6}}},
    {SLICE("bytes=0-1,8-9,2-3"), 10, RANGE_SOME, 2, {{0, 4}, {8, 2}}},
    {SLICE("bytes=8-9,4-5,0-1,2-3"), 10, RANGE_SOME, 2, {{8, 2}, {0, 6}}},
    {SLICE("bytes=0-3,2-5"), 10, RANGE_SOME, 1, {{0, 6}}},
    {SLICE("bytes=0-3,0-3"), 10, RANGE_SOME, 1, {{0, 4}}},
    /* 15.3.7.2: more in sum than the whole is at most the whole once merged */
    {SLICE("bytes=0-,0-"), 10, RANGE_SOME, 1, {{0, 10}}},
    {SLICE("bytes=0-,-1"), 10, RANGE_SOME, 1, {{0, 10}}},
    {SLICE("bytes=0-4,5-9"), 10, RANGE_SOME, 1, {{0, 10}}},
    {SLICE("bytes=0-5,5-9"), 10, RANGE_SOME, 1, {{0, 10}}},
    {SLICE("bytes=0-,10-,-0"), 10, RANGE_SOME, 1, {{0, 10}}},
    /* 14.1.1: any number of digits */
    {SLICE("bytes=0-" NINES20), 10, RANGE_SOME, 1, {{0, 10}}},
    {SLICE("bytes=3-" NINES100), 10, RANGE_SOME, 1, {{3, 7}}},
    {SLICE("bytes=" NINES20 "-"), 10, RANGE_UNSATISFIABLE, 0, {{0}}},
    {SLICE("bytes=" NINES100 "-" NINES100), 10, RANGE_UNSATISFIABLE, 0, {{0}}},
    {SLICE("bytes=" NINES100 "-" NINES20), 10, RANGE_IGNORE, 0, {{0}}},
    {SLICE("bytes=" NINES20 "9-" NINES20 "8"), 10, RANGE_IGNORE, 0, {{0}}},
    {SLICE("bytes=-" NINES100), 10, RANGE_SOME, 1, {{0, 10}}},
    {SLICE("bytes=" ZEROS20 ZEROS20 "3-" ZEROS20 "4"), 10, RANGE_SOME, 1, {{3, 2}}},
    {SLICE("bytes=-" ZEROS20 "4"), 10, RANGE_SOME, 1, {{6, 4}}},
    {SLICE("bytes=18446744073709551615-"), 10, RANGE_UNSATISFIABLE, 0, {{0}}},
    {SLICE("bytes=0-18446744073709551615"), 10, RANGE_SOME, 1, {{0, 10}}},
    {SLICE("bytes=18446744073709551616-18446744073709551617"), 10, RANGE_UNSATISFIABLE, 0, {{0}}},
    {SLICE("bytes=4-18446744073709551618"), 10, RANGE_SOME, 1, {{4, 6}}}, /* 2 if it wrapped */
    /* beyond 4 GiB, and the largest there could be */
    {SLICE("bytes=4294967296-4294967297"), 5 * GIB, RANGE_SOME, 1, {{4 * GIB, 2}}},
    {SLICE("bytes=4294967295-4294967296"), 5 * GIB, RANGE_SOME, 1, {{4 * GIB - 1, 2}}},
    {SLICE("bytes=-1"), 5 * GIB, RANGE_SOME, 1, {{5 * GIB - 1, 1}}},
    {SLICE("bytes=5368709120-"), 5 * GIB, RANGE_UNSATISFIABLE, 0, {{0}}},
    {SLICE("bytes=0-0,-1"), INT64_MAX, RANGE_SOME, 2, {{0, 1}, {INT64_MAX - 1, 1}}},
    {SLICE("bytes=0-"), UINT64_MAX, RANGE_SOME, 1, {{0, UINT64_MAX}}},
    {SLICE("bytes=0-,0-"), UINT64_MAX, RANGE_SOME, 1, {{0, UINT64_MAX}}},
    {SLICE("bytes=1-,0-0"), UINT64_MAX, RANGE_SOME, 1, {{0, UINT64_MAX}}},
    {SLICE("bytes=18446744073709551614-"), UINT64_MAX, RANGE_SOME, 1, {{UINT64_MAX - 1, 1}}},
};

static void test_rows(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct range out[RANGE_COUNT_MAX];
        int count = -1;
        enum range_result result = range_parse(rows[i].value, rows[i].size, out, &count);
        if (result != rows[i].result || count != rows[i].count)
            fail_msg("%s: result %d, count %d", rows[i].value.at, (int)result, count);
        for (int k = 0; k < count; k++)
            if (out[k].first != rows[i].ranges[k].first || out[k].len != rows[i].ranges[k].len)
                fail_msg("%s: range %d", rows[i].value.at, k);
    }
    int count;
    assert_int_equal(range_parse((struct slice){NULL, 0}, 10, NULL, &count), RANGE_IGNORE);
}

/* As many ranges as are answered, and one more; those outside the file and those to be merged are counted too. */
static void test_count(void **state) {
    (void)state;
    static const struct {
        int first, step;
        enum range_result result;
    } kinds[] = {{0, 2, RANGE_SOME}, {100, 2, RANGE_UNSATISFIABLE}, {0, 1, RANGE_SOME}};
    for (size_t kind = 0; kind < COUNT(kinds); kind++) {
        for (int asked = 1; asked <= RANGE_COUNT_MAX + 2; asked++) {
            char value[512] = "bytes=";
            struct range out[RANGE_COUNT_MAX];
            int count;
            for (int i = 0, at = kinds[kind].first; i < asked; i++, at += kinds[kind].step)
                snprintf(value + strlen(value), sizeof value - strlen(value), "%s%d-%d", i ? "," : "", at, at);
            enum range_result result = range_parse(slice_of(value), 50, out, &count);
            assert_int_equal(result, asked <= RANGE_COUNT_MAX ? kinds[kind].result : RANGE_IGNORE);
            int apart = kinds[kind].step > 1 ? asked : 1;
            assert_int_equal(count, result == RANGE_SOME ? apart : 0);
        }
    }
}

struct spec {
    int first, last; /* -1: not given */
};

/* What the answer has to be, by marking bytes: every run of marked bytes is a range, in the place of the earliest
   spec that lies in it. */
static enum range_result reference(const struct spec *specs, int spec_count, int size, struct range *out, int *count) {
    bool marked[16] = {false}, answered[16] = {false};
    int firsts[4];
    *count = 0;
    for (int i = 0; i < spec_count; i++) {
        int first = specs[i].first, last = specs[i].last;
        if (first >= 0 && last >= 0 && first > last)
            return RANGE_IGNORE;
        if (first < 0)
            first = last < size ? size - last : 0, last = size - 1;
        if (last < 0 || last >= size)
            last = size - 1;
        firsts[i] = first <= last ? first : -1;
        for (int at = first; at <= last; at++)
            marked[at] = true;
    }
    for (int i = 0; i < spec_count; i++) {
        int first = firsts[i], len = 0;
        if (first < 0)
            continue;
        while (first > 0 && marked[first - 1])
            first--;
        while (first + len < size && marked[first + len])
            len++;
        if (!answered[first])
            out[(*count)++] = (struct range){(uint64_t)first, (uint64_t)len};
        answered[first] = true;
    }
    return size == 0 ? RANGE_IGNORE : *count > 0 ? RANGE_SOME : RANGE_UNSATISFIABLE;
}

static void check_against_reference(const struct spec *specs, int spec_count, int size) {
    char value[64] = "bytes=";
    size_t len = 6;
    for (int i = 0; i < spec_count; i++) { /* numbers here have one digit */
        if (i > 0)
            value[len++] = ',';
        if (specs[i].first >= 0)
            value[len++] = (char)('0' + specs[i].first);
        value[len++] = '-';
        if (specs[i].last >= 0)
            value[len++] = (char)('0' + specs[i].last);
    }
    struct range out[RANGE_COUNT_MAX], want[4];
    int count, want_count;
    enum range_result want_result = reference(specs, spec_count, size, want, &want_count);
    enum range_result result = range_parse((struct slice){value, len}, (uint64_t)size, out, &count);
    bool same = result == want_result && (result != RANGE_SOME || count == want_count);
    for (int i = 0; same && result == RANGE_SOME && i < count; i++)
        same = out[i].first == want[i].first && out[i].len == want[i].len;
    if (!same)
        fail_msg("%.*s of %d: result %d, not %d", (int)len, value, size, (int)result, (int)want_result);
}

static void test_brute_force(void **state) {
    (void)state;
    for (int size = 0; size <= 6; size++) {
        struct spec all[128];
        int all_count = 0;
        for (int first = -1; first <= size + 1; first++)
            for (int last = -1; last <= size + 1; last++)
                if (first >= 0 || last >= 0)
                    all[all_count++] = (struct spec){first, last};
        for (int a = 0; a < all_count; a++) {
            check_against_reference(&all[a], 1, size);
            for (int b = 0; b < all_count; b++) {
                check_against_reference((struct spec[]){all[a], all[b]}, 2, size);
                for (int c = 0; c < all_count; c++)
                    check_against_reference((struct spec[]){all[a], all[b], all[c]}, 3, size);
            }
        }
    }
}

/* Four single bytes and pairs in every order: what joins later bridges what was apart. */
static void test_bridges(void **state) {
    (void)state;
    enum { SIZE = 9, CHOICES = 2 * SIZE - 1 };
    for (int pick = 0; pick < CHOICES * CHOICES * CHOICES * CHOICES; pick++) {
        struct spec specs[4];
        int rest = pick;
        for (int i = 0; i < 4; i++, rest /= CHOICES) {
            int first = rest % CHOICES / 2;
            specs[i] = (struct spec){first, first + rest % CHOICES % 2};
        }
        check_against_reference(specs, 4, SIZE);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_count),
        cmocka_unit_test(test_brute_force),
        cmocka_unit_test(test_bridges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
