/* The three forms are written in strptime's letters and read by one small interpreter. */
#include "base/httpdate.h"
#include "base/calendar.h"

enum {
    DAY_SECONDS = 86400,
    FORWARD_YEARS = 50, /* RFC 9110 5.6.7: a two-digit year further ahead than this is in the past */
};

static const char *const day_names[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

void httpdate_format(int64_t seconds, char *out) {
    seconds = calendar_clamp(seconds);
    struct calendar c = calendar_of(seconds);
    memcpy(out, "Sun, 06 Nov 1994 08:49:37 GMT", HTTPDATE_LEN);
    memcpy(out, day_names[(seconds / DAY_SECONDS + 4) % 7], 3); /* the epoch was a Thursday */
    calendar_put(out + 5, c.day, 2);
    memcpy(out + 8, calendar_months[c.month - 1], 3);
    calendar_put(out + 12, c.year, 4);
    calendar_put(out + 17, c.hour, 2);
    calendar_put(out + 20, c.minute, 2);
    calendar_put(out + 23, c.second, 2);
}

/* Exactly `count` digits. */
static bool take_digits(struct slice *text, size_t count, int *value) {
    if (text->len < count)
        return false;
    *value = 0;
    for (size_t i = 0; i < count; i++) {
        char c = text->at[i];
        if (c < '0' || c > '9')
            return false;
        *value = *value * 10 + (c - '0');
    }
    *text = slice_from(*text, count);
    return true;
}

/* One of the names or its first `len` letters (0: the whole name); *number counts from 1. Case matters (5.6.7). */
static bool take_name(struct slice *text, const char *const *names, int count, size_t len, int *number) {
    for (int i = 0; i < count; i++) {
        struct slice name = {names[i], len > 0 ? len : strlen(names[i])};
        if (slice_starts(*text, name)) {
            *text = slice_from(*text, name.len);
            *number = i + 1;
            return true;
        }
    }
    return false;
}

static bool take_padded_day(struct slice *text, int *day) {
    if (text->len == 0 || text->at[0] != ' ')
        return take_digits(text, 2, day);
    *text = slice_from(*text, 1);
    return take_digits(text, 1, day);
}

static bool take_field(struct slice *text, char letter, struct calendar *c) {
    int weekday;
    switch (letter) {
    case 'a':
        return take_name(text, day_names, 7, 3, &weekday);
    case 'A':
        return take_name(text, day_names, 7, 0, &weekday);
    case 'b':
        return take_name(text, calendar_months, 12, 0, &c->month);
    case 'd':
        return take_digits(text, 2, &c->day);
    case 'e':
        return take_padded_day(text, &c->day);
    case 'H':
        return take_digits(text, 2, &c->hour);
    case 'M':
        return take_digits(text, 2, &c->minute);
    case 'S':
        return take_digits(text, 2, &c->second);
    case 'y':
        return take_digits(text, 2, &c->year);
    default:
        return take_digits(text, 4, &c->year);
    }
}

static bool read_form(struct slice text, const char *form, struct calendar *c) {
    for (; *form; form++) {
        if (*form == '%') {
            if (!take_field(&text, *++form, c))
                return false;
        } else {
            if (text.len == 0 || text.at[0] != *form)
                return false;
            text = slice_from(text, 1);
        }
    }
    return text.len == 0;
}

/* Where a moment lies within its year, for comparing only. */
static int64_t order_in_year(const struct calendar *c) {
    return ((((int64_t)c->month * 32 + c->day) * 24 + c->hour) * 60 + c->minute) * 61 + c->second;
}

/* The latest year with these two digits that isn't more than FORWARD_YEARS ahead. */
static int full_year(const struct calendar *c, int64_t now_seconds) {
    struct calendar now = calendar_of(calendar_clamp(now_seconds));
    int limit = now.year + FORWARD_YEARS;
    int year = limit - limit % 100 + c->year;
    if (year > limit || (year == limit && order_in_year(c) > order_in_year(&now)))
        year -= 100;
    return year;
}

static bool in_calendar(const struct calendar *c) {
    static const int month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (c->year % 4 == 0 && c->year % 100 != 0) || c->year % 400 == 0;
    if (c->year < 1 || c->day < 1 || c->day > month_days[c->month - 1])
        return false;
    if (c->month == 2 && c->day == 29 && !leap)
        return false;
    return c->hour <= 23 && c->minute <= 59 && c->second <= 60;
}

bool httpdate_parse(struct slice text, int64_t now_seconds, int64_t *seconds) {
    struct calendar c;
    if (read_form(text, "%A, %d-%b-%y %H:%M:%S GMT", &c))
        c.year = full_year(&c, now_seconds);
    else if (!read_form(text, "%a, %d %b %Y %H:%M:%S GMT", &c) && !read_form(text, "%a %b %e %H:%M:%S %Y", &c))
        return false;
    if (!in_calendar(&c))
        return false;
    *seconds = calendar_seconds(&c);
    return true;
}
