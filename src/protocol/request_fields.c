/* Framing and routing hang on these values, and every doubt about them is a way to smuggle a request past a proxy that
   doubts differently: whatever isn't exactly the grammar is refused. */
#include "protocol/request_fields.h"

#include "protocol/scan.h"

/* RFC 3986 3.2.2: eight groups of up to four hex digits, "::" once for a run of zero groups, or an IPv4 tail. */
static bool ipv6_valid(struct slice text) {
    size_t groups = 0, digits = 0, i = 0;
    bool gap = false;
    if (slice_starts(text, SLICE("::")))
        gap = true, i = 2;
    for (; i < text.len; i++) {
        if (scan_is(text.at[i], SCAN_HEX)) {
            groups += digits == 0;
            if (++digits > 4)
                return false;
        } else if (text.at[i] == ':' && digits > 0 && i + 1 < text.len) {
            digits = 0;
            if (text.at[i + 1] == ':') {
                if (gap)
                    return false;
                gap = true, i++;
            }
        } else {
            break;
        }
    }
    if (i < text.len) { /* only a dot may come here: the last group was the first part of an IPv4 address */
        unsigned dots = 0, value = 0, length = 0;
        if (digits == 0 || text.at[i] != '.')
            return false;
        for (i -= digits; i < text.len; i++) {
            if (scan_is_digit(text.at[i]) && (length == 0 || value > 0)) {
                value = value * 10 + (unsigned)(text.at[i] - '0'), length++;
                if (value > 255)
                    return false;
            } else if (text.at[i] == '.' && length > 0 && ++dots <= 3) {
                value = length = 0;
            } else {
                return false;
            }
        }
        if (dots != 3 || length == 0)
            return false;
        groups++;
    }
    return gap ? groups <= 7 : groups == 8;
}

/* IPvFuture (RFC 3986 3.2.2): grammar only, there is none yet. */
static bool ipvfuture_valid(struct slice text) {
    size_t i = 1;
    while (i < text.len && scan_is(text.at[i], SCAN_HEX))
        i++;
    if (i == 1 || i + 1 >= text.len || text.at[i] != '.')
        return false;
    while (++i < text.len)
        if (!scan_is(text.at[i], SCAN_REGNAME) && text.at[i] != ':')
            return false;
    return true;
}

static bool port_valid(struct slice text) {
    unsigned value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (!scan_is_digit(text.at[i]))
            return false;
        value = value * 10 + (unsigned)(text.at[i] - '0');
        if (value > 65535)
            return false;
    }
    return true;
}

bool request_authority_valid(struct slice text) {
    const char *at = text.at, *end = text.at + text.len;
    if (text.len > 0 && *at == '[') {
        const char *close = memchr(at, ']', text.len);
        if (!close)
            return false;
        struct slice literal = {at + 1, (size_t)(close - at) - 1};
        bool future = literal.len > 0 && (literal.at[0] == 'v' || literal.at[0] == 'V');
        if (!(future ? ipvfuture_valid(literal) : ipv6_valid(literal)))
            return false;
        at = close + 1;
    } else {
        while ((at = scan_bytes(at, end, SCAN_REGNAME)) < end && *at == '%') {
            if (end - at < 3 || !scan_is(at[1], SCAN_HEX) || !scan_is(at[2], SCAN_HEX))
                return false;
            at += 3;
        }
        if (at == text.at)
            return false;
    }
    return at == end || (*at == ':' && port_valid((struct slice){at + 1, (size_t)(end - at) - 1}));
}

/* As request_authority_valid, where the request line is known to be readable before. */
static bool host_valid(const struct request *request, struct slice value) {
    const char *end = value.at + value.len, *stop = scan_word(request->line.at, value.at, end);
    if (stop == end) /* the usual host, told at once */
        return true;
    if (stop > value.at && *stop == ':')
        return port_valid((struct slice){stop + 1, (size_t)(end - stop) - 1});
    return request_authority_valid(value);
}

static int take_host(struct request *request, struct slice value) {
    if (!host_valid(request, value))
        return 400;
    if (request->authority.len == 0) /* an absolute target's own wins: RFC 9112 3.2.2 */
        request->authority = value;
    return 0;
}

