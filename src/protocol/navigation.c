/* Browsers say what a request is for; all others are taken by what they accept. Of two words for one thing in Accept
   the nearer one counts, and a weight is only asked whether it is 0: what is liked better makes no difference here. */
#include "protocol/navigation.h"

/* A media range's parameters with which it is what the client doesn't want: a weight of 0 (RFC 9110 12.4.2). */
static bool is_refusal(struct slice parameters) {
    parameters = slice_trim(parameters);
    if (!slice_starts(parameters, SLICE("q=0")) && !slice_starts(parameters, SLICE("Q=0")))
        return false;
    for (size_t i = 3; i < parameters.len; i++)
        if (parameters.at[i] != '0' && parameters.at[i] != '.')
            return false;
    return true;
}

/* Whether Accept has text/html, or anything at all and no word about that. */
static bool accepts_html(const struct request *request) {
    struct slice line, element;
    bool named = false, page = false, any = false;
    for (size_t cursor = 0; request_next_line(request, FIELD_ACCEPT, &cursor, &line);)
        while (slice_next_element(&line, &element)) {
            const char *semicolon = memchr(element.at, ';', element.len);
            size_t len = semicolon ? (size_t)(semicolon - element.at) : element.len;
            struct slice range = slice_trim((struct slice){element.at, len});
            bool wanted = !semicolon || !is_refusal(slice_from(element, len + 1));
            if (slice_equal_nocase(range, SLICE("text/html")))
                named = true, page |= wanted;
            else if (slice_equal(range, SLICE("*/*")))
                any |= wanted;
        }
    return named ? page : any;
}

bool navigation_asked(const struct request *request) {
    if (!request_has(request, FIELD_SEC_FETCH_MODE) && !request_has(request, FIELD_SEC_FETCH_DEST))
        return accepts_html(request);
    struct slice destination = request_value(request, FIELD_SEC_FETCH_DEST);
    return slice_equal(request_value(request, FIELD_SEC_FETCH_MODE), SLICE("navigate")) ||
           slice_equal(destination, SLICE("document")) || slice_equal(destination, SLICE("iframe")) ||
           slice_equal(destination, SLICE("frame"));
}
