/* The list is read tag by tag, never split at commas: a tag may hold them. */
#include "protocol/etag.h"

static const struct slice weak_prefix = {"W/", 2};

bool etag_is_any(struct slice value) {
    return slice_equal(slice_trim(value), SLICE("*"));
}

/* etagc (RFC 9110 8.8.3): visible ASCII but the quote, and obs-text. */
static bool is_tag_char(char c) {
    unsigned char u = (unsigned char)c;
    return u == 0x21 || (u >= 0x23 && u <= 0x7e) || u >= 0x80;
}

/* Takes a quoted tag, quotes included, off the list; false when there is none. */
static bool take_quoted(struct slice *list, struct slice *quoted) {
    if (list->len == 0 || list->at[0] != '"')
        return false;
    size_t n = 1;
    while (n < list->len && is_tag_char(list->at[n]))
        n++;
    if (n == list->len || list->at[n] != '"')
        return false;
    *quoted = (struct slice){list->at, n + 1};
    *list = slice_from(*list, n + 1);
    return true;
}

bool etag_list_matches(struct slice list, struct slice tag, bool weak) {
    struct slice quoted;
    while ((list = slice_trim(list)).len > 0) {
        if (list.at[0] == ',') { /* an empty element (5.6.1.2) */
            list = slice_from(list, 1);
            continue;
        }
        bool is_weak = slice_starts(list, weak_prefix);
        if (is_weak)
            list = slice_from(list, weak_prefix.len);
        if (!take_quoted(&list, &quoted))
            return false;
        if ((weak || !is_weak) && slice_equal(quoted, tag))
            return true;
        list = slice_trim(list);
        if (list.len > 0 && list.at[0] != ',')
            return false;
    }
    return false;
}
