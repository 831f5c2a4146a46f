/* Numbers, times and addresses are rendered by hand: this is done for each request. */
#define _GNU_SOURCE
#include "observe/log_line.h"
#include "base/calendar.h"
#include "base/copy.h"
#include "base/local_time.h"
#include "observe/log_escape.h"
#include "observe/log_keep.h"

#include <unistd.h>

void log_line_init(struct log_line *line) {
    line->seconds = -1;
    line->address = (struct address){0};
    line->address_len = address_format(&line->address, line->address_text);
}

static char *put(char *out, const char *bytes, size_t len) {
    copy_short(out, bytes, len);
    return out + len;
}

/* `count` digits, with zeros before: two at a time. */
static char *put_digits(char *out, uint64_t number, unsigned count) {
    static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
                                "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
                                "8081828384858687888990919293949596979899";
    unsigned left = count;
    for (; left >= 2; left -= 2, number /= 100)
        memcpy(out + left - 2, &pairs[2 * (number % 100)], 2);
    if (left > 0)
        out[0] = (char)('0' + number % 10);
    return out + count;
}

static char *put_number(char *out, uint64_t number) {
    unsigned count = 1;
    for (uint64_t rest = number; rest >= 10; rest /= 10)
        count++;
    return put_digits(out, number, count);
}

/* Once a second. */
static void render_time(struct log_line *line, int64_t seconds) {
    int offset = local_time_offset();
    struct calendar c = calendar_of(seconds + offset);
    line->seconds = seconds;
    memcpy(line->local, "26/Nov/2026:18:29:22 ", 21);
    calendar_put(line->local, c.day, 2);
    memcpy(line->local + 3, calendar_months[c.month - 1], 3);
    calendar_put(line->local + 7, c.year, 4);
    memcpy(line->iso8601, "2026-11-26T18:29:22", 19);
    calendar_put(line->iso8601, c.year, 4);
    calendar_put(line->iso8601 + 5, c.month, 2);
    calendar_put(line->iso8601 + 8, c.day, 2);
    memcpy(line->clock, "18:29:22", 8);
    calendar_put(line->clock, c.hour, 2);
    calendar_put(line->clock + 3, c.minute, 2);
    calendar_put(line->clock + 6, c.second, 2);
    memcpy(line->local + 12, line->clock, 8);
    memcpy(line->iso8601 + 11, line->clock, 8);
    local_time_put_offset(line->local + 21, offset, 0);
    local_time_put_offset(line->iso8601 + 19, offset, 1);
}

/* By hand where there are many, and so the last one is rarely the same again. */
static char *put_address(struct log_line *line, const struct address *address, char *out) {
    if (address_is_v4(address)) {
        for (int i = 12; i < 16; i++) {
            uint8_t number = address->bytes[i];
            out = put_digits(out, number, number < 10 ? 1 : number < 100 ? 2 : 3);
            *out++ = '.';
        }
        return out - 1;
    }
    if (memcmp(address->bytes, line->address.bytes, sizeof address->bytes) != 0 ||
        address->kind != line->address.kind) {
        line->address = *address;
        line->address_len = address_format(address, line->address_text);
    }
    return put(out, line->address_text, line->address_len);
}

/* The part of a request line that is a method, a target or a version; of one that isn't well-formed, no less of it than
   what stands before, between and behind the first and the last space. */
static struct slice part_of(struct slice line, enum log_name name) {
    const char *first = line.len > 0 ? memchr(line.at, ' ', line.len) : NULL, *end = line.at + line.len;
    if (!first)
        return name == LOG_REQUEST_METHOD ? line : (struct slice){0};
    if (name == LOG_REQUEST_METHOD)
        return (struct slice){line.at, (size_t)(first - line.at)};
    const char *last = memrchr(line.at, ' ', line.len);
    if (last == first) { /* two parts */
        last = end;
        if (name == LOG_SERVER_PROTOCOL)
            return (struct slice){0};
    }
    if (name == LOG_SERVER_PROTOCOL)
        return (struct slice){last + 1, (size_t)(end - last - 1)};
    struct slice target = {first + 1, (size_t)(last - first - 1)};
    if (name == LOG_REQUEST_URI)
        return target;
    const char *query = target.len > 0 ? memchr(target.at, '?', target.len) : NULL;
    return query ? slice_from(target, (size_t)(query + 1 - target.at)) : (struct slice){0};
}

static struct slice value_of(const struct log_part *part, const struct log_kept *kept) {
    const uint16_t *end = &kept->ends[part->value];
    struct slice value = {kept->values + end[0], (size_t)(end[1] - end[0])};
    if (part->name == LOG_REQUEST || part->name == LOG_REMOTE_USER || part->name == LOG_HTTP_FIELD)
        return value;
    return part_of(value, part->name);
}

/* *left: what values may take in all, besides what each has at least. */
static char *put_value(const struct log_format *format, enum log_name name, struct slice value, size_t *left,
                       char *out) {
    size_t room = *left < LOG_VALUE_MAX - LOG_VALUE_LEAST ? *left + LOG_VALUE_LEAST : LOG_VALUE_MAX;
    if (value.len == 0)
        return format->json ? out : put(out, "-", 1);
    char *end = log_escape(out, room, value,
                           format->json              ? LOG_ESCAPE_JSON
                           : name == LOG_REMOTE_USER ? LOG_ESCAPE_WORD
                                                     : LOG_ESCAPE_TEXT);
    if ((size_t)(end - out) > LOG_VALUE_LEAST)
        *left -= (size_t)(end - out) - LOG_VALUE_LEAST;
    return end;
}

