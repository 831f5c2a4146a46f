/* Every function here returns at the first byte that settles the matter, having counted it in `used`: that is what
   "told at once" means. */
#include "reference.h"

#include "base/bounds.h"

#include <arpa/inet.h>
#include <strings.h>

struct reader {
    const char *at, *end;
    struct reference *out;
    struct slice method_name, target;
    bool has_method, has_te, has_cl;
    struct slice host;
};

/* The next byte, or -1 when there is none. */
static int peek(const struct reader *reader) {
    return reader->at < reader->end ? (unsigned char)*reader->at : -1;
}

static bool is_letter(int c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(int c) {
    return c >= '0' && c <= '9';
}

static bool is_hex(int c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_tchar(int c) {
    switch (c) {
    case '!':
    case '#':
    case '$':
    case '%':
    case '&':
    case '\'':
    case '*':
    case '+':
    case '-':
    case '.':
    case '^':
    case '_':
    case '`':
    case '|':
    case '~':
        return true;
    default:
        return is_letter(c) || is_digit(c);
    }
}

static bool is_field_byte(int c) {
    return c == '\t' || (c >= 0x20 && c != 0x7f);
}

static bool is_target_byte(int c) {
    switch (c) {
    case '"':
    case '#':
    case '<':
    case '>':
    case 0x7f:
        return false;
    default:
        return c > 0x20;
    }
}

static bool is_name_byte(int c) { /* RFC 3986 3.2.2: unreserved, sub-delims */
    switch (c) {
    case '-':
    case '.':
    case '_':
    case '~':
    case '!':
    case '$':
    case '&':
    case '\'':
    case '(':
    case ')':
    case '*':
    case '+':
    case ',':
    case ';':
    case '=':
        return true;
    default:
        return is_letter(c) || is_digit(c);
    }
}

static bool same(struct slice a, const char *text) {
    return a.len == strlen(text) && memcmp(a.at, text, a.len) == 0;
}

static bool same_nocase(struct slice a, const char *text) {
    return a.len == strlen(text) && strncasecmp(a.at, text, a.len) == 0;
}

static struct slice trimmed(struct slice s) {
    while (s.len && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
        s.len--;
    while (s.len && (*s.at == ' ' || *s.at == '\t'))
        s.at++, s.len--;
    return s;
}

/* Takes what comes before the first `mark` (all, without one) off `s`. */
static struct slice cut(struct slice *s, char mark, bool *found) {
    size_t n = 0;
    while (n < s->len && s->at[n] != mark)
        n++;
    struct slice part = {s->at, n};
    *found = n < s->len;
    n += *found;
    *s = (struct slice){s->at + n, s->len - n};
    return part;
}

static bool is_port(struct slice s) {
    unsigned long value = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (!is_digit(s.at[i]))
            return false;
        value = value * 10 + (unsigned)(s.at[i] - '0');
        if (value > 65535)
            return false;
    }
    return true;
}

static bool is_ip_literal(struct slice s) {
    char text[64];
    struct in6_addr address;
    if (s.len && (*s.at == 'v' || *s.at == 'V')) {
        size_t i = 1;
        while (i < s.len && is_hex(s.at[i]))
            i++;
        if (i == 1 || i == s.len || s.at[i] != '.' || i + 1 == s.len)
            return false;
        for (i++; i < s.len; i++)
            if (!is_name_byte((unsigned char)s.at[i]) && s.at[i] != ':')
                return false;
        return true;
    }
    if (s.len >= sizeof text)
        return false;
    memcpy(text, s.at, s.len);
    text[s.len] = '\0';
    return inet_pton(AF_INET6, text, &address) == 1;
}

/* uri-host [":" port], the host not empty. */
static bool is_authority(struct slice s) {
    bool found;
    size_t i = 0;
    if (s.len && *s.at == '[') {
        s = (struct slice){s.at + 1, s.len - 1};
        struct slice literal = cut(&s, ']', &found);
        return found && is_ip_literal(literal) &&
               (s.len == 0 || (*s.at == ':' && is_port((struct slice){s.at + 1, s.len - 1})));
    }
    struct slice host = cut(&s, ':', &found);
    while (i < host.len) {
        bool escape = host.len - i >= 3 && host.at[i] == '%' && is_hex((unsigned char)host.at[i + 1]) &&
                      is_hex((unsigned char)host.at[i + 2]);
        if (!escape && !is_name_byte((unsigned char)host.at[i]))
            return false;
        i += escape ? 3 : 1;
    }
    return host.len > 0 && is_port(s);
}

static int read_line_end(struct reader *reader) {
    const char *wanted = "\r\n";
    for (; *wanted; wanted++) {
        int c = peek(reader);
        if (c < 0)
            return REQUEST_INCOMPLETE;
        reader->at++;
        if (c != *wanted)
            return 400;
    }
    return 0;
}

static enum request_method method_of(struct slice name) {
    static const char *const others[] = {
        "ACL",
        "BASELINE-CONTROL",
        "BIND",
        "CHECKIN",
        "CHECKOUT",
        "CONNECT",
        "COPY",
        "DELETE",
        "LABEL",
        "LINK",
        "LOCK",
        "MERGE",
        "MKACTIVITY",
        "MKCALENDAR",
        "MKCOL",
        "MKREDIRECTREF",
        "MKWORKSPACE",
        "MOVE",
        "ORDERPATCH",
        "PATCH",
        "POST",
        "PROPFIND",
        "PROPPATCH",
        "PUT",
        "QUERY",
        "REBIND",
        "REPORT",
        "SEARCH",
        "TRACE",
        "UNBIND",
        "UNCHECKOUT",
        "UNLINK",
        "UNLOCK",
        "UPDATE",
        "UPDATEREDIRECTREF",
        "VERSION-CONTROL",
    };
    if (same(name, "GET"))
        return METHOD_GET;
    if (same(name, "HEAD"))
        return METHOD_HEAD;
    if (same(name, "OPTIONS"))
        return METHOD_OPTIONS;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (same(name, others[i]))
            return METHOD_OTHER;
    return METHOD_UNKNOWN;
}

static int read_method(struct reader *reader) {
    reader->method_name.at = reader->at;
    for (int c; (c = peek(reader)) >= 0; reader->at++, reader->method_name.len++) {
        if (is_tchar(c))
            continue;
        reader->at++;
        if (c != ' ' || reader->method_name.len == 0)
            return 400;
        reader->out->method = method_of(reader->method_name);
        reader->has_method = true;
        return 0;
    }
    return REQUEST_INCOMPLETE;
}

static void split_path(struct reader *reader, struct slice text) {
    bool found;
    struct slice rest = text;
    reader->out->path = cut(&rest, '?', &found);
    if (found)
        reader->out->query = (struct slice){rest.at - 1, rest.len + 1};
}

/* A whole target. */
static int judge_target(struct reader *reader) {
    struct slice text = reader->target, authority;
    struct reference *out = reader->out;
    if (same(reader->method_name, "CONNECT")) {
        out->authority = text;
        return memchr(text.at, ':', text.len) && is_authority(text) ? 0 : 400;
    }
    if (*text.at == '/') {
        split_path(reader, text);
        return 0;
    }
    if (same(text, "*")) {
        out->path = text;
        return 0;
    }
    size_t scheme = text.len > 7 && strncasecmp(text.at, "http://", 7) == 0    ? 7
                    : text.len > 8 && strncasecmp(text.at, "https://", 8) == 0 ? 8
                                                                               : 0;
    if (!scheme)
        return 400;
    text = (struct slice){text.at + scheme, text.len - scheme};
    authority = (struct slice){text.at, 0};
    while (authority.len < text.len && text.at[authority.len] != '/' && text.at[authority.len] != '?')
        authority.len++;
    if (!is_authority(authority))
        return 400;
    out->authority = authority;
    split_path(reader, (struct slice){text.at + authority.len, text.len - authority.len});
    if (out->path.len == 0)
        out->path = (struct slice){"/", 1};
    return 0;
}

/* Whether some target of a form that the method may have begins with these bytes. */
static bool may_be_target(const struct reader *reader) {
    struct slice text = reader->target;
    size_t len = text.len < 8 ? text.len : 8, short_len = text.len < 7 ? text.len : 7;
    if (same(reader->method_name, "CONNECT") || *text.at == '/')
        return true;
    if (*text.at == '*')
        return text.len == 1 && reader->out->method == METHOD_OPTIONS;
    return strncasecmp(text.at, "http://", short_len) == 0 || strncasecmp(text.at, "https://", len) == 0;
}

static int read_target(struct reader *reader) {
    reader->target.at = reader->at;
    for (int c; (c = peek(reader)) >= 0;) {
        reader->at++;
        if (c == ' ')
            return reader->target.len > 0 ? judge_target(reader) : 400;
        if (!is_target_byte(c))
            return 400;
        reader->target.len++;
        if (reader->target.len <= 9 && !may_be_target(reader))
            return 400;
        if (reader->target.len > TARGET_MAX)
            return 414;
    }
    return REQUEST_INCOMPLETE;
}

static int read_version(struct reader *reader) {
    char text[10] = {0};
    for (size_t i = 0; i < 10; i++) {
        int c = peek(reader);
        if (c < 0)
            return REQUEST_INCOMPLETE;
        reader->at++;
        text[i] = (char)c;
        bool good = i == 5 ? c >= '1' && c <= '9' : i == 7 ? is_digit(c) : c == "HTTP/x.x\r\n"[i];
        if (!good)
            return 400;
    }
    reader->out->has_line = true;
    reader->out->minor_version = text[7] == '0' ? 0 : 1;
    return text[5] == '1' ? 0 : 505;
}

static int judge_length(struct reader *reader, struct slice value) {
    unsigned __int128 length = 0;
    if (reader->has_te || value.len == 0)
        return 400;
    reader->has_cl = true;
    for (size_t i = 0; i < value.len; i++) {
        if (!is_digit(value.at[i]))
            return 400;
        length = length * 10 + (unsigned)(value.at[i] - '0');
        if (length > UINT64_MAX)
            return 400;
    }
    reader->out->body = length ? BODY_LENGTH : BODY_NONE;
    reader->out->body_len = (uint64_t)length;
    return 0;
}

static int judge_transfer_encoding(struct reader *reader, struct slice value) {
    bool more = true, chunked = false, other = false;
    if (reader->has_cl || reader->out->minor_version == 0)
        return 400;
    reader->has_te = true;
    while (more) {
        struct slice coding = trimmed(cut(&value, ',', &more)), name = {coding.at, 0};
        while (name.len < coding.len && is_tchar((unsigned char)coding.at[name.len]))
            name.len++;
        struct slice rest = trimmed((struct slice){coding.at + name.len, coding.len - name.len});
        if (name.len == 0 || chunked || (rest.len && *rest.at != ';'))
            return 400;
        if (!same_nocase(name, "chunked"))
            other = true;
        else if (rest.len)
            return 400;
        else
            chunked = true;
    }
    if (other)
        return 501;
    reader->out->body = BODY_CHUNKED;
    return 0;
}

static void note_connection(struct reader *reader, struct slice value, bool *close, bool *keep) {
    (void)reader;
    for (bool more = true; more;) {
        struct slice option = trimmed(cut(&value, ',', &more));
        *close |= same_nocase(option, "close");
        *keep |= same_nocase(option, "keep-alive");
    }
}

static int judge_field(struct reader *reader, struct slice name, struct slice value, bool *close, bool *keep) {
    static const char *const names[REFERENCE_FIELDS] = {
        "Host",
        "Connection",
        "Content-Length",
        "Transfer-Encoding",
        "Expect",
        "Range",
        "If-Range",
        "If-Match",
        "If-None-Match",
        "If-Modified-Since",
        "If-Unmodified-Since",
        "Accept",
        "Accept-Encoding",
        "Authorization",
        "User-Agent",
        "Referer",
        "X-Forwarded-For",
        "Forwarded",
        "Sec-Fetch-Dest",
        "Sec-Fetch-Mode",
        "Origin",
    };
    struct reference *out = reader->out;
    int field = 0;
    while (field < REFERENCE_FIELDS && !same_nocase(name, names[field]))
        field++;
    if (field == REFERENCE_FIELDS)
        return 0;
    if (out->counts[field]++ > 0) {
        if (field == FIELD_CONNECTION)
            note_connection(reader, value, close, keep);
        return field == FIELD_CONNECTION || field == FIELD_IF_MATCH || field == FIELD_IF_NONE_MATCH ||
                       field == FIELD_ACCEPT || field == FIELD_ACCEPT_ENCODING || field == FIELD_X_FORWARDED_FOR ||
                       field == FIELD_FORWARDED || field == FIELD_USER_AGENT || field == FIELD_REFERER ||
                       field == FIELD_SEC_FETCH_DEST || field == FIELD_SEC_FETCH_MODE || field == FIELD_ORIGIN
                   ? 0
                   : 400;
    }
    out->values[field] = value;
    switch (field) {
    case FIELD_HOST:
        reader->host = value;
        return value.len == 0 || is_authority(value) ? 0 : 400;
    case FIELD_CONNECTION:
        note_connection(reader, value, close, keep);
        return 0;
    case FIELD_CONTENT_LENGTH:
        return judge_length(reader, value);
    case FIELD_TRANSFER_ENCODING:
        return judge_transfer_encoding(reader, value);
    case FIELD_EXPECT:
        out->expect_continue = out->minor_version == 1 && same_nocase(value, "100-continue");
        return 0;
    default:
        return 0;
    }
}

/* One line: 0 when there may be more, 1 when it was the empty one. */
static int read_field(struct reader *reader, bool *close, bool *keep) {
    struct slice name = {reader->at, 0}, value;
    int c, status;
    while ((c = peek(reader)) >= 0 && is_tchar(c))
        reader->at++, name.len++;
    if (c < 0)
        return REQUEST_INCOMPLETE;
    reader->at++;
    if (c != ':' || name.len == 0)
        return 400;
    value = (struct slice){reader->at, 0};
    while ((c = peek(reader)) >= 0 && is_field_byte(c))
        reader->at++, value.len++;
    status = read_line_end(reader);
    return status ? status : judge_field(reader, name, trimmed(value), close, keep);
}

static int read_head(struct reader *reader) {
    bool close = false, keep = false;
    struct reference *out = reader->out;
    int status = 0;
    for (int i = 0; i < EMPTY_LINES_MAX && !status && peek(reader) == '\r'; i++)
        status = read_line_end(reader);
    if (!status)
        status = read_method(reader);
    if (!status)
        status = read_target(reader);
    if (!status)
        status = read_version(reader);
    for (int count = 0; !status && peek(reader) != '\r'; count++) {
        if (peek(reader) < 0)
            return REQUEST_INCOMPLETE;
        if (count == FIELD_COUNT_MAX) {
            reader->at++;
            return 431;
        }
        status = read_field(reader, &close, &keep);
    }
    if (!status)
        status = read_line_end(reader);
    if (status)
        return status;
    if (out->minor_version == 1 && out->counts[FIELD_HOST] == 0)
        return 400;
    if (out->minor_version == 1 && out->counts[FIELD_EXPECT] && !out->expect_continue)
        return 417;
    out->keep_alive = !close && (keep || out->minor_version == 1) && !same(reader->method_name, "CONNECT");
    if (out->authority.len == 0)
        out->authority = reader->host;
    return 0;
}

void reference_head(const char *bytes, size_t len, size_t head_max, struct reference *reference) {
    struct reader reader = {.at = bytes, .end = bytes + (len < head_max ? len : head_max), .out = reference};
    *reference = (struct reference){.method = METHOD_UNKNOWN, .minor_version = 1};
    reference->status = read_head(&reader);
    reference->used = (size_t)(reader.at - bytes);
    if (reference->status == REQUEST_INCOMPLETE && len >= head_max)
        reference->status = reference->has_line ? 431 : reader.has_method ? 414 : 501;
}

static int hex_value(int c) {
    return is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* The length of a size line up to its LF; 0: it isn't whole, -1: it is wrong. *wrong_at: which byte is. */
static int size_line(const char *at, size_t len, uint64_t *size, size_t *wrong_at) {
    enum {
        FIRST,
        DIGITS,
        BLANK,
        NAME_FIRST,
        NAME,
        NAME_BLANK,
        VALUE_FIRST,
        VALUE,
        QUOTED,
        ESCAPED,
        QUOTE,
        END
    } state = FIRST;
    unsigned __int128 value = 0;
    for (size_t i = 0; i < len; i++) {
        int c = (unsigned char)at[i];
        *wrong_at = i;
        if (i >= CHUNK_LINE_MAX)
            return -1;
        if (state == END) {
            *size = (uint64_t)value;
            return c == '\n' ? (int)i + 1 : -1;
        }
        if (state <= DIGITS && is_hex(c)) {
            value = value * 16 + (unsigned)hex_value(c);
            if (value > UINT64_MAX)
                return -1;
            state = DIGITS;
        } else if (state == QUOTED || state == ESCAPED) {
            if (!is_field_byte(c))
                return -1;
            state = state == ESCAPED ? QUOTED : c == '"' ? QUOTE : c == '\\' ? ESCAPED : QUOTED;
        } else if (is_tchar(c)) {
            if (state < NAME_FIRST || state == NAME_BLANK || state == QUOTE)
                return -1;
            state = state <= NAME ? NAME : VALUE;
        } else if (c == ' ' || c == '\t') {
            if (state == FIRST)
                return -1;
            state = state == NAME ? NAME_BLANK : state == DIGITS || state == VALUE || state == QUOTE ? BLANK : state;
        } else if (c == '"' && state == VALUE_FIRST) {
            state = QUOTED;
        } else if (c == '=' && (state == NAME || state == NAME_BLANK)) {
            state = VALUE_FIRST;
        } else if (c == ';' && state != FIRST && state != NAME_FIRST && state != VALUE_FIRST) {
            state = NAME_FIRST;
        } else if (c == '\r' && (state == DIGITS || state == NAME || state == VALUE || state == QUOTE)) {
            state = END;
        } else {
            return -1;
        }
    }
    return 0;
}

/* The same for a trailer section with its empty line. */
static int trailer(const char *at, size_t len, size_t *wrong_at) {
    enum { START, NAME, VALUE, LF, LAST } state = START;
    for (size_t i = 0; i < len; i++) {
        int c = (unsigned char)at[i];
        *wrong_at = i;
        if (i >= TRAILER_MAX)
            return -1;
        switch (state) {
        case START:
        case NAME:
            if (state == START && c == '\r')
                state = LAST;
            else if (state == NAME && c == ':')
                state = VALUE;
            else if (is_tchar(c))
                state = NAME;
            else
                return -1;
            break;
        case VALUE:
            if (c == '\r')
                state = LF;
            else if (!is_field_byte(c))
                return -1;
            break;
        case LF:
            if (c != '\n')
                return -1;
            state = START;
            break;
        case LAST:
            return c == '\n' ? (int)i + 1 : -1;
        }
    }
    return 0;
}

static struct reference_body read_chunks(const char *bytes, size_t len) {
    size_t at = 0, wrong = 0;
    for (;;) {
        uint64_t size;
        int line = size_line(bytes + at, len - at, &size, &wrong);
        if (line <= 0)
            return line < 0 ? (struct reference_body){400, at + wrong}
                            : (struct reference_body){REQUEST_INCOMPLETE, len};
        at += (size_t)line;
        if (size == 0)
            break;
        if (size >= len - at)
            return (struct reference_body){REQUEST_INCOMPLETE, len};
        at += (size_t)size;
        for (int i = 0; i < 2; i++, at++) {
            if (at == len)
                return (struct reference_body){REQUEST_INCOMPLETE, len};
            if (bytes[at] != "\r\n"[i])
                return (struct reference_body){400, at};
        }
    }
    int end = trailer(bytes + at, len - at, &wrong);
    if (end < 0)
        return (struct reference_body){400, at + wrong};
    return end == 0 ? (struct reference_body){REQUEST_INCOMPLETE, len} : (struct reference_body){0, at + (size_t)end};
}

struct reference_body reference_body(enum request_body kind, uint64_t body_len, const char *bytes, size_t len,
                                     size_t discarded) {
    size_t room = BODY_DISCARD_MAX - discarded, most = len < room ? len : room;
    struct reference_body result = {0, 0};
    if (kind == BODY_CHUNKED)
        result = read_chunks(bytes, most);
    else if (kind == BODY_LENGTH)
        result = body_len <= most ? (struct reference_body){0, (size_t)body_len}
                                  : (struct reference_body){REQUEST_INCOMPLETE, most};
    if (result.status == REQUEST_INCOMPLETE && len > room)
        result.status = 413;
    return result;
}
