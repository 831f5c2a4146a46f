/* The presets are formats like any other. */
#include "observe/log_format.h"
#include "base/check.h"
#include "protocol/request_fields.h"

#include <stdio.h>

#define COMMON "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent"

static const struct {
    const char *name, *text;
} presets[] = {
    {"common", COMMON},
    {"combined", COMMON " \"$http_referer\" \"$http_user_agent\""},
    {"json", "{\"time\":\"$time_iso8601\",\"remote_addr\":\"$remote_addr\",\"remote_user\":\"$remote_user\","
             "\"method\":\"$request_method\",\"uri\":\"$request_uri\",\"protocol\":\"$server_protocol\","
             "\"status\":$status,\"body_bytes_sent\":$body_bytes_sent,\"request_time\":$request_time,"
             "\"completion\":\"$request_completion\",\"host\":\"$http_host\",\"referer\":\"$http_referer\","
             "\"user_agent\":\"$http_user_agent\",\"connection\":$connection}"},
};

/* `most`: bytes that it stands for, where that isn't a value of the request's. */
static const struct {
    const char *name;
    size_t most;
} names[LOG_NAME_COUNT] = {
    [LOG_REMOTE_ADDR] = {"remote_addr", 46},
    [LOG_REMOTE_PORT] = {"remote_port", 5},
    [LOG_REMOTE_USER] = {"remote_user", 0},
    [LOG_REQUEST] = {"request", 0},
    [LOG_REQUEST_METHOD] = {"request_method", 0},
    [LOG_REQUEST_URI] = {"request_uri", 0},
    [LOG_ARGS] = {"args", 0},
    [LOG_SERVER_PROTOCOL] = {"server_protocol", 0},
    [LOG_REQUEST_LENGTH] = {"request_length", 20},
    [LOG_HTTP_FIELD] = {"http_NAME", 0},
    [LOG_CONNECTION] = {"connection", 20},
    [LOG_CONNECTION_REQUESTS] = {"connection_requests", 20},
    [LOG_STATUS] = {"status", 20},
    [LOG_BYTES_SENT] = {"bytes_sent", 20},
    [LOG_BODY_BYTES_SENT] = {"body_bytes_sent", 20},
    [LOG_REQUEST_TIME] = {"request_time", 28},
    [LOG_REQUEST_COMPLETION] = {"request_completion", 2},
    [LOG_TIME_LOCAL] = {"time_local", 26},
    [LOG_TIME_ISO8601] = {"time_iso8601", 25},
    [LOG_MSEC] = {"msec", 24},
    [LOG_PID] = {"pid", 20},
    [LOG_CLOCK] = {"~clock", 8},
    [LOG_COLOUR] = {"~colour", 8},
    [LOG_PLAIN] = {"~plain", 8},
    [LOG_SIZE] = {"~size", 24},
    [LOG_DURATION] = {"~duration", 24},
};

/* While one is compiled. */
struct compiling {
    struct log_format *format;
    struct slice rest, literal; /* before the next name */
    char *error;
    size_t error_size;
};

static bool fail(const struct compiling *compiling, const char *what, struct slice of) {
    size_t size = compiling->error_size;
    char *error = compiling->error;
    size_t len = (size_t)snprintf(error, size, "%s%.*s (common, combined, json, or a text with names: $$", what,
                                  (int)(of.len < 64 ? of.len : 64), of.at);
    for (int i = 1; i < LOG_CLOCK && len < size; i++)
        len += (size_t)snprintf(error + len, size - len, " $%s", names[i].name);
    if (len < size)
        snprintf(error + len, size - len, ")");
    return false;
}

static bool add_part(struct compiling *compiling, struct log_part part) {
    struct log_format *format = compiling->format;
    if (format->part_count == LOG_PARTS_MAX)
        return fail(compiling, "too long", (struct slice){0});
    part.literal = compiling->literal;
    compiling->literal.len = 0;
    format->fixed_max += part.literal.len;
    if (part.name != LOG_NOTHING)
        format->fixed_max += names[part.name].most > 0 ? names[part.name].most : LOG_VALUE_LEAST;
    if (format->fixed_max >= LOG_LINE_MAX)
        return fail(compiling, "too long", (struct slice){0});
    format->parts[format->part_count++] = part;
    return true;
}

/* A literal that follows another is a part of its own. */
static bool add_literal(struct compiling *compiling, struct slice literal) {
    if (compiling->literal.len > 0 && !add_part(compiling, (struct log_part){.name = LOG_NOTHING}))
        return false;
    compiling->literal = literal;
    return true;
}

/* Where it is kept; each value once. -1: there are too many. */
static int value_place(struct log_format *format, const struct log_value *value) {
    unsigned i = 0;
    while (i < format->value_count &&
           (format->values[i].from != value->from || strcmp(format->values[i].name, value->name) != 0))
        i++;
    if (i == LOG_VALUES_MAX)
        return -1;
    if (i == format->value_count)
        format->values[format->value_count++] = *value;
    return (int)i;
}

