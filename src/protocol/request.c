/* One pass from the first byte to the empty line; each byte is looked at once by the scan for what it belongs to. What
   has been accepted is never doubted again, and no verdict looks beyond the element it is about: so a prefix of a
   request is either incomplete or has the verdict of the whole, however the bytes arrive. */
#include "protocol/request.h"

#include "base/bounds.h"
#include "protocol/request_fields.h"
#include "protocol/scan.h"

struct cursor {
    const char *floor; /* the lowest address that may be read */
    const char *at;
    const char *end;
};

static inline size_t left(const struct cursor *cursor) {
    return (size_t)(cursor->end - cursor->at);
}

/* Matches what there is of `literal`; false at the first byte that differs. */
static bool may_begin(struct slice text, struct slice literal) {
    size_t len = text.len < literal.len ? text.len : literal.len;
    return slice_equal_nocase((struct slice){text.at, len}, (struct slice){literal.at, len});
}

/* Past CRLF. A CR is only ever part of one. */
static inline int parse_crlf(struct cursor *cursor) {
    if (left(cursor) >= 2 && memcmp(cursor->at, "\r\n", 2) == 0) {
        cursor->at += 2;
        return 0;
    }
    return left(cursor) == 0 || (left(cursor) == 1 && *cursor->at == '\r') ? REQUEST_INCOMPLETE : 400;
}

static int parse_empty_lines(struct cursor *cursor) {
    for (int i = 0; i < EMPTY_LINES_MAX && left(cursor) > 0 && *cursor->at == '\r'; i++) {
        int status = parse_crlf(cursor);
        if (status != 0)
            return status;
    }
    return 0;
}

static enum request_method method_named(struct slice name) {
    static const char *const registered[] = {
        "POST",           "PUT",         "DELETE",     "PATCH",      "TRACE",
        "CONNECT",        "QUERY",       "ACL",        "BIND",       "BASELINE-CONTROL",
        "CHECKIN",        "CHECKOUT",    "COPY",       "LABEL",      "LINK",
        "LOCK",           "MERGE",       "MKACTIVITY", "MKCALENDAR", "MKCOL",
        "MKREDIRECTREF",  "MKWORKSPACE", "MOVE",       "ORDERPATCH", "PROPFIND",
        "PROPPATCH",      "REBIND",      "REPORT",     "SEARCH",     "UNBIND",
        "UNCHECKOUT",     "UNLINK",      "UNLOCK",     "UPDATE",     "UPDATEREDIRECTREF",
        "VERSION-CONTROL"};
    if (slice_equal(name, SLICE("HEAD")))
        return METHOD_HEAD;
    if (slice_equal(name, SLICE("OPTIONS")))
        return METHOD_OPTIONS;
    for (size_t i = 0; i < sizeof registered / sizeof *registered; i++)
        if (slice_equal(name, slice_of(registered[i])))
            return METHOD_OTHER;
    return METHOD_UNKNOWN;
}

static int parse_method(struct cursor *cursor, struct request *request) {
    if (left(cursor) >= 4 && memcmp(cursor->at, "GET ", 4) == 0) {
        request->method = METHOD_GET;
        request->method_name = (struct slice){cursor->at, 3};
        cursor->at += 4;
        return 0;
    }
    const char *stop = scan_bytes(cursor->at, cursor->end, SCAN_TOKEN);
    if (stop == cursor->end)
        return REQUEST_INCOMPLETE;
    if (stop == cursor->at || *stop != ' ')
        return 400;
    request->method_name = (struct slice){cursor->at, (size_t)(stop - cursor->at)};
    request->method = method_named(request->method_name);
    cursor->at = stop + 1;
    return 0;
}

/* Takes apart what follows the authority; the scan has told already that its bytes are fit for a target. */
static void split_path(struct slice text, struct request *request) {
    const char *mark = memchr(text.at, '?', text.len);
    request->path = (struct slice){text.at, mark ? (size_t)(mark - text.at) : text.len};
    request->query = slice_from(text, request->path.len);
}

