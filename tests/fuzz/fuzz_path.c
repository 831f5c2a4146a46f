/* path_decode, path_is_plain, path_has_dotfile and path_encode: held against a reader that decodes first and splits
   after, and against each other. */
#include "base/bounds.h"
#include "fuzz.h"
#include "protocol/path.h"

static int hex(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Decodes all of it once: what is split after that can't be decoded again. False: an escape or a byte that may not be.
 */
static bool reference_unescape(struct slice raw, char *out, size_t *len) {
    *len = 0;
    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.at[i];
        if (c == '%') {
            int high = i + 1 < raw.len ? hex(raw.at[i + 1]) : -1, low = i + 2 < raw.len ? hex(raw.at[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (c == '\0')
            return false;
        out[(*len)++] = c;
    }
    return true;
}

/* What path_decode says, without its bound on the length. Segments end in a slash but maybe the last. */
static int reference_decode(struct slice raw, char *out, size_t *len) {
    static size_t begins[ROOM_LEN];
    static char text[ROOM_LEN];
    size_t depth = 0, n = 0, text_len;
    if (raw.len == 0 || raw.at[0] != '/' || !reference_unescape(raw, text, &text_len))
        return 400;
    for (size_t i = 1, next; i <= text_len; i = next + 1) {
        for (next = i; next < text_len && text[next] != '/';)
            next++;
        size_t first = n, segment = next - i;
        if (segment == 2 && text[i] == '.' && text[i + 1] == '.') {
            if (depth == 0)
                return 400;
            n = begins[--depth];
        } else if (segment > 0 && !(segment == 1 && text[i] == '.')) {
            begins[depth++] = first;
            memcpy(out + n, text + i, segment);
            n += segment;
            if (next < text_len)
                out[n++] = '/';
        }
    }
    *len = n;
    return 0;
}

static bool reference_dotfile(const char *path, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (path[i] != '.' || (i > 0 && path[i - 1] != '/'))
            continue;
        bool known = i == 0 && len >= 11 && memcmp(path, ".well-known", 11) == 0 && (len == 11 || path[11] == '/');
        if (!known)
            return true;
    }
    return false;
}

static void check_clean(struct slice path) {
    const char *at = path.at, *end = path.at + path.len;
    CHECK(at == end || *at != '/');
    while (at < end) {
        const char *slash = memchr(at, '/', (size_t)(end - at)), *stop = slash ? slash : end;
        struct slice segment = {at, (size_t)(stop - at)};
        CHECK(segment.len > 0 && !slice_equal(segment, SLICE(".")) && !slice_equal(segment, SLICE("..")));
        at = stop + (slash != NULL);
    }
    CHECK(!memchr(path.at, '\0', path.len));
}

static void check_encoding(struct slice path, struct slice encoded) {
    static char again[PATH_LEN_MAX + 1], raw[3 * PATH_LEN_MAX + 2];
    size_t len;
    for (size_t i = 0; i < encoded.len; i++) {
        char c = encoded.at[i];
        bool alnum = (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || (c >= '0' && c <= '9');
        CHECK(alnum || memchr("%-._~/!$()*+,;=", c, 15));
    }
    raw[0] = '/';
    memcpy(raw + 1, encoded.at, encoded.len);
    CHECK(path_decode((struct slice){raw, encoded.len + 1}, again, &len) == 0);
    CHECK(slice_equal((struct slice){again, len}, path));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct room room, decoded_room, encoded_room;
    static char wanted[ROOM_LEN];
    struct input input = {data, data + size};
    unsigned how = input_byte(&input), where = input_pair(&input);
    size_t len = SIZE_MAX, wanted_len = 0;
    if (room.first == 0) {
        room_clear(&room);
        room_clear(&decoded_room);
        room_clear(&encoded_room);
    }
    struct slice raw = room_inflate(&room, input_rest(&input), how, where);
    char *out = room_for(&decoded_room, 0, PATH_LEN_MAX + 1);
    int status = path_decode(raw, out, &len);
    int wanted_status = reference_decode(raw, wanted, &wanted_len);
    if (status == 414) {
        CHECK(raw.len > PATH_LEN_MAX); /* it may have been too long on the way only */
    } else {
        CHECK(status == wanted_status);
    }
    bool plain = path_is_plain(raw);
    if (status != 0) {
        CHECK(!plain);
        return 0;
    }
    struct slice path = {out, len};
    CHECK(len <= PATH_LEN_MAX && out[len] == '\0' && slice_equal(path, (struct slice){wanted, wanted_len}));
    check_clean(path);
    CHECK(plain == (!memchr(raw.at, '%', raw.len) && slice_equal(path, slice_from(raw, 1))));
    CHECK(path_has_dotfile(path) == reference_dotfile(out, len));

    char *encoded = room_for(&encoded_room, 0, 3 * PATH_LEN_MAX);
    size_t encoded_len = path_encode(path, encoded, 3 * PATH_LEN_MAX);
    CHECK(encoded_len >= len && (encoded_len > 0) == (len > 0));
    check_encoding(path, (struct slice){encoded, encoded_len});
    if (encoded_len > 0) { /* just enough room, and a byte less */
        encoded = room_for(&encoded_room, 0, encoded_len);
        CHECK(path_encode(path, encoded, encoded_len) == encoded_len);
        encoded = room_for(&encoded_room, 0, encoded_len - 1);
        CHECK(path_encode(path, encoded, encoded_len - 1) == 0);
    }
    return 0;
}
