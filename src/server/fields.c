/* Rendered as they are given, one behind the other, in the bytes that every reply copies. */
#include "server/fields.h"
#include "protocol/request_fields.h"
#include "protocol/scan.h"

#include <stdio.h>

bool fields_value_ok(struct slice value) {
    const char *end = value.at + value.len;
    return scan_bytes(value.at, end, SCAN_VALUE) == end && slice_trim(value).len == value.len;
}

/* False when there is no room. */
static bool add_field(struct config *config, struct slice name, struct slice value) {
    size_t len = config->settings.site.fields.len, room = FIELDS_MAX - len;
    if (name.len > room || value.len > room || name.len + value.len + 4 > room)
        return false;
    len += (size_t)snprintf(config->fields + len, room + 1, "%.*s: %.*s\r\n", (int)name.len, name.at, (int)value.len,
                            value.at);
    config->settings.site.fields = (struct slice){config->fields, len};
    return true;
}

static bool has_field(const struct config *config, struct slice name) {
    struct slice rest = config->settings.site.fields;
    while (rest.len > 0) {
        size_t line_len = (size_t)((const char *)memchr(rest.at, '\n', rest.len) - rest.at) + 1;
        size_t name_len = (size_t)((const char *)memchr(rest.at, ':', rest.len) - rest.at);
        if (slice_equal_nocase((struct slice){rest.at, name_len}, name))
            return true;
        rest = slice_from(rest, line_len);
    }
    return false;
}

/* Fields whose value httpd works out itself, or that would end a reply elsewhere than httpd does; and what to use. */
static const struct {
    const char *name, *instead;
} own_fields[] = {
    {"Cache-Control", "use --cache-control"},
    {"Content-Type", "use --mime-types"},
    {"Location", "use --redirect"},
    {"WWW-Authenticate", "use --auth"},
    {"Accept-Ranges", NULL},
    {"Allow", NULL},
    {"Connection", NULL},
    {"Content-Encoding", NULL},
    {"Content-Length", NULL},
    {"Content-Range", NULL},
    {"Date", NULL},
    {"ETag", NULL},
    {"Keep-Alive", NULL},
    {"Last-Modified", NULL},
    {"Proxy-Connection", NULL},
    {"Retry-After", NULL},
    {"Trailer", NULL},
    {"Transfer-Encoding", NULL},
    {"Upgrade", NULL},
    {"Vary", NULL},
    {"X-Content-Type-Options", NULL},
};

bool fields_read(const struct option_given *given) {
    struct slice all = slice_of(given->value);
    const char *colon = memchr(given->value, ':', all.len);
    if (!colon)
        return option_refuse(given);
    struct slice name = {all.at, (size_t)(colon - all.at)}, value = slice_trim(slice_from(all, name.len + 1));
    if (name.len == 0 || scan_bytes(name.at, colon, SCAN_TOKEN) != colon || !fields_value_ok(value))
        return option_refuse(given);
    for (size_t i = 0; i < sizeof own_fields / sizeof own_fields[0]; i++)
        if (slice_equal_nocase(name, slice_of(own_fields[i].name)))
            return option_fail(given, "httpd sets %s itself%s%s", own_fields[i].name, own_fields[i].instead ? ": " : "",
                               own_fields[i].instead ? own_fields[i].instead : "");
    if (!add_field(given->into, name, value))
        return option_fail(given, "one too many (at most %d bytes of fields)", FIELDS_MAX);
    return true;
}

/* RFC 6454 6.2, as browsers send it: what is written otherwise would never be found. */
static bool is_origin(const char *value) {
    size_t scheme_len = strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789+-.");
    if (scheme_len == 0 || strncmp(value + scheme_len, "://", 3) != 0 || strlen(value) > CORS_ORIGIN_LEN_MAX)
        return false;
    struct slice all = slice_of(value), authority = slice_from(all, scheme_len + 3);
    for (size_t i = 0; i < all.len; i++)
        if (all.at[i] != ascii_lower(all.at[i]) || all.at[i] == '*') /* a pattern, somebody hopes */
            return false;
    return authority.len > 0 && request_authority_valid(authority) && !slice_ends(authority, SLICE(":")) &&
           !(slice_starts(all, SLICE("http://")) && slice_ends(authority, SLICE(":80"))) &&
           !(slice_starts(all, SLICE("https://")) && slice_ends(authority, SLICE(":443")));
}

bool fields_read_cors(const struct option_given *given) {
    struct config *config = given->into;
    struct site_config *site = &config->settings.site;
    if (given->value && !is_origin(given->value))
        return option_refuse(given);
    if (given->value && site->cors_count == CORS_ORIGINS_MAX)
        return option_fail(given, "one too many (at most %d)", CORS_ORIGINS_MAX);
    if (given->value)
        site->cors[site->cors_count++] = given->value;
    else
        config->cors = true;
    if (config->cors && site->cors_count > 0)
        return option_fail(given, "either every origin (--cors) or those that are named (--cors=ORIGIN)");
    return true;
}

static bool add_all(struct config *config, const char *const (*fields)[2]) {
    bool ok = true;
    for (; ok && (*fields)[0]; fields++)
        ok = has_field(config, slice_of((*fields)[0])) ||
             add_field(config, slice_of((*fields)[0]), slice_of((*fields)[1]));
    return ok;
}

/* To a request without credentials '*' is every field, but for Authorization, which has to be named. With them it is
   the name of a field (Fetch 3.3.5), so there what a page may want to send and see is listed. */
bool fields_add_presets(struct config *config, char *error, size_t error_size) {
    static const char *const cors[][2] = {
        {"Access-Control-Allow-Origin", "*"},
        {"Access-Control-Allow-Methods", "GET, HEAD, OPTIONS"},
        {"Access-Control-Allow-Headers", "*, Authorization"},
        {"Access-Control-Expose-Headers", "*"},
        {"Cross-Origin-Resource-Policy", "cross-origin"},
        {NULL, NULL},
    };
    static const char *const cors_named[][2] = {
        {"Access-Control-Allow-Methods", "GET, HEAD, OPTIONS"},
        {"Access-Control-Allow-Headers",
         "Authorization, Cache-Control, Content-Type, If-Match, If-Modified-Since, If-None-Match, If-Range, "
         "If-Unmodified-Since, Pragma, Range, X-Requested-With"},
        {"Access-Control-Expose-Headers",
         "Accept-Ranges, Content-Encoding, Content-Length, Content-Range, Date, ETag, Retry-After"},
        {NULL, NULL},
    };
    static const char *const isolate[][2] = {
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Cross-Origin-Embedder-Policy", "require-corp"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {NULL, NULL},
    };
    bool named = config->settings.site.cors_count > 0;
    if (named && (has_field(config, SLICE("Access-Control-Allow-Origin")) ||
                  has_field(config, SLICE("Access-Control-Allow-Credentials")))) {
        snprintf(error, error_size, "-H Access-Control-Allow-...: --cors=ORIGIN says which origins, and credentials");
        return false;
    }
    if ((!config->cors || add_all(config, cors)) && (!named || add_all(config, cors_named)) &&
        (!config->isolate || add_all(config, isolate)))
        return true;
    snprintf(error, error_size, "-H, --cors and --isolate: too much (at most %d bytes of fields)", FIELDS_MAX);
    return false;
}
