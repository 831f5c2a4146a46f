/* Line by line; a line that isn't whole makes the reply partial, and may be anything. */
#include "reply_reader.h"

#include "base/check.h"
#include "base/httpdate.h"

static bool take_line(struct slice *bytes, struct slice *line) {
    const char *end = bytes->len ? memchr(bytes->at, '\n', bytes->len) : NULL;
    if (!end)
        return false;
    size_t len = (size_t)(end - bytes->at);
    CHECK(len > 0 && end[-1] == '\r');
    *line = (struct slice){bytes->at, len - 1};
    *bytes = slice_from(*bytes, len + 1);
    return true;
}

static struct slice name_of(struct slice line) {
    const char *colon = memchr(line.at, ':', line.len);
    CHECK(colon && colon > line.at);
    return (struct slice){line.at, (size_t)(colon - line.at)};
}

static void check_line(struct slice line) {
    struct slice name = name_of(line), value = slice_from(line, name.len + 1);
    for (size_t i = 0; i < name.len; i++) {
        char c = ascii_lower(name.at[i]);
        CHECK((c >= 'a' && c <= 'z') || c == '-');
    }
    CHECK(value.len > 1 && value.at[0] == ' ' && value.at[1] != ' ' && value.at[value.len - 1] != ' ');
    for (size_t i = 0; i < value.len; i++)
        CHECK((unsigned char)value.at[i] >= 0x20 && value.at[i] != 0x7f);
}

bool reply_field(const struct reply *reply, const char *name, struct slice *value) {
    struct slice rest = reply->head, line;
    int count = 0;
    while (take_line(&rest, &line)) {
        if (!slice_equal_nocase(name_of(line), slice_of(name)))
            continue;
        *value = slice_trim(slice_from(line, strlen(name) + 1));
        count++;
    }
    CHECK(count <= 1);
    return count == 1;
}

static void read_status(struct slice line, struct reply *reply) {
    CHECK(line.len > 13 && memcmp(line.at, "HTTP/1.1 ", 9) == 0 && line.at[12] == ' ');
    reply->status = 0;
    for (int i = 9; i < 12; i++) {
        CHECK(line.at[i] >= '0' && line.at[i] <= '9');
        reply->status = reply->status * 10 + line.at[i] - '0';
    }
    CHECK(reply->status >= 200 && reply->status < 600 && !slice_equal(slice_from(line, 13), SLICE("Unknown")));
}

static uint64_t number_of(struct slice text) {
    uint64_t value = 0;
    CHECK(text.len > 0 && text.len < 19);
    for (size_t i = 0; i < text.len; i++) {
        CHECK(text.at[i] >= '0' && text.at[i] <= '9');
        value = value * 10 + (unsigned)(text.at[i] - '0');
    }
    return value;
}

static void read_fields(struct reply *reply) {
    struct slice value;
    int64_t seconds;
    CHECK(reply_field(reply, "Date", &value) && value.len == HTTPDATE_LEN && httpdate_parse(value, 0, &seconds));
    reply->close = false;
    if (reply_field(reply, "Connection", &value)) {
        reply->close = slice_equal(value, SLICE("close"));
        CHECK(reply->close || slice_equal(value, SLICE("keep-alive")));
    }
    CHECK(!reply_field(reply, "Transfer-Encoding", &value));
    bool has_length = reply_field(reply, "Content-Length", &value);
    CHECK(has_length != (reply->status == 204 || reply->status == 304));
    reply->content_len = has_length ? number_of(value) : 0;
    static const char *const once[] = {"Content-Type",  "Content-Encoding", "ETag",
                                       "Last-Modified", "Content-Range",    "Location",
                                       "Accept-Ranges", "Cache-Control",    "Allow"};
    for (size_t i = 0; i < sizeof once / sizeof *once; i++)
        reply_field(reply, once[i], &value);
}

enum reply_progress reply_read(struct slice bytes, bool to_head, struct reply *reply, size_t *used) {
    struct slice rest = bytes, line;
    if (!take_line(&rest, &line))
        return REPLY_PARTIAL;
    read_status(line, reply);
    reply->head = (struct slice){rest.at, 0};
    for (;;) {
        const char *at = rest.at;
        if (!take_line(&rest, &line))
            return REPLY_PARTIAL;
        if (line.len == 0) {
            reply->head.len = (size_t)(at - reply->head.at);
            break;
        }
        check_line(line);
    }
    read_fields(reply);
    uint64_t body_len = to_head ? 0 : reply->content_len;
    if (rest.len < body_len)
        return REPLY_PARTIAL;
    reply->body = (struct slice){rest.at, (size_t)body_len};
    *used = bytes.len - rest.len + (size_t)body_len;
    return REPLY_WHOLE;
}

/* The next line that says something about the answer. */
static bool next_telling(struct slice *rest, struct slice *line) {
    while (take_line(rest, line)) {
        struct slice name = name_of(*line);
        if (!slice_equal(name, SLICE("Date")) && !slice_equal(name, SLICE("Connection")))
            return true;
    }
    return false;
}

bool reply_same(const struct reply *a, const struct reply *b) {
    struct slice rest_a = a->head, rest_b = b->head, line_a, line_b;
    if (a->status != b->status || !slice_equal(a->body, b->body))
        return false;
    for (;;) {
        bool more_a = next_telling(&rest_a, &line_a), more_b = next_telling(&rest_b, &line_b);
        if (!more_a || !more_b)
            return more_a == more_b;
        if (!slice_equal(line_a, line_b))
            return false;
    }
}