/* RFC 3986 3.3: a segment "." or "..", an empty one, or an escape. A slash at the very end is a folder's, and fine. */
static bool has_odd_segment(struct slice path) {
    for (size_t i = 0; i < path.len; i++) {
        if (path.at[i] == '%')
            return true;
        if (path.at[i] != '/')
            continue;
        size_t end = i + 1;
        while (end < path.len && path.at[end] == '.')
            end++;
        size_t dots = end - i - 1;
        if (end < path.len ? path.at[end] == '/' && dots <= 2 : dots == 1 || dots == 2)
            return true;
    }
    return false;
}

/* http(s)://authority[/path][?query], of a whole target. */
static int parse_absolute(struct request *request, size_t scheme_len) {
    struct slice rest = slice_from(request->target, scheme_len);
    size_t len = 0;
    while (len < rest.len && rest.at[len] != '/' && rest.at[len] != '?')
        len++;
    request->authority = (struct slice){rest.at, len};
    if (!request_authority_valid(request->authority))
        return 400;
    split_path(slice_from(rest, len), request);
    if (request->path.len == 0) /* "/" it is, and one stands at the end of "://" */
        request->path = (struct slice){rest.at - 1, 1};
    request->path_plain = request->path.len - 1 <= PATH_LEN_MAX && !has_odd_segment(request->path);
    return 0;
}

static bool is_connect(const struct request *request) {
    return request->method == METHOD_OTHER && slice_equal(request->method_name, SLICE("CONNECT"));
}

/* CONNECT's target is host:port and nothing else (RFC 9112 3.2.3). */
static int parse_authority(struct request *request) {
    const char *colon = memchr(request->target.at, ':', request->target.len);
    request->authority = request->target;
    request->path = slice_from(request->target, request->target.len);
    return colon && request_authority_valid(request->target) ? 0 : 400;
}

/* Every form but the origin's. The form is judged by what there is of it. */
static int parse_other_target(struct cursor *cursor, struct request *request) {
    const char *stop = scan_target(cursor->at, cursor->end);
    struct slice text = {cursor->at, (size_t)(stop - cursor->at)};
    bool connect = is_connect(request);
    size_t scheme_len = may_begin(text, SLICE("http://")) ? 7 : may_begin(text, SLICE("https://")) ? 8 : 0;
    bool asterisk = *cursor->at == '*';
    if (text.len == 0 || !(connect || (asterisk ? request->method == METHOD_OPTIONS && text.len == 1 : scheme_len > 0)))
        return 400;
    if (text.len > TARGET_MAX)
        return 414;
    if (stop == cursor->end)
        return REQUEST_INCOMPLETE;
    if (*stop != ' ')
        return 400;
    request->target = text;
    cursor->at = stop + 1;
    if (connect)
        return parse_authority(request);
    if (!asterisk)
        return text.len > scheme_len ? parse_absolute(request, scheme_len) : 400;
    request->path = text;
    return 0;
}

static int parse_target(struct cursor *cursor, struct request *request) {
    if (left(cursor) == 0)
        return REQUEST_INCOMPLETE;
    if (*cursor->at != '/' || is_connect(request))
        return parse_other_target(cursor, request);
    bool odd = false;
    const char *mark = scan_path(cursor->at, cursor->end, &odd), *stop = mark;
    if (mark < cursor->end && *mark == '?')
        stop = scan_target(mark, cursor->end);
    request->target = (struct slice){cursor->at, (size_t)(stop - cursor->at)};
    if (request->target.len > TARGET_MAX)
        return 414;
    if (stop == cursor->end)
        return REQUEST_INCOMPLETE;
    if (*stop != ' ')
        return 400;
    request->path = (struct slice){cursor->at, (size_t)(mark - cursor->at)};
    request->query = (struct slice){mark, (size_t)(stop - mark)};
    request->path_plain = request->path.len - 1 <= PATH_LEN_MAX && !(odd && has_odd_segment(request->path));
    cursor->at = stop + 1;
    return 0;
}

