/* The rules for all replies first, then those that a row spells out. */
#include "check.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* RFC 9110 section 5.6.7: only the preferred form may be sent. -1 for anything else. */
static time_t fixdate(const char *text) {
    static const char form[] = "%a, %d %b %Y %H:%M:%S GMT";
    struct tm parts = {0};
    const char *end = strptime(text, form, &parts);
    if (!end || *end)
        return -1;
    char again[64];
    time_t when = timegm(&parts);
    return strftime(again, sizeof again, form, &parts) > 0 && strcmp(again, text) == 0 ? when : -1;
}

static void check_dates(const struct reply *reply, struct bytes *faults) {
    const char *date = reply_field(reply, "Date");
    const char *modified = reply_field(reply, "Last-Modified");
    time_t now = time(NULL), sent = date ? fixdate(date) : -1;
    if (sent < now - 5 || sent > now + 5)
        bytes_addf(faults, "Date is missing, malformed or wrong; ");
    if (modified && (fixdate(modified) < 0 || fixdate(modified) > sent))
        bytes_addf(faults, "Last-Modified is malformed or in the future; ");
}

static void check_single(const struct reply *reply, struct bytes *faults) {
    static const char *const names[] = {
        "Allow", "Connection", "Content-Encoding", "Content-Length", "Content-Range",    "Content-Type",
        "Date",  "ETag",       "Last-Modified",    "Location",       "WWW-Authenticate", "Accept-Ranges",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (reply_field_count(reply, names[i]) > 1)
            bytes_addf(faults, "%s comes more than once; ", names[i]);
}

static void check_etag(const struct reply *reply, struct bytes *faults) {
    const char *etag = reply_field(reply, "ETag");
    size_t len = etag ? strlen(etag) : 0;
    if (etag && (len < 3 || etag[0] != '"' || etag[len - 1] != '"' || strchr(etag + 1, '"') != etag + len - 1 ||
                 strchr(etag, ' ')))
        bytes_addf(faults, "ETag is not a strong entity tag; ");
    if (!etag && (reply->status == 206 || reply->status == 304))
        bytes_addf(faults, "ETag is missing; ");
}

static void require(const struct reply *reply, const char *name, const char *value, struct bytes *faults) {
    const char *came = reply_field(reply, name);
    if (!came || (value && strcmp(came, value) != 0))
        bytes_addf(faults, "%s is \"%s\", not %s; ", name, came ? came : "(missing)", value ? value : "there");
}

static void forbid(const struct reply *reply, const char *name, struct bytes *faults) {
    if (reply_field(reply, name))
        bytes_addf(faults, "%s should not be there; ", name);
}

static void check_partial(const struct reply *reply, struct bytes *faults) {
    const char *type = reply_field(reply, "Content-Type");
    bool parts = type && strncasecmp(type, "multipart/byteranges;", 21) == 0;
    if (parts) {
        forbid(reply, "Content-Range", faults);
        return;
    }
    require(reply, "Content-Range", NULL, faults);
    const char *range = reply_field(reply, "Content-Range");
    unsigned long long first, last, whole;
    int end = 0;
    if (range && (sscanf(range, "bytes %llu-%llu/%llu%n", &first, &last, &whole, &end) != 3 || range[end] ||
                  last < first || last >= whole || last - first + 1 != reply->body.len))
        bytes_addf(faults, "Content-Range \"%s\" doesn't fit a body of %zu bytes; ", range, reply->body.len);
}

static void check_error(const struct reply *reply, bool to_head, bool custom_body, struct bytes *faults) {
    require(reply, "Content-Type", "text/html; charset=utf-8", faults);
    require(reply, "Content-Length", NULL, faults);
    forbid(reply, "Content-Encoding", faults);
    forbid(reply, "Last-Modified", faults);
    char status[16];
    snprintf(status, sizeof status, "%d", reply->status);
    if (!to_head && !custom_body && (reply->body.len == 0 || !strstr(reply->body.at, status)))
        bytes_addf(faults, "the body doesn't say the status; ");
}

void check_any(const struct reply *reply, bool to_head, bool custom_body, struct bytes *faults) {
    check_dates(reply, faults);
    check_single(reply, faults);
    check_etag(reply, faults);
    if (reply->status == 200 || reply->status == 206) {
        require(reply, "X-Content-Type-Options", "nosniff", faults);
        require(reply, "Content-Type", NULL, faults);
        require(reply, "Content-Length", NULL, faults);
    }
    if (reply->status == 206)
        check_partial(reply, faults);
    if (reply->status == 301)
        require(reply, "Location", NULL, faults);
    if (reply->status == 304)
        forbid(reply, "Content-Type", faults);
    if (reply->status == 401)
        require(reply, "WWW-Authenticate", NULL, faults);
    if (reply->status == 405 || reply->status == 204)
        require(reply, "Allow", "GET, HEAD, OPTIONS", faults);
    if (reply->status == 416 && strncmp(reply_field_text(reply, "Content-Range"), "bytes */", 8) != 0)
        bytes_addf(faults, "416 without Content-Range: bytes */LENGTH; ");
    if (reply->status >= 400)
        check_error(reply, to_head, custom_body, faults);
}

/* One of the four forms of row.h. */
static void check_field(const struct reply *reply, const char *want, struct bytes *faults) {
    if (*want == '!') {
        forbid(reply, want + 1, faults);
        return;
    }
    size_t name_len = strcspn(want, ":~");
    char *name = strndup(want, name_len);
    const char *came = reply_field(reply, name);
    const char *value = want + name_len + 1;
    if (want[name_len] == ':')
        require(reply, name, value + strspn(value, " "), faults);
    else if (!came || (want[name_len] == '~' && !strcasestr(came, value)))
        bytes_addf(faults, "%s is \"%s\", not %s; ", name, came ? came : "(missing)", want);
    free(name);
}

/* White space between JSON's tokens is the server's choice. */
static void add_without_space(struct bytes *to, const struct bytes *json) {
    bool quoted = false;
    for (size_t i = 0; i < json->len; i++) {
        char c = json->at[i];
        if (c == '"' && !(quoted && json->at[i - 1] == '\\'))
            quoted = !quoted;
        if (quoted || !strchr(" \t\r\n", c))
            bytes_add(to, &c, 1);
    }
}

static void check_contains(const struct row *row, const struct reply *reply, struct bytes *faults) {
    const char *type = reply_field(reply, "Content-Type");
    struct bytes text = {0};
    bytes_addf(&text, "%s", "");
    if (type && strncmp(type, "application/json", 16) == 0)
        add_without_space(&text, &reply->body);
    else
        bytes_add(&text, reply->body.at, reply->body.len);
    const char *at = text.at;
    for (const char *const *part = row->contains; part && *part && at; part++) {
        const char *found = memmem(at, text.len - (size_t)(at - text.at), *part, strlen(*part));
        if (!found)
            bytes_addf(faults, "the body lacks \"%s\" (in this place); ", *part);
        at = found ? found + strlen(*part) : NULL;
    }
    for (const char *const *part = row->contains_no; part && *part; part++)
        if (memmem(text.at, text.len, *part, strlen(*part)))
            bytes_addf(faults, "the body has \"%s\"; ", *part);
    bytes_free(&text);
}

static void check_body(const struct row *row, const struct reply *reply, struct bytes *faults) {
    if (row->body_kind == BODY_EXACT &&
        (reply->body.len != row->body_len || memcmp(reply->body.at, row->body, row->body_len) != 0))
        bytes_addf(faults, "the body is not the one expected; ");
    if (row->body_kind == BODY_LENGTH && reply->body.len != row->body_len)
        bytes_addf(faults, "the body has %zu bytes, not %zu; ", reply->body.len, row->body_len);
    if (row->body_kind == BODY_PARTS)
        check_parts(reply, row->body, faults);
}

void check_row(const struct row *row, const struct reply *reply, struct tags *tags, struct bytes *faults) {
    if (reply->status != row->status && (row->other_status == 0 || reply->status != row->other_status))
        bytes_addf(faults, "status %d, not %d; ", reply->status, row->status);
    for (const char *const *field = row->fields; field && *field; field++) {
        struct bytes want = {0};
        expand(&want, *field, strlen(*field), tags);
        check_field(reply, want.at, faults);
        bytes_free(&want);
    }
    check_body(row, reply, faults);
    check_contains(row, reply, faults);
}
