/* Decoding and dot segments in one pass over the raw path. Each segment is decoded to the end of what is written so
   far and only then judged, so "%2e%2e" is "..", and a "%2F" ends a segment as "/" does before anything is judged:
   nothing is ever decoded twice, or split after it was judged. The invariant between segments: `out` is empty or ends
   with '/', and holds no empty, "." or ".." segment. Taking a ".." back is therefore to drop the final slash and
   everything after the one before it. */
#include "protocol/path.h"

static int hex_value(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes the segment at raw[*at] up to the next '/', written as itself or as %2F, or the end, appending to `out`; *at
   is past that slash then, and *more says whether there was one. Returns 0 or the status. */
static int decode_segment(struct slice raw, size_t *at, char *out, size_t *len, bool *more) {
    *more = false;
    while (*at < raw.len && !*more) {
        char c = raw.at[(*at)++];
        if (c == '%') {
            int high = *at < raw.len ? hex_value(raw.at[*at]) : -1;
            int low = high >= 0 && *at + 1 < raw.len ? hex_value(raw.at[*at + 1]) : -1;
            if (low < 0)
                return 400;
            c = (char)(high * 16 + low);
            *at += 2;
        }
        if (c == '\0')
            return 400;
        *more = c == '/';
        if (!*more && *len == PATH_LEN_MAX)
            return 414;
        if (!*more)
            out[(*len)++] = c;
    }
    return 0;
}

static bool is_dot(struct slice segment) {
    return segment.len == 1 && segment.at[0] == '.';
}

static bool is_dot_dot(struct slice segment) {
    return segment.len == 2 && segment.at[0] == '.' && segment.at[1] == '.';
}

int path_decode(struct slice raw, char *out, size_t *len) {
    if (raw.len == 0 || raw.at[0] != '/')
        return 400;
    size_t at = 1, n = 0;
    for (bool more = true; more;) {
        size_t first = n;
        int status = decode_segment(raw, &at, out, &n, &more);
        if (status != 0)
            return status;
        struct slice segment = {out + first, n - first};
        if (segment.len == 0 || is_dot(segment)) {
            n = first;
        } else if (is_dot_dot(segment)) {
            if (first == 0)
                return 400;
            n = first - 1;
            while (n > 0 && out[n - 1] != '/')
                n--;
        } else if (more) {
            if (n == PATH_LEN_MAX)
                return 414;
            out[n++] = '/';
        }
    }
    out[n] = '\0';
    *len = n;
    return 0;
}

/* Takes the bytes up to the next '/' or the end, and that slash, off the path. */
static struct slice next_segment(struct slice *path) {
    const char *slash = memchr(path->at, '/', path->len);
    struct slice segment = {path->at, slash ? (size_t)(slash - path->at) : path->len};
    *path = slice_from(*path, segment.len + (slash ? 1 : 0));
    return segment;
}

bool path_is_plain(struct slice raw) {
    if (raw.len == 0 || raw.at[0] != '/' || raw.len - 1 > PATH_LEN_MAX)
        return false;
    if (memchr(raw.at, '%', raw.len) || memchr(raw.at, '\0', raw.len))
        return false;
    struct slice rest = slice_from(raw, 1);
    while (rest.len > 0) {
        struct slice segment = next_segment(&rest);
        if (segment.len == 0 || is_dot(segment) || is_dot_dot(segment))
            return false;
    }
    return true;
}

bool path_has_dotfile(struct slice path) {
    bool first = true;
    while (path.len > 0) {
        struct slice segment = next_segment(&path);
        if (segment.len > 0 && segment.at[0] == '.' && !(first && slice_equal(segment, SLICE(".well-known"))))
            return true;
        first = false;
    }
    return false;
}

/* Of the sub-delims '&' and '\'' don't stay: what is made here is put into HTML attributes. Of the other characters a
   path may hold (RFC 3986 3.3) ':' doesn't: in a relative link the first segment would be taken for a scheme. */
static bool stays(char c) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
        return true;
    static const char others[] = "-._~/!$()*+,;=";
    return memchr(others, c, sizeof others - 1) != NULL;
}

size_t path_encode(struct slice path, char *out, size_t size) {
    static const char digits[] = "0123456789ABCDEF";
    size_t n = 0;
    for (size_t i = 0; i < path.len; i++) {
        char c = path.at[i];
        size_t need = stays(c) ? 1 : 3;
        if (size - n < need)
            return 0;
        if (need == 1) {
            out[n++] = c;
        } else {
            out[n++] = '%';
            out[n++] = digits[(unsigned char)c / 16];
            out[n++] = digits[(unsigned char)c % 16];
        }
    }
    return n;
}
