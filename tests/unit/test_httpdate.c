/* HTTP dates: the three forms, the calendar, and a round trip over every day that can be written. */
#include "base/httpdate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { NOW = 1753000000 }; /* 2025-07-20 08:26:40 */
#define LAST INT64_C(253402300799)

static const struct {
    struct slice text;
    int64_t seconds;
} good[] = {
    /* RFC 9110 5.6.7: the three forms of its example */
    {SLICE("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777},
    {SLICE("Sunday, 06-Nov-94 08:49:37 GMT"), 784111777},
    {SLICE("Sun Nov  6 08:49:37 1994"), 784111777},
    {SLICE("Wed Nov 16 08:49:37 1994"), 784975777},
    {SLICE("Sun Nov 06 08:49:37 1994"), 784111777}, /* date3 = month SP ( 2DIGIT / ( SP 1DIGIT )) */
    {SLICE("Thu, 01 Jan 1970 00:00:00 GMT"), 0},
    {SLICE("Fri, 31 Dec 9999 23:59:59 GMT"), LAST},
    {SLICE("Wed, 31 Dec 1969 23:59:59 GMT"), -1},
    {SLICE("Mon, 01 Jan 0001 00:00:00 GMT"), -INT64_C(62135596800)},
    {SLICE("Tue, 29 Feb 2000 12:00:00 GMT"), 951825600},
    {SLICE("Thu, 29 Feb 2024 23:59:59 GMT"), 1709251199},
    {SLICE("Sat, 01 Mar 1900 00:00:00 GMT"), -INT64_C(2203891200)},
    {SLICE("Tue, 19 Jan 2038 03:14:08 GMT"), INT64_C(2147483648)},
    {SLICE("Mon, 06 Nov 1994 08:49:37 GMT"), 784111777},  /* not that day of the week */
    {SLICE("Tue, 30 Jun 2015 23:59:60 GMT"), 1435708800}, /* a leap second */
    {SLICE("Tuesday, 30-Jun-15 23:59:60 GMT"), 1435708800},
    {SLICE("Wednesday, 01-Jan-25 00:00:00 GMT"), 1735689600},
    {SLICE("Monday, 29-Feb-16 00:00:00 GMT"), 1456704000},
};

static const struct slice bad[] = {
    SLICE(""),
    SLICE("0"),
    SLICE("GMT"),
    SLICE("1994-11-06T08:49:37Z"),
    SLICE("Sun, 06 Nov 1994 08:49:37"), /* no GMT */
    SLICE("Sun, 06 Nov 1994 08:49:37 "),
    SLICE("Sun, 06 Nov 1994 08:49:37 UTC"),
    SLICE("Sun, 06 Nov 1994 08:49:37 +0000"),
    SLICE("Sun, 06 Nov 1994 08:49:37 GMT "), /* more after it */
    SLICE("Sun, 06 Nov 1994 08:49:37 GMT; length=5"),
    SLICE(" Sun, 06 Nov 1994 08:49:37 GMT"),
    SLICE("Sun, 06 Nov 1994 08:49:37 GMT\0"),
    SLICE("Sun, 6 Nov 1994 08:49:37 GMT"), /* day = 2DIGIT */
    SLICE("Sun,  6 Nov 1994 08:49:37 GMT"),
    SLICE("Sun, 06 Nov 94 08:49:37 GMT"),
    SLICE("Sun, 06 Nov 01994 08:49:37 GMT"),
    SLICE("Sun, 06 Nov -994 08:49:37 GMT"),
    SLICE("Sun, 06 Nov 1994 8:49:37 GMT"),
    SLICE("Sun, 06 Nov 1994 08:49 GMT"),
    SLICE("Sun, 06 Nov 1994 08.49.37 GMT"),
    SLICE("Sun, 06 Nov 1994  08:49:37 GMT"),
    SLICE("Sun 06 Nov 1994 08:49:37 GMT"),
    SLICE("Sun, 06-Nov-1994 08:49:37 GMT"),
    SLICE("06 Nov 1994 08:49:37 GMT"),
    SLICE("sun, 06 Nov 1994 08:49:37 GMT"), /* case-sensitive */
    SLICE("Sun, 06 nov 1994 08:49:37 GMT"),
    SLICE("Sun, 06 NOV 1994 08:49:37 GMT"),
    SLICE("Sun, 06 Nov 1994 08:49:37 gmt"),
    SLICE("Xyz, 06 Nov 1994 08:49:37 GMT"), /* unknown names */
    SLICE("Sun, 06 Xyz 1994 08:49:37 GMT"),
    SLICE("Sunday, 06 Nov 1994 08:49:37 GMT"), /* a name of another form */
    SLICE("Sun, 06-Nov-94 08:49:37 GMT"),
    SLICE("Sunday Nov  6 08:49:37 1994"),
    SLICE("Sunday, 6-Nov-94 08:49:37 GMT"),
    SLICE("Sunday, 06-Nov-94 08:49:37"),
    SLICE("Sunday, 06-Nov-94 08:49:37 GMT+1"),
    SLICE("Sunday, 06-November-94 08:49:37 GMT"),
    SLICE("Sun Nov 6 08:49:37 1994"),
    SLICE("Sun Nov  06 08:49:37 1994"),
    SLICE("Sun Nov  6 08:49:37 1994 GMT"),
    SLICE("Sun Nov  6 08:49:37 94"),
    SLICE("Sun Nov  6 1994 08:49:37"),
    SLICE("Tue, 30 Feb 1999 00:00:00 GMT"), /* not in the calendar */
    SLICE("Mon, 29 Feb 1999 00:00:00 GMT"),
    SLICE("Thu, 29 Feb 1900 00:00:00 GMT"),
    SLICE("Mon, 29 Feb 2100 00:00:00 GMT"),
    SLICE("Monday, 29-Feb-15 00:00:00 GMT"),
    SLICE("Mon Feb 29 00:00:00 1999"),
    SLICE("Sun, 00 Nov 1994 00:00:00 GMT"),
    SLICE("Sun Nov  0 00:00:00 1994"),
    SLICE("Sun, 32 Jan 1994 00:00:00 GMT"),
    SLICE("Sun, 31 Apr 1994 00:00:00 GMT"),
    SLICE("Sun, 31 Nov 1994 00:00:00 GMT"),
    SLICE("Sun, 06 Nov 0000 00:00:00 GMT"),
    SLICE("Sun, 06 Nov 1994 24:00:00 GMT"),
    SLICE("Sun, 06 Nov 1994 00:60:00 GMT"),
    SLICE("Sun, 06 Nov 1994 00:00:61 GMT"),
};

static void test_good(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        int64_t seconds = 42;
        if (!httpdate_parse(good[i].text, NOW, &seconds))
            fail_msg("%s: refused", good[i].text.at);
        if (seconds != good[i].seconds)
            fail_msg("%s: %lld", good[i].text.at, (long long)seconds);
    }
}

static void test_bad(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        int64_t seconds;
        if (httpdate_parse(bad[i], NOW, &seconds))
            fail_msg("%s: accepted", bad[i].at);
    }
    int64_t seconds;
    assert_false(httpdate_parse((struct slice){NULL, 0}, NOW, &seconds));
}

