/* Walks from the right, and only as far as those who wrote there are trusted: so what a hostile client begins with
   costs nothing, and an open quote in it hides nothing of what is added behind. */
#include "protocol/forwarded.h"
#include "base/bounds.h"
#include "base/check.h"

/* Whether a quote isn't one of those inside quotes, which have a backslash before them. */
static bool is_quote(struct slice text, size_t at) {
    size_t first = at;
    if (text.at[at] != '"')
        return false;
    while (first > 0 && text.at[first - 1] == '\\')
        first--;
    return (at - first) % 2 == 0;
}

/* Takes the last element, which is trimmed, off a list, whose commas may lie in quotes. False: there is none. */
static bool take_last(struct slice *list, struct slice *element) {
    bool quoted = false;
    size_t first = list->len;
    if (list->len == 0)
        return false;
    for (; first > 0; first--) {
        quoted ^= is_quote(*list, first - 1);
        if (list->at[first - 1] == ',' && !quoted)
            break;
    }
    *element = slice_trim(slice_from(*list, first));
    list->len = first > 0 ? first - 1 : 0;
    return true;
}

/* The value of the element's one "for", without its quotes. False: there is none, or several, or it isn't well-formed.
   A backslash stands in no address. */
static bool find_for(struct slice element, struct slice *value) {
    bool found = false;
    while (element.len > 0) {
        size_t len = 0;
        for (bool quoted = false; len < element.len && (quoted || element.at[len] != ';'); len++)
            quoted ^= is_quote(element, len);
        struct slice pair = slice_trim((struct slice){element.at, len});
        element = slice_from(element, len < element.len ? len + 1 : len);
        if (pair.len < 4 || !slice_equal_nocase((struct slice){pair.at, 4}, SLICE("for=")))
            continue;
        if (found)
            return false;
        found = true;
        *value = slice_from(pair, 4);
    }
    if (found && value->len >= 2 && value->at[0] == '"' && value->at[value->len - 1] == '"')
        *value = (struct slice){value->at + 1, value->len - 2};
    return found;
}

/* RFC 7239 6: IPv6 is in brackets. */
static bool parse_element(enum forwarded_field field, struct slice element, struct address *address) {
    if (field == FORWARDED_X_FORWARDED_FOR)
        return address_parse(element, address);
    return find_for(element, &element) && address_parse(element, address) &&
           (address_is_v4(address) || element.at[0] == '[');
}

/* Walks one line. False: the walk ends here, with *from. */
static bool walk_line(struct slice line, enum forwarded_field field, const struct network_list *trusted,
                      struct address *from, bool *found) {
    struct slice element;
    while (take_last(&line, &element)) {
        if (element.len == 0) /* RFC 9110 5.6.1.2 */
            continue;
        struct address address;
        if (!parse_element(field, element, &address))
            return false;
        *from = address;
        *found = !network_list_has(trusted, from);
        if (*found)
            return false;
    }
    return true;
}

bool forwarded_find(const struct request *request, enum forwarded_field field, const struct network_list *trusted,
                    const struct address *peer, struct address *from) {
    enum request_field name = field == FORWARDED_FORWARDED ? FIELD_FORWARDED : FIELD_X_FORWARDED_FOR;
    struct slice lines[FIELD_COUNT_MAX];
    size_t count = 0;
    bool found = false;
    *from = *peer;
    if (!request_has(request, name))
        return false;
    for (size_t cursor = 0; request_next_line(request, name, &cursor, &lines[count]); count++)
        CHECK(count < FIELD_COUNT_MAX);
    while (count > 0 && walk_line(lines[count - 1], field, trusted, from, &found))
        count--;
    return found;
}
