/* mime_types_next: held against a reader of whole lines; and what look-ups by any name give is a type. */
#include "fuzz.h"
#include "protocol/mime.h"
#include "protocol/mime_types.h"

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

static bool is_token(struct slice s) {
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if (c <= 0x20 || c >= 0x7f || memchr("\"(),/:;<=>?@[\\]{}", c, 17))
            return false;
    }
    return s.len > 0;
}

static bool is_pair(struct slice s, char mark) {
    size_t first = 0;
    while (first < s.len && s.at[first] != mark)
        first++;
    return first < s.len && is_token((struct slice){s.at, first}) && is_token(slice_from(s, first + 1));
}

static bool is_type(struct slice s) {
    for (size_t first = 0, at = 0; at <= s.len; at++) {
        if (at < s.len && s.at[at] != ';')
            continue;
        if (!is_pair((struct slice){s.at + first, at - first}, first == 0 ? '/' : '='))
            return false;
        first = at + 1;
    }
    return true;
}

/* The word of a line at or after *at; empty when there is none. */
static struct slice word_at(struct slice line, size_t *at) {
    while (*at < line.len && is_blank(line.at[*at]))
        ++*at;
    size_t first = *at;
    if (first < line.len && line.at[first] == '#')
        return (struct slice){line.at + first, 0};
    while (*at < line.len && !is_blank(line.at[*at]))
        ++*at;
    return (struct slice){line.at + first, *at - first};
}

static bool line_is_good(struct slice line) {
    size_t at = 0;
    struct slice word = word_at(line, &at);
    if (!is_type(word))
        return false;
    while ((word = word_at(line, &at)).len > 0)
        if (!is_token(word))
            return false;
    return true;
}

static void check_look_up(struct slice name) {
    const char *type = mime_type(name);
    struct slice extension = mime_extension(name), inner;
    enum content_coding coding = mime_coding(name, &inner);
    CHECK(inner.at == name.at && inner.len <= name.len && (coding != CODING_IDENTITY || inner.len == name.len));
    CHECK(!type || is_type((struct slice){type, strcspn(type, ";")}));
    CHECK(extension.len == 0 ||
          (extension.at > name.at && extension.at + extension.len == name.at + name.len && extension.at[-1] == '.' &&
           !memchr(extension.at, '/', extension.len) && !memchr(extension.at, '.', extension.len)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct room room;
    if (room.first == 0)
        room_clear(&room);
    struct slice all = {room_put(&room, size, data, size), size}, text = all, type = {0}, extension;
    for (size_t at = 0, end; at < size; at = end + 1) {
        for (end = at; end < size && all.at[end] != '\n';)
            end++;
        struct slice line = {all.at + at, end - at}, word, wanted;
        size_t in_line = 0;
        check_look_up(line);
        if (!line_is_good(line))
            continue;
        wanted = word_at(line, &in_line);
        while ((word = word_at(line, &in_line)).len > 0) {
            CHECK(mime_types_next(&text, &type, &extension));
            CHECK(type.at == wanted.at && type.len == wanted.len);
            CHECK(extension.at == word.at && extension.len == word.len);
            mime_wants_charset(type);
        }
    }
    CHECK(!mime_types_next(&text, &type, &extension));
    return 0;
}
