/* Years are counted from the first of March, so that the leap day is a year's last day and every month's start follows
   from one linear formula; 400 years are 146097 days. */
#include "base/calendar.h"

enum {
    DAY_SECONDS = 86400,
    ERA_DAYS = 146097,          /* in 400 years */
    DAYS_BEFORE_EPOCH = 719468, /* from 0000-03-01 to 1970-01-01 */
};

const char *const calendar_months[12] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct calendar calendar_of(int64_t seconds) {
    int rest = (int)(seconds % DAY_SECONDS);
    int days = (int)(seconds / DAY_SECONDS) + DAYS_BEFORE_EPOCH;
    int era = days / ERA_DAYS, in_era = days % ERA_DAYS;
    int year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int in_year = in_era - (365 * year + year / 4 - year / 100);
    int month = (5 * in_year + 2) / 153; /* from March */
    int day = in_year - (153 * month + 2) / 5 + 1;
    struct calendar c = {.month = month < 10 ? month + 3 : month - 9, .day = day};
    c.year = era * 400 + year + (c.month <= 2);
    c.hour = rest / 3600;
    c.minute = rest / 60 % 60;
    c.second = rest % 60;
    return c;
}

int64_t calendar_seconds(const struct calendar *c) {
    int year = c->year - (c->month <= 2);
    int in_era = year % 400;
    int month = c->month > 2 ? c->month - 3 : c->month + 9;
    int in_year = (153 * month + 2) / 5 + c->day - 1;
    int64_t days = (int64_t)(year / 400) * ERA_DAYS + 365 * in_era + in_era / 4 - in_era / 100 + in_year;
    return (days - DAYS_BEFORE_EPOCH) * DAY_SECONDS + c->hour * 3600 + c->minute * 60 + c->second;
}

void calendar_put(char *out, int value, int count) {
    for (int i = count - 1; i >= 0; i--, value /= 10)
        out[i] = (char)('0' + value % 10);
}
