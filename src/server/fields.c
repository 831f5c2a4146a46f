/* Rendered as they are given, one behind the other, in the bytes that every reply copies. */
#include "server/fields.h"
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

/* '*' means every field, but for Authorization, which has to be named. */
bool fields_add_presets(struct config *config) {
    static const char *const cors[][2] = {
        {"Access-Control-Allow-Origin", "*"},
        {"Access-Control-Allow-Methods", "GET, HEAD, OPTIONS"},
        {"Access-Control-Allow-Headers", "*, Authorization"},
        {"Access-Control-Expose-Headers", "*"},
        {"Cross-Origin-Resource-Policy", "cross-origin"},
        {NULL, NULL},
    };
    static const char *const isolate[][2] = {
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Cross-Origin-Embedder-Policy", "require-corp"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {NULL, NULL},
    };
    bool ok = true;
    for (int i = 0; config->cors && cors[i][0]; i++)
        if (!has_field(config, slice_of(cors[i][0])))
            ok = ok && add_field(config, slice_of(cors[i][0]), slice_of(cors[i][1]));
    for (int i = 0; config->isolate && isolate[i][0]; i++)
        if (!has_field(config, slice_of(isolate[i][0])))
            ok = ok && add_field(config, slice_of(isolate[i][0]), slice_of(isolate[i][1]));
    return ok;
}
