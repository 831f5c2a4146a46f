#include "protocol/conditional.h"
#include "base/httpdate.h"
#include "protocol/etag.h"

static bool conditional_matches(const struct request *request, enum request_field field, struct slice etag, bool weak) {
    struct slice list;
    for (size_t cursor = 0; request_next_line(request, field, &cursor, &list);)
        if (etag_is_any(list) || etag_list_matches(list, etag, weak))
            return true;
    return false;
}

/* Reads a date field: false when it wasn't sent, is no date, or there is no date to compare it with; a field that is
   invalid is ignored (13.1.3, 13.1.4). */
static bool conditional_date(const struct request *request, enum request_field field, const struct validators *known,
                             int64_t now_seconds, int64_t *date) {
    return known->dated && request_has(request, field) && httpdate_parse(request->fields[field], now_seconds, date);
}

static bool conditional_changed(const struct validators *known, int64_t date) {
    return known->stamped ? known->mtime != date : known->mtime > date;
}

int conditional_status(const struct request *request, const struct validators *known, int64_t now_seconds) {
    const uint32_t any = 1u << FIELD_IF_MATCH | 1u << FIELD_IF_NONE_MATCH | 1u << FIELD_IF_MODIFIED_SINCE |
                         1u << FIELD_IF_UNMODIFIED_SINCE;
    int64_t date;
    if (!(request->seen & any))
        return 0;
    if (request_has(request, FIELD_IF_MATCH)) {
        if (!conditional_matches(request, FIELD_IF_MATCH, known->etag, false))
            return 412;
    } else if (conditional_date(request, FIELD_IF_UNMODIFIED_SINCE, known, now_seconds, &date) &&
               conditional_changed(known, date)) {
        return 412;
    }
    if (request_has(request, FIELD_IF_NONE_MATCH))
        return conditional_matches(request, FIELD_IF_NONE_MATCH, known->etag, true) ? 304 : 0;
    if (conditional_date(request, FIELD_IF_MODIFIED_SINCE, known, now_seconds, &date) &&
        !conditional_changed(known, date))
        return 304;
    return 0;
}

bool conditional_range(const struct request *request, const struct validators *known, int64_t now_seconds) {
    if (!request_has(request, FIELD_IF_RANGE))
        return true;
    struct slice value = request->fields[FIELD_IF_RANGE];
    if (value.len > 0 && value.at[0] == '"')
        return slice_equal(value, known->etag);
    /* A date is a strong validator only once the second it names is over (8.8.2.2): Last-Modified is never younger. */
    int64_t date;
    return conditional_date(request, FIELD_IF_RANGE, known, now_seconds, &date) && date == known->mtime;
}
