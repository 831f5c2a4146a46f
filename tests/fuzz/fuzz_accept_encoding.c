/* Accept-Encoding: held against a reader that writes down every element before it answers anything; one line or
   several make no difference. */
#include "protocol/accept_encoding.h"
#include "fuzz.h"

enum { NOT_NAMED = -1, STAR = CODING_COUNT };

/* A weight in thousandths, or -1. */
static int weight_of(struct slice text) {
    char digits[5] = "00000";
    if (text.len < 1 || text.len > 5)
        return -1;
    for (size_t i = 0; i < text.len; i++) {
        if (i == 1 ? text.at[i] != '.' : text.at[i] < '0' || text.at[i] > '9')
            return -1;
        digits[i] = text.at[i];
    }
    int value = (digits[0] - '0') * 1000 + (digits[2] - '0') * 100 + (digits[3] - '0') * 10 + (digits[4] - '0');
    return value <= 1000 ? value : -1;
}

static struct slice strip(struct slice s) {
    while (s.len && (s.at[0] == ' ' || s.at[0] == '\t'))
        s = slice_from(s, 1);
    while (s.len && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
        s.len--;
    return s;
}

static void note(int best[CODING_COUNT + 1], struct slice element) {
    static const char *const names[] = {"identity", "br", "zstd", "gzip", "*", "x-gzip"};
    const char *semicolon = element.len ? memchr(element.at, ';', element.len) : NULL;
    struct slice name = element;
    int weight = 1000;
    if (semicolon) {
        name.len = (size_t)(semicolon - element.at);
        struct slice rest = strip(slice_from(element, name.len + 1));
        if (rest.len < 2 || (rest.at[0] != 'q' && rest.at[0] != 'Q') || rest.at[1] != '=')
            return;
        weight = weight_of(slice_from(rest, 2));
    }
    name = strip(name);
    for (int i = 0; i < 6 && weight >= 0; i++)
        if (slice_equal_nocase(name, slice_of(names[i]))) {
            int coding = i == 5 ? CODING_GZIP : i;
            best[coding] = weight > best[coding] ? weight : best[coding];
        }
}

static int quality(const int best[CODING_COUNT + 1], int coding) {
    if (best[coding] != NOT_NAMED)
        return best[coding];
    if (coding == CODING_IDENTITY)
        return best[STAR] == 0 ? 0 : 1;
    return best[STAR] == NOT_NAMED ? 0 : best[STAR];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct room room;
    struct accept_encoding accept, joined;
    int best[CODING_COUNT + 1] = {NOT_NAMED, NOT_NAMED, NOT_NAMED, NOT_NAMED, NOT_NAMED};
    if (room.first == 0)
        room_clear(&room);
    char *text = room_put(&room, size, data, size);
    accept_encoding_init(&accept);
    accept_encoding_init(&joined);
    for (size_t at = 0, end; at < size; at = end + 1) {
        for (end = at; end < size && text[end] != '\n';)
            end++;
        accept_encoding_add(&accept, (struct slice){text + at, end - at});
        if (end < size)
            text[end] = ',';
    }
    accept_encoding_add(&joined, (struct slice){text, size});
    for (size_t at = 0, end; at < size; at = end + 1) {
        for (end = at; end < size && text[end] != ',';)
            end++;
        note(best, strip((struct slice){text + at, end - at}));
    }
    for (int coding = 0; coding < CODING_COUNT; coding++) {
        CHECK(accept_encoding_quality(&accept, (enum content_coding)coding) == quality(best, coding));
        CHECK(accept_encoding_quality(&joined, (enum content_coding)coding) == quality(best, coding));
    }
    for (unsigned available = 0; available < 1 << CODING_COUNT; available++) {
        enum content_coding chosen = accept_encoding_choose(&accept, available);
        int most = 0;
        for (int coding = 0; coding < CODING_COUNT; coding++)
            if (available >> coding & 1 && quality(best, coding) > most)
                most = quality(best, coding);
        CHECK(most > 0 ? available >> chosen & 1 && quality(best, (int)chosen) == most : chosen == CODING_IDENTITY);
    }
    return 0;
}