/* Nothing that is cut short is a date, nor is one with any byte changed to one outside the grammar. */
static void test_damaged(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        char copy[40];
        int64_t seconds;
        struct slice text = good[i].text;
        for (size_t len = 0; len < text.len; len++)
            assert_false(httpdate_parse((struct slice){text.at, len}, NOW, &seconds));
        for (size_t at = 0; at < text.len; at++) {
            memcpy(copy, text.at, text.len);
            copy[at] = '?';
            assert_false(httpdate_parse((struct slice){copy, text.len}, NOW, &seconds));
        }
    }
}

static const struct {
    const char *now, *text, *meant;
} two_digit_years[] = {
    /* RFC 9110 5.6.7: more than 50 years ahead is the most recent such year in the past */
    {"Sun, 20 Jul 2025 12:00:00 GMT", "Sunday, 20-Jul-25 12:00:00 GMT", "Sun, 20 Jul 2025 12:00:00 GMT"},
    {"Sun, 20 Jul 2025 12:00:00 GMT", "Sunday, 20-Jul-75 12:00:00 GMT", "Sat, 20 Jul 2075 12:00:00 GMT"},
    {"Sun, 20 Jul 2025 12:00:00 GMT", "Sunday, 20-Jul-75 12:00:01 GMT", "Sun, 20 Jul 1975 12:00:01 GMT"},
    {"Sun, 20 Jul 2025 12:00:00 GMT", "Sunday, 21-Jul-75 00:00:00 GMT", "Mon, 21 Jul 1975 00:00:00 GMT"},
    {"Sun, 20 Jul 2025 12:00:00 GMT", "Sunday, 31-Jan-75 23:59:59 GMT", "Thu, 31 Jan 2075 23:59:59 GMT"},
    {"Sun, 20 Jul 2025 12:00:00 GMT", "Sunday, 01-Jan-76 00:00:00 GMT", "Thu, 01 Jan 1976 00:00:00 GMT"},
    {"Sun, 20 Jul 2025 12:00:00 GMT", "Sunday, 01-Jan-00 00:00:00 GMT", "Sat, 01 Jan 2000 00:00:00 GMT"},
    {"Sun, 20 Jul 2025 12:00:00 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT"},
    {"Fri, 31 Dec 1999 23:59:59 GMT", "Sunday, 01-Jan-00 00:00:00 GMT", "Sat, 01 Jan 2000 00:00:00 GMT"},
    {"Fri, 31 Dec 1999 23:59:59 GMT", "Sunday, 01-Jan-70 00:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT"},
    {"Sun, 20 Jul 2090 12:00:00 GMT", "Sunday, 01-Jan-10 00:00:00 GMT", "Wed, 01 Jan 2110 00:00:00 GMT"},
    {"Thu, 01 Jan 1970 00:00:00 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT"},
    /* the leap day is one of the year that is meant */
    {"Sun, 20 Jul 2025 12:00:00 GMT", "Tuesday, 29-Feb-00 00:00:00 GMT", "Tue, 29 Feb 2000 00:00:00 GMT"},
    {"Sun, 20 Jul 2090 12:00:00 GMT", "Tuesday, 29-Feb-00 00:00:00 GMT", NULL},
};