static int take_content_length(struct request *request, struct slice value) {
    uint64_t length = 0;
    if (value.len == 0 || request_has(request, FIELD_TRANSFER_ENCODING))
        return 400;
    for (size_t i = 0; i < value.len; i++) {
        if (!scan_is_digit(value.at[i]))
            return 400;
        unsigned digit = (unsigned)(value.at[i] - '0');
        if (length > (UINT64_MAX - digit) / 10)
            return 400;
        length = length * 10 + digit;
    }
    request->body = length > 0 ? BODY_LENGTH : BODY_NONE;
    request->body_len = length;
    return 0;
}

/* RFC 9112 6.1 and 6.3. Empty elements, which other lists may have, are refused: proxies were smuggled past with them.
 */
static int take_transfer_encoding(struct request *request, struct slice value) {
    bool chunked = false, unknown = false;
    if (request->minor_version == 0 || request_has(request, FIELD_CONTENT_LENGTH))
        return 400;
    for (bool more = true; more;) {
        const char *comma = memchr(value.at, ',', value.len);
        struct slice coding = value;
        more = comma != NULL;
        if (more) {
            coding.len = (size_t)(comma - value.at);
            value = slice_from(value, coding.len + 1);
        }
        coding = slice_trim(coding);
        struct slice name = {coding.at,
                             (size_t)(scan_bytes(coding.at, coding.at + coding.len, SCAN_TOKEN) - coding.at)};
        struct slice parameters = slice_trim(slice_from(coding, name.len));
        if (name.len == 0 || chunked || (parameters.len > 0 && parameters.at[0] != ';'))
            return 400;
        if (!slice_equal_nocase(name, SLICE("chunked")))
            unknown = true;
        else if (parameters.len > 0)
            return 400;
        else
            chunked = true;
    }
    if (unknown)
        return 501;
    request->body = BODY_CHUNKED;
    return 0;
}

/* Another expectation is refused once the head has proved to be sound: framing that is wrong weighs more. */
static int take_expect(struct request *request, struct slice value) {
    request->expect_continue = request->minor_version > 0 && slice_equal_nocase(value, SLICE("100-continue"));
    return 0;
}

/* RFC 9112 9.3. "close" wins over "keep-alive", in whichever line it stands. */
bool request_keep_alive(const struct request *request) {
    bool keep = request->minor_version >= 1;
    struct slice value, option;
    size_t cursor = 0;
    if (!request_has(request, FIELD_CONNECTION))
        return keep;
    value = request->fields[FIELD_CONNECTION];
    if (REQUEST_NAME_IS(value, "keep-alive") && !(request->repeated >> FIELD_CONNECTION & 1)) /* what browsers send */
        return true;
    while (request_next_line(request, FIELD_CONNECTION, &cursor, &value)) {
        while (slice_next_element(&value, &option)) {
            if (slice_equal_nocase(option, SLICE("close")))
                return false;
            if (slice_equal_nocase(option, SLICE("keep-alive")))
                keep = true;
        }
    }
    return keep;
}

int request_field_repeated(struct request *request, enum request_field field) {
    const uint32_t lists = 1u << FIELD_CONNECTION | 1u << FIELD_IF_MATCH | 1u << FIELD_IF_NONE_MATCH |
                           1u << FIELD_ACCEPT | 1u << FIELD_ACCEPT_ENCODING | 1u << FIELD_X_FORWARDED_FOR |
                           1u << FIELD_FORWARDED;
    const uint32_t harmless = 1u << FIELD_USER_AGENT | 1u << FIELD_REFERER | 1u << FIELD_SEC_FETCH_DEST |
                              1u << FIELD_SEC_FETCH_MODE | 1u << FIELD_ORIGIN;
    if (!((lists | harmless) >> field & 1))
        return 400;
    request->repeated |= lists & 1u << field;
    return 0;
}

int request_field_decide(struct request *request, enum request_field field, struct slice value) {
    switch (field) {
    case FIELD_HOST:
        return take_host(request, value);
    case FIELD_CONTENT_LENGTH:
        return take_content_length(request, value);
    case FIELD_TRANSFER_ENCODING:
        return take_transfer_encoding(request, value);
    case FIELD_EXPECT:
        return take_expect(request, value);
    default:
        return 0;
    }
}