/* A field's name as it stands in a format: "user_agent" for User-Agent. */
static bool field_of(struct slice name, struct log_value *value) {
    char hyphens[sizeof value->name];
    if (name.len == 0 || name.len >= sizeof value->name)
        return false;
    memcpy(value->name, name.at, name.len);
    for (size_t i = 0; i < name.len; i++)
        hyphens[i] = value->name[i] == '_' ? '-' : value->name[i];
    value->from = LOG_HTTP_FIELD;
    value->field = request_field_named((struct slice){hyphens, name.len});
    return true;
}

static bool add_value(struct compiling *compiling, enum log_name name, const struct log_value *value) {
    int place = value_place(compiling->format, value);
    if (place < 0)
        return fail(compiling, "too many different values of requests", (struct slice){0});
    return add_part(compiling, (struct log_part){.name = name, .value = (uint8_t)place});
}

static bool add_name(struct compiling *compiling, struct slice name, bool of_ours) {
    struct log_value value = {.from = LOG_REQUEST};
    if (slice_starts(name, SLICE("http_")) && field_of(slice_from(name, 5), &value))
        return add_value(compiling, LOG_HTTP_FIELD, &value);
    for (int i = 1; i < (of_ours ? LOG_NAME_COUNT : LOG_CLOCK); i++) {
        if (i == LOG_HTTP_FIELD || !slice_equal(name, slice_of(names[i].name)))
            continue;
        if (names[i].most > 0)
            return add_part(compiling, (struct log_part){.name = (enum log_name)i});
        if (i == LOG_REMOTE_USER)
            value.from = LOG_REMOTE_USER;
        return add_value(compiling, (enum log_name)i, &value);
    }
    return fail(compiling, name.len > 0 ? "no such name: $" : "a name is missing behind $", name);
}

static bool is_name_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* $name, ${name} or $$, which `rest` begins with. */
static bool compile_name(struct compiling *compiling, bool of_ours) {
    struct slice rest = slice_from(compiling->rest, 1), name = {rest.at, 0};
    bool braces = rest.len > 0 && rest.at[0] == '{';
    if (rest.len > 0 && rest.at[0] == '$') {
        compiling->rest = slice_from(rest, 1);
        return add_literal(compiling, SLICE("$"));
    }
    if (braces)
        rest = slice_from(rest, 1), name.at = rest.at;
    while (name.len < rest.len && (is_name_byte(name.at[name.len]) || (of_ours && name.at[name.len] == '~')))
        name.len++;
    rest = slice_from(rest, name.len);
    if (braces && (rest.len == 0 || rest.at[0] != '}'))
        return fail(compiling, "'}' is missing behind ${", name);
    compiling->rest = slice_from(rest, braces);
    return add_name(compiling, name, of_ours);
}

static bool compile(struct log_format *format, const char *text, bool of_ours, char *error, size_t error_size) {
    struct compiling compiling = {format, slice_of(text), {0}, error, error_size};
    *format = (struct log_format){.json = text[0] == '{'};
    while (compiling.rest.len > 0) {
        const char *dollar = memchr(compiling.rest.at, '$', compiling.rest.len);
        struct slice literal = {compiling.rest.at, dollar ? (size_t)(dollar - compiling.rest.at) : compiling.rest.len};
        for (size_t i = 0; i < literal.len; i++)
            if ((unsigned char)literal.at[i] < ' ' && literal.at[i] != '\t')
                return fail(&compiling, "control bytes", (struct slice){0});
        if (literal.len > 0 && !add_literal(&compiling, literal))
            return false;
        compiling.rest = slice_from(compiling.rest, literal.len);
        if (dollar && !compile_name(&compiling, of_ours))
            return false;
    }
    return add_literal(&compiling, (struct slice){0});
}

bool log_format_compile(struct log_format *format, const char *text, char *error, size_t error_size) {
    struct compiling nothing = {format, {0}, {0}, error, error_size};
    for (size_t i = 0; i < sizeof presets / sizeof presets[0]; i++)
        if (strcmp(text, presets[i].name) == 0)
            text = presets[i].text;
    if (!strchr(text, '$'))
        return fail(&nothing, "no such format", (struct slice){0});
    return compile(format, text, false, error, error_size);
}

void log_format_for_terminal(struct log_format *format, bool colours) {
    static const char coloured[] =
        "${~clock}  ${~colour}$status${~plain}  $request_method $request_uri  ${~size}  ${~duration}";
    static const char plain[] = "${~clock}  $status  $request_method $request_uri  ${~size}  ${~duration}";
    char error[256];
    CHECK(compile(format, colours ? coloured : plain, true, error, sizeof error));
}