/* "17", "3.2k", "1.4M" */
static char *put_size(char *out, uint64_t bytes) {
    static const char units[] = "kMGTPE";
    const char *unit = units;
    uint64_t tenths = bytes / 100;
    if (bytes < 1000)
        return put_number(out, bytes);
    for (; tenths >= 10000; unit++)
        tenths /= 1000;
    out = put_number(out, tenths / 10);
    if (tenths < 100) {
        *out++ = '.';
        *out++ = (char)('0' + tenths % 10);
    }
    *out++ = *unit;
    return out;
}

/* "87us", "12ms", "3.4s" */
static char *put_duration(char *out, uint64_t ns) {
    if (ns < 1000000)
        return put(put_number(out, ns / 1000), "us", 2);
    if (ns < UINT64_C(1000000000))
        return put(put_number(out, ns / 1000000), "ms", 2);
    out = put_number(out, ns / 1000000000);
    *out++ = '.';
    out = put_digits(out, ns / 100000000 % 10, 1);
    *out++ = 's';
    return out;
}

static char *put_colour(char *out, int status) {
    static const char *const by_class[] = {"", "", "\033[32m", "\033[36m", "\033[33m", "\033[31m"};
    const char *colour = by_class[status / 100 < 6 ? status / 100 : 0];
    return put(out, colour, strlen(colour));
}

/* Seconds with `digits` of a fraction that is given in units of the last. */
static char *put_seconds(char *out, uint64_t seconds, uint64_t fraction, int digits) {
    out = put_number(out, seconds);
    *out++ = '.';
    return put_digits(out, fraction, digits);
}

/* What is known at the end, and of a known length. */
static char *put_end(const struct log_line *line, const struct log_part *part, bool json,
                     const struct exchange *exchange, uint64_t took_ns, char *out) {
    uint64_t body_len = exchange->sent > exchange->head_len ? exchange->sent - exchange->head_len : 0;
    switch (part->name) {
    case LOG_STATUS:
        return put_digits(out, (uint64_t)exchange->status, 3);
    case LOG_BYTES_SENT:
        return put_number(out, exchange->sent);
    case LOG_BODY_BYTES_SENT:
        return put_number(out, body_len);
    case LOG_REQUEST_TIME:
        return put_seconds(out, took_ns / 1000000000, took_ns / 1000 % 1000000, 6);
    case LOG_REQUEST_COMPLETION:
        return exchange->len > 0 && exchange->sent == exchange->len ? put(out, "OK", 2) : json ? out : put(out, "-", 1);
    case LOG_TIME_LOCAL:
        return put(out, line->local, sizeof line->local);
    case LOG_TIME_ISO8601:
        return put(out, line->iso8601, sizeof line->iso8601);
    case LOG_MSEC: {
        uint64_t now_ms = clock_epoch_ms();
        return put_seconds(out, now_ms / 1000, now_ms % 1000, 3);
    }
    case LOG_PID:
        return put_number(out, (uint64_t)getpid());
    case LOG_CLOCK:
        return put(out, line->clock, sizeof line->clock);
    case LOG_COLOUR:
        return put_colour(out, exchange->status);
    case LOG_PLAIN:
        return put(out, "\033[m", 3);
    case LOG_SIZE:
        return put_size(out, body_len);
    case LOG_DURATION:
        return put_duration(out, took_ns);
    default:
        return out;
    }
}

/* What came with the request and is no value. */
static char *put_begin(struct log_line *line, enum log_name name, const struct log_kept *kept, char *out) {
    if (name == LOG_REMOTE_ADDR)
        return put_address(line, &kept->from, out);
    return put_number(out, name == LOG_REMOTE_PORT      ? kept->from.port
                           : name == LOG_REQUEST_LENGTH ? kept->request_len
                           : name == LOG_CONNECTION     ? kept->asker.connection
                                                        : kept->asker.requests);
}

size_t log_line_make(struct log_line *line, const struct exchange *exchange, int64_t seconds, uint64_t took_ns,
                     const char *bytes) {
    const struct log_kept *kept = (const struct log_kept *)(const void *)bytes;
    const struct log_format *format = kept->format;
    size_t left = LOG_LINE_MAX - format->fixed_max - 1;
    char *out = line->at;
    if (seconds != line->seconds)
        render_time(line, seconds);
    for (unsigned i = 0; i < format->part_count; i++) {
        const struct log_part *part = &format->parts[i];
        out = put(out, part->literal.at, part->literal.len);
        switch (part->name) {
        case LOG_NOTHING:
            break;
        case LOG_REMOTE_ADDR:
        case LOG_REMOTE_PORT:
        case LOG_REQUEST_LENGTH:
        case LOG_CONNECTION:
        case LOG_CONNECTION_REQUESTS:
            out = put_begin(line, part->name, kept, out);
            break;
        case LOG_REMOTE_USER:
        case LOG_REQUEST:
        case LOG_REQUEST_METHOD:
        case LOG_REQUEST_URI:
        case LOG_ARGS:
        case LOG_SERVER_PROTOCOL:
        case LOG_HTTP_FIELD:
            out = put_value(format, part->name, value_of(part, kept), &left, out);
            break;
        default:
            out = put_end(line, part, format->json, exchange, took_ns, out);
        }
    }
    *out++ = '\n';
    return (size_t)(out - line->at);
}
