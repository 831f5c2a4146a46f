/* Dates, entity tags and what follows from them. Dates are held against the C library's calendar, tags and conditions
   against readings of RFC 9110 that take one step at a time. An input is a date, a list of tags, or the field lines of
   a request. */
#define _GNU_SOURCE
#include "base/bounds.h"
#include "base/httpdate.h"
#include "fuzz.h"
#include "protocol/conditional.h"
#include "protocol/etag.h"

#include <time.h>

static const struct slice tags[] = {{"\"a\"", 3}, {"\"\"", 2}, {"\"a,b\"", 5}, {"\"0123456789abcdef-1f\"", 21}};
static const int64_t moments[] = {0, 2, 784111777, 1700000000, 4102444800, 253402300799, -1, 951782400};

/* In `pattern` 9 stands for a digit, _ for any byte, any other byte for itself. */
static bool looks_like(struct slice s, const char *pattern) {
    if (s.len != strlen(pattern))
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (pattern[i] == '9' ? s.at[i] < '0' || s.at[i] > '9' : pattern[i] != '_' && s.at[i] != pattern[i])
            return false;
    return true;
}

static int number(const char *at, int len) {
    int value = 0;
    for (int i = 0; i < len; i++)
        value = value * 10 + (at[i] == ' ' ? 0 : at[i] - '0');
    return value;
}

/* The index of a name of `len` letters in a string of them; -1: not there. */
static int name_index(const char *names, const char *name, size_t len) {
    for (size_t i = 0; names[i]; i += len)
        if (memcmp(names + i, name, len) == 0)
            return (int)(i / len);
    return -1;
}

static bool reference_date(struct slice s, int64_t now_seconds, int64_t *seconds) {
    static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    static const char *const long_days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                            "Thursday", "Friday", "Saturday"};
    struct tm tm = {0};
    const char *time_at, *month_at;
    bool two_digits = false;
    if (looks_like(s, "___, 99 ___ 9999 99:99:99 GMT")) {
        time_at = s.at + 17, month_at = s.at + 8;
        tm.tm_mday = number(s.at + 5, 2), tm.tm_year = number(s.at + 12, 4);
    } else if (looks_like(s, "___ ___ 99 99:99:99 9999") || looks_like(s, "___ ___  9 99:99:99 9999")) {
        time_at = s.at + 11, month_at = s.at + 4;
        tm.tm_mday = number(s.at + 8, 2), tm.tm_year = number(s.at + 20, 4);
    } else {
        size_t comma = 0;
        int day = 0;
        while (comma < s.len && s.at[comma] != ',')
            comma++;
        while (day < 7 && !slice_equal((struct slice){s.at, comma}, slice_of(long_days[day])))
            day++;
        if (day == 7 || !looks_like(slice_from(s, comma), ", 99-___-99 99:99:99 GMT"))
            return false;
        two_digits = true;
        time_at = s.at + comma + 12, month_at = s.at + comma + 5;
        tm.tm_mday = number(s.at + comma + 2, 2), tm.tm_year = number(s.at + comma + 9, 2);
    }
    tm.tm_mon = name_index(months, month_at, 3);
    if (tm.tm_mon < 0 || (!two_digits && name_index(days, s.at, 3) < 0))
        return false;
    tm.tm_hour = number(time_at, 2), tm.tm_min = number(time_at + 3, 2), tm.tm_sec = number(time_at + 6, 2);
    if (tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
        return false;
    if (two_digits) { /* the latest such year that isn't more than 50 years ahead */
        time_t now = now_seconds < 0 ? 0 : now_seconds > 253402300799 ? 253402300799 : now_seconds;
        struct tm limit;
        gmtime_r(&now, &limit);
        int last = limit.tm_year + 1900 + 50, year = last - 99;
        while (year % 100 != tm.tm_year)
            year++;
        const int a[] = {tm.tm_mon, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec};
        const int b[] = {limit.tm_mon, limit.tm_mday, limit.tm_hour, limit.tm_min, limit.tm_sec};
        int order = 0;
        for (int i = 0; i < 5 && !order; i++)
            order = a[i] - b[i];
        tm.tm_year = year == last && order > 0 ? year - 100 : year;
    }
    if (tm.tm_year < 1)
        return false;
    tm.tm_year -= 1900;
    struct tm settled = tm;
    settled.tm_sec = 0;
    time_t minute = timegm(&settled);
    if (settled.tm_mday != tm.tm_mday || settled.tm_mon != tm.tm_mon)
        return false;
    *seconds = (int64_t)minute + tm.tm_sec;
    return true;
}

static bool check_date(struct slice text, int64_t now_seconds, int64_t *seconds) {
    int64_t wanted = 0;
    *seconds = 0;
    bool is_date = httpdate_parse(text, now_seconds, seconds);
    CHECK(is_date == reference_date(text, now_seconds, &wanted));
    CHECK(!is_date || *seconds == wanted);
    return is_date;
}

static void check_format(int64_t seconds) {
    char text[HTTPDATE_LEN], wanted[HTTPDATE_LEN + 1];
    int64_t again, clamped = seconds < 0 ? 0 : seconds > 253402300799 ? 253402300799 : seconds;
    time_t at = clamped;
    struct tm tm;
    httpdate_format(seconds, text);
    CHECK(strftime(wanted, sizeof wanted, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&at, &tm)) == HTTPDATE_LEN);
    CHECK(memcmp(text, wanted, HTTPDATE_LEN) == 0);
    CHECK(httpdate_parse((struct slice){text, HTTPDATE_LEN}, 0, &again) && again == clamped);
}