/* HTTP/1.x CRLF; another major version is told at the end of the line, so that the line can be logged. */
static int parse_version(struct cursor *cursor, struct request *request, const char *line) {
    static const char pattern[] = "HTTP/d.d\r\n";
    const char *at = cursor->at;
    size_t whole = sizeof pattern - 1;
    if (left(cursor) < whole || memcmp(at, "HTTP/1.1\r\n", whole) != 0) {
        for (size_t i = 0; i < whole; i++) {
            if (i == left(cursor))
                return REQUEST_INCOMPLETE;
            if (pattern[i] == 'd' ? !scan_is_digit(at[i]) || (i == 5 && at[i] == '0') : at[i] != pattern[i])
                return 400;
        }
        request->minor_version = at[7] != '0';
    }
    cursor->at += whole;
    request->line = (struct slice){line, (size_t)(cursor->at - line) - 2};
    if (at[5] == '1')
        return 0;
    request->minor_version = 1;
    return 505;
}

/* A field line, from its first byte past its CRLF. */
static inline int parse_field(struct cursor *cursor, struct request *request) {
    const char *name = cursor->at;
    const char *colon = scan_token(cursor->floor, name, cursor->end);
    if (colon == cursor->end)
        return REQUEST_INCOMPLETE;
    if (colon == name || *colon != ':')
        return 400;
    enum request_field field = request_field_named((struct slice){name, (size_t)(colon - name)});
    const char *value = field == FIELD_COUNT ? colon + 1 : name + request_field_name_len(field) + 1;
    const char *stop = scan_value(cursor->floor, value, cursor->end);
    cursor->at = stop;
    int status = parse_crlf(cursor);
    if (status != 0)
        return status;
    if (field == FIELD_COUNT)
        return 0;
    return request_field_take(request, field, slice_trim((struct slice){value, (size_t)(stop - value)}));
}

static int parse_fields(struct cursor *cursor, struct request *request) {
    const char *first = cursor->at;
    for (int count = 0; left(cursor) > 0 && *cursor->at != '\r'; count++) {
        if (count == FIELD_COUNT_MAX)
            return 431;
        int status = parse_field(cursor, request);
        if (status != 0)
            return status;
    }
    request->lines = (struct slice){first, (size_t)(cursor->at - first)};
    return parse_crlf(cursor);
}

static int parse_head(struct cursor *cursor, struct request *request) {
    int status = parse_empty_lines(cursor);
    const char *line = cursor->at;
    if (status == 0)
        status = parse_method(cursor, request);
    if (status == 0)
        status = parse_target(cursor, request);
    if (status == 0)
        status = parse_version(cursor, request, line);
    if (status == 0)
        status = parse_fields(cursor, request);
    if (status == 0 && request->minor_version == 1 && !request_has(request, FIELD_HOST))
        status = 400;
    if (status == 0 && request->minor_version == 1 && request_has(request, FIELD_EXPECT) && !request->expect_continue)
        status = 417; /* RFC 9110 10.1.1; in HTTP/1.0 the field means nothing */
    return status;
}

int request_parse(const char *bytes, size_t len, size_t head_max, struct request *request, size_t *head_len) {
    struct cursor cursor = {bytes, bytes, bytes + (len < head_max ? len : head_max)};
    request->method = METHOD_UNKNOWN;
    request->method_name = request->line = request->authority = (struct slice){0};
    request->minor_version = 1;
    request->path_plain = request->expect_continue = false;
    request->body = BODY_NONE;
    request->body_len = 0;
    request->seen = request->repeated = 0;
    request->query = (struct slice){0};
    int status = parse_head(&cursor, request);
    if (status == 0) {
        request->keep_alive = !is_connect(request) && request_keep_alive(request);
        *head_len = (size_t)(cursor.at - bytes);
    } else if (status == REQUEST_INCOMPLETE && len >= head_max) {
        status = request->line.at ? 431 : request->method_name.at ? 414 : 501;
    }
    return status;
}

bool request_next_line(const struct request *request, enum request_field field, size_t *cursor, struct slice *value) {
    if (!request_has(request, field))
        return false;
    if (!(request->repeated >> field & 1)) {
        *value = request->fields[field];
        return (*cursor)++ == 0;
    }
    while (*cursor < request->lines.len) {
        struct slice line = slice_from(request->lines, *cursor);
        line.len = (size_t)((const char *)memchr(line.at, '\r', line.len) - line.at);
        *cursor += line.len + 2;
        struct slice name = line;
        name.len = (size_t)((const char *)memchr(line.at, ':', line.len) - line.at);
        if (request_field_named(name) == field) {
            *value = slice_trim(slice_from(line, name.len + 1));
            return true;
        }
    }
    return false;
}
