/* body_discard: held against the reference, and the same however its bytes are split. */
#include "protocol/body.h"
#include "base/bounds.h"
#include "fuzz.h"
#include "reference.h"

enum { CUTS_MAX = 15 };

static struct body begin(const struct request *request, unsigned discarded) {
    struct body body;
    body_init(&body, request);
    body.discarded = discarded;
    return body;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct room room, piece;
    struct input input = {data, data + size};
    struct request request = {.body = BODY_CHUNKED};
    unsigned kind = input_byte(&input), how = input_byte(&input), where = input_pair(&input), cut_count = kind >> 4;
    unsigned cuts[CUTS_MAX], discarded = 0;
    if (kind & 1) {
        request.body = BODY_LENGTH;
        request.body_len = input_pair(&input) + 1;
    }
    if (kind & 2) /* as if so much had gone before that the bound is near */
        discarded = BODY_DISCARD_MAX - input_pair(&input);
    for (unsigned i = 0; i < cut_count; i++)
        cuts[i] = input_byte(&input);
    if (room.first == 0) {
        room_clear(&room);
        room_clear(&piece);
    }
    struct slice bytes = room_inflate(&room, input_rest(&input), how, where);
    struct reference_body reference = reference_body(request.body, request.body_len, bytes.at, bytes.len, discarded);

    size_t used;
    struct body body = begin(&request, discarded);
    int status = body_discard(&body, bytes.at, bytes.len, &used);
    CHECK(status == reference.status && used == reference.used);
    CHECK(body.discarded == discarded + used && body.discarded <= BODY_DISCARD_MAX);

    body = begin(&request, discarded);
    status = REQUEST_INCOMPLETE;
    size_t at = 0;
    for (unsigned i = 0; at < bytes.len && status == REQUEST_INCOMPLETE; i++) {
        size_t len = i < cut_count ? cuts[i] % 32 + 1 : bytes.len - at;
        if (len > bytes.len - at)
            len = bytes.len - at;
        status = body_discard(&body, room_put(&piece, i, bytes.at + at, len), len, &used);
        CHECK(used <= len && (status != REQUEST_INCOMPLETE || used == len));
        at += used;
    }
    CHECK(status == reference.status && at == reference.used);
    return 0;
}