/* Whether the tag is in the list, which is read up to its first defect. */
static bool reference_list(struct slice list, struct slice tag, bool weak) {
    size_t i = 0;
    bool comma = true;
    while (i < list.len) {
        char c = list.at[i];
        if (c == ' ' || c == '\t') {
            i++;
        } else if (c == ',') {
            comma = true;
            i++;
        } else {
            bool is_weak = c == 'W' && i + 1 < list.len && list.at[i + 1] == '/';
            size_t first = i + (is_weak ? 2 : 0), end = first + 1;
            if (!comma || first >= list.len || list.at[first] != '"')
                return false;
            while (end < list.len && list.at[end] != '"' && (unsigned char)list.at[end] > 0x20 && list.at[end] != 0x7f)
                end++;
            if (end >= list.len || list.at[end] != '"')
                return false;
            if ((weak || !is_weak) && slice_equal((struct slice){list.at + first, end + 1 - first}, tag))
                return true;
            comma = false;
            i = end + 1;
        }
    }
    return false;
}

static bool check_list(struct slice list, struct slice tag, bool weak) {
    bool matches = etag_list_matches(list, tag, weak);
    CHECK(matches == reference_list(list, tag, weak));
    CHECK(!matches || weak || etag_list_matches(list, tag, true));
    return matches;
}

static bool named(const struct request *request, enum request_field field, struct slice tag, bool weak) {
    struct slice line;
    bool found = false;
    for (size_t cursor = 0; request_next_line(request, field, &cursor, &line);)
        found |= slice_equal(line, SLICE("*")) || check_list(line, tag, weak);
    return found;
}

static bool reference_changed(const struct validators *known, int64_t date) {
    return known->mtime > date || (known->stamped && known->mtime < date);
}

/* RFC 9110 13.2.2, step by step. */
static int reference_status(const struct request *request, const struct validators *known, int64_t now_seconds) {
    int64_t date;
    bool go_on = true;
    if (request_has(request, FIELD_IF_MATCH))
        go_on = named(request, FIELD_IF_MATCH, known->etag, false);
    else if (request_has(request, FIELD_IF_UNMODIFIED_SINCE) && known->dated)
        go_on = !check_date(request->fields[FIELD_IF_UNMODIFIED_SINCE], now_seconds, &date) ||
                !reference_changed(known, date);
    if (!go_on)
        return 412;
    if (request_has(request, FIELD_IF_NONE_MATCH))
        go_on = !named(request, FIELD_IF_NONE_MATCH, known->etag, true);
    else if (request_has(request, FIELD_IF_MODIFIED_SINCE) && known->dated)
        go_on =
            !check_date(request->fields[FIELD_IF_MODIFIED_SINCE], now_seconds, &date) || reference_changed(known, date);
    return go_on ? 0 : 304;
}

static void check_request(struct slice bytes, const struct validators *known, int64_t now_seconds) {
    struct request request;
    size_t head_len;
    int64_t date;
    if (request_parse(bytes.at, bytes.len, HEAD_MAX_DEFAULT, &request, &head_len) != 0)
        return;
    CHECK(conditional_status(&request, known, now_seconds) == reference_status(&request, known, now_seconds));
    bool range = true;
    if (request_has(&request, FIELD_IF_RANGE)) {
        struct slice value = request.fields[FIELD_IF_RANGE];
        range = slice_equal(value, known->etag) ||
                (known->dated && check_date(value, now_seconds, &date) && date == known->mtime);
    }
    CHECK(conditional_range(&request, known, now_seconds) == range);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char before[] = "GET / HTTP/1.1\r\nHost: a\r\n", after[] = "\r\n\r\n";
    static struct room room;
    struct input input = {data, data + size};
    unsigned kind = input_byte(&input), which = input_byte(&input);
    struct validators known = {
        .etag = tags[kind >> 2 & 3], .dated = !(kind & 16), .stamped = kind & 32, .mtime = moments[which & 7]};
    int64_t now_seconds = moments[which >> 3 & 7], seconds = 0;
    struct slice text = input_rest(&input);
    if (room.first == 0)
        room_clear(&room);
    switch (kind & 3) {
    case 0:
        text.at = room_put(&room, which, text.at, text.len);
        check_date(text, now_seconds, &seconds);
        break;
    case 1:
        text.at = room_put(&room, which, text.at, text.len);
        check_list(text, known.etag, false);
        check_list(text, known.etag, true);
        CHECK(etag_is_any(text) == (slice_equal(slice_trim(text), SLICE("*"))));
        break;
    case 2:
        for (size_t i = 0; i < 8 && i < text.len; i++)
            seconds = (int64_t)((uint64_t)seconds << 8 | (unsigned char)text.at[i]);
        check_format(seconds);
        break;
    default: {
        size_t len = sizeof before - 1 + text.len + sizeof after - 1;
        char *bytes = room_for(&room, 0, len);
        memcpy(bytes, before, sizeof before - 1);
        memcpy(bytes + sizeof before - 1, text.at, text.len);
        memcpy(bytes + sizeof before - 1 + text.len, after, sizeof after - 1);
        check_request((struct slice){bytes, len}, &known, now_seconds);
    }
    }
    return 0;
}