static void test_two_digit_years(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(two_digit_years); i++) {
        int64_t now, seconds, meant;
        assert_true(httpdate_parse(slice_of(two_digit_years[i].now), 0, &now));
        bool read = httpdate_parse(slice_of(two_digit_years[i].text), now, &seconds);
        assert_int_equal(read, two_digit_years[i].meant != NULL);
        if (!read)
            continue;
        assert_true(httpdate_parse(slice_of(two_digit_years[i].meant), 0, &meant));
        if (seconds != meant)
            fail_msg("row %zu: %lld, not %lld", i, (long long)seconds, (long long)meant);
    }
}

static void check_format(int64_t seconds, const char *want) {
    char out[HTTPDATE_LEN + 1];
    memset(out, '#', sizeof out);
    httpdate_format(seconds, out);
    assert_memory_equal(out, want, HTTPDATE_LEN);
    assert_int_equal(out[HTTPDATE_LEN], '#');
}

static void test_format(void **state) {
    (void)state;
    check_format(784111777, "Sun, 06 Nov 1994 08:49:37 GMT");
    check_format(0, "Thu, 01 Jan 1970 00:00:00 GMT");
    check_format(951825600, "Tue, 29 Feb 2000 12:00:00 GMT");
    check_format(INT64_C(4107542399), "Sun, 28 Feb 2100 23:59:59 GMT");
    check_format(INT64_C(4107542400), "Mon, 01 Mar 2100 00:00:00 GMT");
    check_format(LAST, "Fri, 31 Dec 9999 23:59:59 GMT");
    check_format(LAST + 1, "Fri, 31 Dec 9999 23:59:59 GMT");
    check_format(INT64_MAX, "Fri, 31 Dec 9999 23:59:59 GMT");
    check_format(-1, "Thu, 01 Jan 1970 00:00:00 GMT");
    check_format(INT64_MIN, "Thu, 01 Jan 1970 00:00:00 GMT");
}

/* Walks the calendar day by day the way one is taught to, beside the arithmetic; each day at another time of day. */
static void test_every_day(void **state) {
    (void)state;
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = 1970, month = 0, day = 1;
    for (int64_t number = 0; year <= 9999; number++) {
        int time = (int)(number * 7919 % 86400);
        int64_t seconds = number * 86400 + time, read = -1;
        char want[64], out[HTTPDATE_LEN];
        int len = snprintf(want, sizeof want, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[(number + 4) % 7], day,
                           months[month], year, time / 3600, time / 60 % 60, time % 60);
        httpdate_format(seconds, out);
        assert_int_equal(len, HTTPDATE_LEN);
        if (memcmp(out, want, HTTPDATE_LEN) != 0)
            fail_msg("%.*s, not %s", HTTPDATE_LEN, out, want);
        if (!httpdate_parse((struct slice){out, HTTPDATE_LEN}, NOW, &read) || read != seconds)
            fail_msg("%s: %lld", want, (long long)read);
        len = snprintf(want, sizeof want, "%s %s %2d %02d:%02d:%02d %04d", days[(number + 4) % 7], months[month], day,
                       time / 3600, time / 60 % 60, time % 60, year);
        if (!httpdate_parse((struct slice){want, (size_t)len}, NOW, &read) || read != seconds)
            fail_msg("%s: %lld", want, (long long)read);

        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        if (++day > month_days[month] + (leap && month == 1)) {
            day = 1;
            if (++month == 12)
                month = 0, year++;
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),   cmocka_unit_test(test_bad),       cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_format), cmocka_unit_test(test_every_day), cmocka_unit_test(test_two_digit_years),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
