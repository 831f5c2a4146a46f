/* request_parse: held against the reference for its verdict and its result; slices within the bytes; the same whatever
   follows; a prefix is incomplete up to the very byte that settles the matter. */
#include "base/bounds.h"
#include "fuzz.h"
#include "protocol/path.h"
#include "protocol/request.h"
#include "reference.h"

static void check_inside(struct slice s, struct slice bytes) {
    CHECK(s.len == 0 || (s.at >= bytes.at && s.at + s.len <= bytes.at + bytes.len));
}

static int parse(struct slice bytes, size_t head_max, struct request *request, size_t *head_len) {
    memset(request, 0xa5, sizeof *request);
    *head_len = SIZE_MAX;
    int status = request_parse(bytes.at, bytes.len, head_max, request, head_len);
    CHECK(status == REQUEST_INCOMPLETE || status == 0 || status == 400 || status == 414 || status == 417 ||
          status == 431 || status == 501 || status == 505);
    if (status == REQUEST_INCOMPLETE) {
        CHECK(bytes.len < head_max);
        return status;
    }
    check_inside(request->method_name, bytes);
    check_inside(request->line, bytes);
    CHECK(request->method <= METHOD_UNKNOWN && (request->minor_version == 0 || request->minor_version == 1));
    return status;
}

static void check_accepted(const struct request *request, const struct reference *reference, struct slice bytes) {
    const struct slice parts[] = {request->target, request->path, request->query, request->authority, request->lines};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        check_inside(parts[i], bytes);
    CHECK(request->method == reference->method && request->minor_version == reference->minor_version);
    CHECK(slice_equal(request->path, reference->path));
    CHECK(slice_equal(request->query, reference->query));
    CHECK(slice_equal(request->authority, reference->authority));
    CHECK(request->keep_alive == reference->keep_alive && request->expect_continue == reference->expect_continue);
    CHECK(request->body == reference->body);
    CHECK(request->body != BODY_LENGTH || request->body_len == reference->body_len);
    CHECK(request->path.len == 0 || *request->path.at != '/' || request->path_plain == path_is_plain(request->path));
    for (int field = 0; field < FIELD_COUNT; field++) {
        struct slice value;
        int count = 0;
        CHECK(request_has(request, (enum request_field)field) == (reference->counts[field] > 0));
        CHECK(slice_equal(request_value(request, (enum request_field)field), reference->values[field]));
        for (size_t cursor = 0; request_next_line(request, (enum request_field)field, &cursor, &value); count++) {
            check_inside(value, bytes);
            CHECK(count > 0 || slice_equal(value, reference->values[field]));
        }
        bool walked = field != FIELD_USER_AGENT && field != FIELD_REFERER && field != FIELD_SEC_FETCH_DEST &&
                      field != FIELD_SEC_FETCH_MODE && field != FIELD_ORIGIN;
        CHECK(count == (walked ? reference->counts[field] : reference->counts[field] > 0));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct room room;
    static const size_t head_maxes[] = {HEAD_MAX_DEFAULT, HEAD_MAX_DEFAULT, HEAD_MAX_LEAST, HEAD_MAX_MOST};
    struct input input = {data, data + size};
    size_t head_max = head_maxes[input_byte(&input) % 4], head_len, again_len;
    unsigned how = input_byte(&input), where = input_pair(&input);
    struct request request, again;
    struct reference reference;
    if (room.first == 0)
        room_clear(&room);
    struct slice bytes = room_inflate(&room, input_rest(&input), how, where);
    reference_head(bytes.at, bytes.len, head_max, &reference);
    int status = parse(bytes, head_max, &request, &head_len);
    CHECK(status == reference.status);
    if (status == 0) {
        CHECK(head_len == reference.used);
        check_accepted(&request, &reference, bytes);
    }
    /* Nothing behind the byte that decided was needed, and no byte before it was enough. */
    size_t used = reference.used;
    bool too_long = used == head_max && (status == 414 || status == 431 || status == 501);
    if (status != REQUEST_INCOMPLETE && !too_long) {
        room_for(&room, where, used);
        int exact = parse((struct slice){bytes.at, used}, head_max, &again, &again_len);
        CHECK(exact == status);
        if (status == 0) {
            CHECK(again_len == head_len);
            check_accepted(&again, &reference, (struct slice){bytes.at, used});
        }
        room_for(&room, where, used - 1);
        CHECK(parse((struct slice){bytes.at, used - 1}, head_max, &again, &again_len) == REQUEST_INCOMPLETE);
    } else if (status == REQUEST_INCOMPLETE && bytes.len > 0) {
        size_t len = where % bytes.len;
        room_for(&room, where, len);
        CHECK(parse((struct slice){bytes.at, len}, head_max, &again, &again_len) == REQUEST_INCOMPLETE);
    }
    return 0;
}
