/* A line is looked through whole before anything of it is told, so that one with a defect tells nothing. */
#include "protocol/mime_types.h"

/* A token (RFC 9110 5.6.2). */
static bool is_token(struct slice s) {
    static const char marks[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i], low = ascii_lower(c);
        if (!(low >= 'a' && low <= 'z') && !(c >= '0' && c <= '9') && !memchr(marks, c, sizeof marks - 1))
            return false;
    }
    return s.len > 0;
}

static size_t len_before(struct slice s, char mark) {
    const char *end = s.len > 0 ? memchr(s.at, mark, s.len) : NULL;
    return end ? (size_t)(end - s.at) : s.len;
}

/* Two tokens with `mark` between them. */
static bool is_pair(struct slice s, char mark) {
    size_t len = len_before(s, mark);
    return len < s.len && is_token((struct slice){s.at, len}) && is_token(slice_from(s, len + 1));
}

bool mime_types_valid(struct slice type) {
    return is_pair(type, '/');
}

static bool is_type_with_parameters(struct slice word) {
    size_t len = len_before(word, ';');
    bool good = mime_types_valid((struct slice){word.at, len});
    while (good && len < word.len) {
        word = slice_from(word, len + 1);
        len = len_before(word, ';');
        good = is_pair((struct slice){word.at, len}, '=');
    }
    return good;
}

/* Takes the next word off what is left of a line, which ends at '\n'; false at its end or at a comment. */
static bool next_word(struct slice *text, struct slice *word) {
    while (text->len > 0 && (text->at[0] == ' ' || text->at[0] == '\t' || text->at[0] == '\r'))
        *text = slice_from(*text, 1);
    if (text->len == 0 || text->at[0] == '#')
        return false;
    word->at = text->at;
    word->len = 0;
    while (word->len < text->len && !memchr(" \t\r\n", word->at[word->len], 4))
        word->len++;
    *text = slice_from(*text, word->len);
    return word->len > 0;
}

/* Goes to the start of the next line. */
static void skip_line(struct slice *text) {
    size_t len = len_before(*text, '\n');
    *text = slice_from(*text, len < text->len ? len + 1 : len);
}

/* Whether a line is a type and its extensions; `line` is a copy, to look ahead with. */
static bool line_is_good(struct slice line) {
    struct slice word;
    if (!next_word(&line, &word) || !is_type_with_parameters(word))
        return false;
    while (next_word(&line, &word))
        if (!is_token(word))
            return false;
    return true;
}

bool mime_types_next(struct slice *text, struct slice *type, struct slice *extension) {
    for (;;) {
        if (type->len > 0 && next_word(text, extension))
            return true;
        if (type->len > 0)
            skip_line(text);
        while (text->len > 0 && !line_is_good(*text))
            skip_line(text);
        *type = (struct slice){0};
        if (!next_word(text, type))
            return false;
    }
}
