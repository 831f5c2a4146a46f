/* forwarded_find: whatever a client sends, what a balancer adds behind it is found, in the same line or in another; and
   X-Forwarded-For is held against a reader that goes from the left. */
#include "base/bounds.h"
#include "fuzz.h"
#include "protocol/forwarded.h"

#include <stdio.h>

static const char *const names[] = {
    [FORWARDED_X_FORWARDED_FOR] = "X-Forwarded-For: ",
    [FORWARDED_FORWARDED] = "Forwarded: ",
};
static const char *const elements[2][2] = {
    [FORWARDED_X_FORWARDED_FOR] = {"192.0.2.1", "10.0.0.2"},
    [FORWARDED_FORWARDED] = {"for=192.0.2.1;host=\"a\\\",b\"", "proto=http;for=\"10.0.0.2:80\""},
};
static struct network_list trusted = {.count = 2};
static struct address peer, second;
static struct room room;

/* Of a request whose fields these lines are; -1: it isn't one. */
static int find(enum forwarded_field field, struct slice lines, const char *more, const struct address *from_whom,
                struct address *from) {
    static char text[HEAD_MAX_DEFAULT];
    struct request request;
    size_t head_len;
    memset(from, 0, sizeof *from);
    size_t len = (size_t)snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\n%s%.*s%s\r\n\r\n", names[field],
                                  (int)lines.len, lines.at, more);
    CHECK(len < sizeof text);
    const char *head = room_put(&room, len, text, len);
    if (request_parse(head, len, HEAD_MAX_DEFAULT, &request, &head_len) != 0)
        return -1;
    return forwarded_find(&request, field, &trusted, from_whom, from);
}

static bool same(const struct address *a, const struct address *b) {
    return a->kind == b->kind && a->port == b->port && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* From left to right: each address that isn't trusted, or is the first, or stands behind what is none, is it until
   another comes. */
static int reference(struct slice lines, struct address *from) {
    bool is_known = false;
    int beyond = 0;
    *from = peer;
    while (lines.len > 0) {
        size_t len = 0;
        while (len < lines.len && !memchr(",\r", lines.at[len], 2))
            len++;
        struct slice element = slice_trim((struct slice){lines.at, len});
        struct address address;
        bool more_lines = len < lines.len && lines.at[len] == '\r';
        size_t skip = len == lines.len ? len : more_lines ? len + 2 + strlen(names[0]) : len + 1;
        lines = slice_from(lines, skip);
        if (element.len == 0)
            continue;
        if (!address_parse(element, &address)) {
            is_known = false;
            beyond = 0;
            *from = peer;
        } else if (!network_list_has(&trusted, &address) || !is_known) {
            beyond = !network_list_has(&trusted, &address);
            is_known = true;
            *from = address;
        }
    }
    return beyond;
}

/* The lines of a field, of which each begins with its name but for the first; commas and line ends come often. */
static struct slice make_lines(enum forwarded_field field, struct slice bytes, char *lines, size_t size) {
    size_t len = 0;
    for (size_t i = 0; i < bytes.len && len + 40 < size; i++) {
        unsigned char c = (unsigned char)bytes.at[i];
        if (c == '\n')
            len += (size_t)sprintf(lines + len, "\r\n%s", names[field]);
        else
            lines[len++] = c < ' ' || c == 0x7f ? ',' : (char)c;
    }
    return (struct slice){lines, len};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char lines_room[8 * 1024];
    char more[128];
    struct input input = {data, data + size};
    enum forwarded_field field = input_byte(&input) & 1 ? FORWARDED_FORWARDED : FORWARDED_X_FORWARDED_FOR;
    struct address from, other;
    if (room.first == 0) {
        room_clear(&room);
        CHECK(network_parse(SLICE("10.0.0.0/8"), &trusted.networks[0]));
        CHECK(network_parse(SLICE("2001:db8::/32"), &trusted.networks[1]));
        CHECK(address_parse(SLICE("10.0.0.1"), &peer));
    }
    struct slice lines = make_lines(field, input_rest(&input), lines_room, sizeof lines_room);
    int beyond = find(field, lines, "", &peer, &from);
    if (beyond < 0)
        return 0;
    CHECK(beyond == !network_list_has(&trusted, &from));
    if (field == FORWARDED_X_FORWARDED_FOR)
        CHECK(reference(lines, &other) == beyond && same(&other, &from));
    for (int line = 0; line < 2; line++) {
        snprintf(more, sizeof more, "%s%s%s", line ? "\r\n" : ",", line ? names[field] : "", elements[field][0]);
        int found = find(field, lines, more, &peer, &other);
        CHECK(found < 0 || (found && memcmp(other.bytes + 12, "\xc0\0\x02\x01", 4) == 0));
        snprintf(more, sizeof more, "%s%s%s", line ? "\r\n" : ",", line ? names[field] : "", elements[field][1]);
        found = find(field, lines, more, &peer, &other);
        CHECK(address_parse(field == FORWARDED_FORWARDED ? SLICE("10.0.0.2:80") : SLICE("10.0.0.2"), &second));
        CHECK(found < 0 || (found == find(field, lines, "", &second, &from) && same(&from, &other)));
    }
    return 0;
}
