/* Values are kept as they came, each once, one behind the other, and escaped when the line is made. */
#include "observe/log_keep.h"
#include "base/base64.h"
#include "base/check.h"
#include "base/copy.h"
#include "observe/log_line.h"
#include "protocol/request_fields.h"

/* Parts of the head, none of them twice; but the user's name, decoded, comes besides what it was decoded from. */
size_t log_line_keep_max(size_t head_max) {
    return sizeof(struct log_kept) + head_max + LOG_VALUE_MAX;
}

/* Up to the first end of a line, of those that don't stand before everything. */
static struct slice first_line(struct slice raw) {
    size_t len = 0;
    while (raw.len > 0 && (raw.at[0] == '\r' || raw.at[0] == '\n'))
        raw = slice_from(raw, 1);
    while (len < raw.len && raw.at[len] != '\r' && raw.at[len] != '\n')
        len++;
    return (struct slice){raw.at, len};
}

static bool is_named(struct slice line, const char *name, size_t len) {
    if (line.len <= len || line.at[len] != ':')
        return false;
    for (size_t i = 0; i < len; i++)
        if ((line.at[i] == '-' ? '_' : ascii_lower(line.at[i])) != name[i])
            return false;
    return true;
}

/* Of a field that the parser doesn't know: the first of its lines. */
static struct slice find_field(const struct request *request, const char *name) {
    size_t len = strlen(name);
    struct slice rest = request->lines;
    while (rest.len > 0) {
        const char *end = memchr(rest.at, '\n', rest.len);
        struct slice line = {rest.at, end ? (size_t)(end - rest.at) : rest.len};
        rest = slice_from(rest, end ? line.len + 1 : line.len);
        if (line.len > 0 && line.at[line.len - 1] == '\r')
            line.len--;
        if (is_named(line, name, len))
            return slice_trim(slice_from(line, len + 1));
    }
    return (struct slice){0};
}

/* Decodes "Basic ..." to the user's name. Returns its length. */
static size_t keep_user(struct slice authorization, char *out) {
    static const struct slice scheme = {"Basic ", 6};
    size_t len;
    struct slice value = slice_trim(authorization);
    if (value.len > LOG_VALUE_MAX || value.len <= scheme.len ||
        !slice_equal_nocase((struct slice){value.at, scheme.len}, scheme))
        return 0;
    value = slice_trim(slice_from(value, scheme.len));
    if (!base64_decode(value, out, value.len, &len))
        return 0;
    const char *colon = memchr(out, ':', len);
    return colon ? (size_t)(colon - out) : 0; /* what is behind is overwritten by the next, or never looked at */
}

static size_t keep_value(const struct log_value *value, const struct asked *asked, char *out) {
    const struct request *request = asked->request;
    struct slice found = {0};
    if (value->from == LOG_REQUEST)
        found = asked->whole ? request->line : first_line(asked->raw);
    else if (!asked->whole)
        return 0;
    else if (value->from == LOG_REMOTE_USER)
        return keep_user(request_value(request, FIELD_AUTHORIZATION), out);
    else if (value->field != FIELD_COUNT)
        found = request_value(request, value->field);
    else
        found = find_field(request, value->name);
    size_t len = found.len < LOG_VALUE_MAX ? found.len : LOG_VALUE_MAX;
    copy_short(out, found.at, len);
    return len;
}

size_t log_line_keep(const struct log_format *format, const struct asked *asked, const struct log_asker *asker,
                     char *kept) {
    struct log_kept *head = (struct log_kept *)(void *)kept;
    size_t end = 0;
    head->format = format;
    head->from = asked->from ? *asked->from : (struct address){.kind = ADDRESS_NONE};
    head->asker = *asker;
    if (asked->whole)
        head->request_len =
            (uint32_t)(asked->request->lines.at + asked->request->lines.len + 2 - asked->request->line.at);
    else
        head->request_len = (uint32_t)asked->raw.len;
    head->ends[0] = 0;
    for (unsigned i = 0; i < format->value_count; i++) {
        end += keep_value(&format->values[i], asked, head->values + end);
        head->ends[i + 1] = (uint16_t)end;
    }
    return offsetof(struct log_kept, values) + end;
}
