/* Queues filled with any mix of pieces, sent in any portions: what comes out is what went in, in order, and every owner
   is released once, when its piece has left and not before. */
#include "base/outq.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEST(name) static void name(void **state __attribute__((unused)))
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { OWNERS_MOST = OUTQ_PIECES, LEN_MOST = 64 * 1024 };

/* An owner's piece ends where `end` says, counted from the queue's first byte ever. */
struct owner {
    size_t end;
    int released;
};

static struct outq *outq;
static const struct outq_source source = {.fd = 7};
static struct owner owners[OWNERS_MOST];
static size_t owner_count;
static size_t sent_len;    /* by outq_advance, the call under way included */
static char content[256];  /* what memory and file pieces hold */
static char put[LEN_MOST]; /* what the queue was given */
static size_t put_len;
static char sent[LEN_MOST]; /* what it showed */

static void release(void *at) {
    struct owner *owner = at;
    owner->released++;
    assert_true(sent_len >= owner->end);
}

static void release_any(void *at) {
    struct owner *owner = at;
    owner->released++;
}

/* In memory of its own, so that a sanitizer guards its ends. */
static int open_outq(void **state) {
    (void)state;
    outq = malloc(sizeof *outq);
    for (size_t i = 0; i < sizeof content; i++)
        content[i] = (char)('0' + i % 75);
    owner_count = sent_len = put_len = 0;
    outq_init(outq, release);
    return 0;
}

static int close_outq(void **state) {
    (void)state;
    free(outq);
    return 0;
}

static struct owner *add_owner(size_t len) {
    assert_true(owner_count < OWNERS_MOST && put_len + len <= LEN_MOST);
    owners[owner_count] = (struct owner){.end = put_len + len};
    return &owners[owner_count++];
}

static void put_bytes(const char *at, size_t len) {
    memcpy(put + put_len, at, len);
    put_len += len;
}

static void add_rendered(char fill, size_t len) {
    size_t space;
    char *at = outq_space(outq, &space);
    assert_true(len <= space);
    memset(at, fill, len);
    put_bytes(at, len);
    outq_commit(outq, len);
}

static void add_memory(size_t len) {
    struct owner *owner = add_owner(len);
    outq_memory(outq, content, len, owner);
    put_bytes(content, len);
}

/* The file is `content` from 1000 on. */
static void add_file(size_t first, size_t len) {
    struct owner *owner = add_owner(len);
    outq_file(outq, &source, true, 1000 + first, len, owner);
    put_bytes(content + first, len);
}

/* 'a'..'z': rendered; 'M': memory; 'F': file. Each of its own length, so that no mix-up goes unseen. */
static void add_pieces(const char *pieces) {
    for (size_t i = 0; pieces[i]; i++) {
        if (pieces[i] == 'M')
            add_memory(3 + i);
        else if (pieces[i] == 'F')
            add_file(i, 5 + i);
        else
            add_rendered(pieces[i], 2 + i);
    }
}

/* Sends at most `most` bytes of what is shown, as drive does. */
static size_t send_some(size_t most) {
    struct outq_send send;
    size_t len = 0, start = sent_len;
    outq_next(outq, &send);
    for (unsigned i = 0; i < send.iov_count && len < most; i++) {
        size_t n = send.iov[i].iov_len < most - len ? send.iov[i].iov_len : most - len;
        memcpy(sent + start + len, send.iov[i].iov_base, n);
        len += n;
    }
    if (send.iov_count == 0) {
        assert_ptr_equal(send.source, &source);
        len = send.len < most ? send.len : most;
        memcpy(sent + start, content + (send.first - 1000), len);
    }
    sent_len += len;
    outq_advance(outq, len);
    return len;
}

static void assert_all_came_out(void) {
    assert_true(outq_empty(outq));
    assert_int_equal(sent_len, put_len);
    assert_memory_equal(sent, put, put_len);
    for (size_t i = 0; i < owner_count; i++)
        assert_int_equal(owners[i].released, 1);
}

/* Released so far: those whose pieces have left. */
static void assert_released(void) {
    for (size_t i = 0; i < owner_count; i++)
        assert_int_equal(owners[i].released, sent_len >= owners[i].end);
}

static const char *const mixes[] = {"a",   "M",    "F",     "ab",     "aM",     "Ma",     "aF",        "Fa",
                                    "MM",  "FF",   "MF",    "FM",     "abMab",  "aFaF",   "aMbFcMdFe", "FMFM",
                                    "MMM", "FFFF", "aMMaF", "abcFde", "FaMbFc", "aaaaaa", "MaMaMaMa",  "MFaFMaa"};

/* Fresh, with the pieces of a mix. */
static void fill(const char *mix) {
    close_outq(NULL);
    open_outq(NULL);
    add_pieces(mix);
}

TEST(any_two_portions_are_the_whole) {
    for (size_t i = 0; i < COUNT(mixes); i++) {
        fill(mixes[i]);
        size_t whole = put_len;
        for (size_t cut = 1; cut <= whole; cut++) {
            fill(mixes[i]);
            for (size_t left = cut; left > 0;)
                left -= send_some(left);
            assert_released();
            while (!outq_empty(outq))
                send_some(SIZE_MAX);
            assert_all_came_out();
        }
    }
}

TEST(any_small_portions_are_the_whole) {
    for (size_t i = 0; i < COUNT(mixes); i++) {
        for (size_t most = 1; most < 12; most++) {
            fill(mixes[i]);
            while (!outq_empty(outq)) {
                send_some(most);
                assert_released();
            }
            assert_all_came_out();
        }
    }
}

TEST(what_is_shown_is_memory_or_a_file) {
    static const struct {
        const char *mix;
        unsigned iov_count;
        bool more; /* of memory */
    } rows[] = {
        {"a", 1, false},    {"abc", 1, false}, {"M", 1, false},  {"aM", 2, false},  {"aMb", 3, false},
        {"aMbc", 3, false}, {"F", 0, false},   {"aF", 1, true},  {"aMF", 2, true},  {"abMcdFe", 3, true},
        {"MM", 2, false},   {"Fa", 0, false},  {"FF", 0, false}, {"aFMF", 1, true},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct outq_send send;
        fill(rows[i].mix);
        outq_next(outq, &send);
        assert_int_equal(send.iov_count, rows[i].iov_count);
        if (send.iov_count > 0)
            assert_int_equal(send.more, rows[i].more);
        else
            assert_ptr_equal(send.source, &source);
    }
}

/* The memory before a file says so until all of it has left. */
TEST(more_follows_until_the_file_is_next) {
    fill("abMFc");
    size_t memory_len = put_len - 5 - 3 - 2 - 4;
    for (size_t i = 0; i < memory_len; i++) {
        struct outq_send send;
        outq_next(outq, &send);
        assert_true(send.iov_count > 0 && send.more);
        send_some(1);
    }
    struct outq_send send;
    outq_next(outq, &send);
    assert_int_equal(send.iov_count, 0);
    send_some(SIZE_MAX);
    outq_next(outq, &send);
    assert_int_equal(send.iov_count, 1);
    assert_false(send.more);
}

TEST(a_file_goes_on_where_it_stopped) {
    struct outq_send send;
    add_file(20, 100);
    send_some(30);
    outq_next(outq, &send);
    assert_int_equal(send.first, 1050);
    assert_int_equal(send.len, 70);
    send_some(SIZE_MAX);
    assert_all_came_out();
}

/* The last range of a file, whatever is rendered behind it. */
TEST(the_last_range_is_told) {
    static const bool last[] = {false, false, false, false, false, true};
    struct outq_send send;
    add_pieces("aFbFcFd");
    for (size_t i = 0; i < sizeof last / sizeof last[0]; i++) {
        outq_next(outq, &send);
        assert_int_equal(send.last, last[i]);
        send_some(send.iov_count > 0 ? SIZE_MAX : send.len - 1);
        if (send.iov_count > 0)
            continue;
        outq_next(outq, &send);
        assert_int_equal(send.last, last[i]);
        send_some(1);
    }
    outq_next(outq, &send);
    assert_true(send.last);
    send_some(SIZE_MAX);
    assert_all_came_out();
}

TEST(asking_changes_nothing) {
    struct outq_send a, b;
    add_pieces("aMF");
    send_some(4);
    memset(&a, 0, sizeof a);
    memset(&b, 0, sizeof b);
    outq_next(outq, &a);
    outq_next(outq, &b);
    assert_memory_equal(&a, &b, sizeof a);
}

/* What is rendered joins what it follows even if a part of that has left. */
TEST(rendered_bytes_join_half_sent_ones) {
    struct outq_send send;
    add_rendered('a', 10);
    send_some(4);
    add_rendered('b', 6);
    outq_next(outq, &send);
    assert_int_equal(send.iov_count, 1);
    assert_int_equal(send.iov[0].iov_len, 12);
    send_some(SIZE_MAX);
    assert_all_came_out();
}

/* Somebody's memory may end where the queue's free space begins: it is released all the same, and by itself. */
TEST(rendered_bytes_do_not_join_somebody_elses) {
    struct outq_send send;
    size_t space;
    add_rendered('a', 10);
    char *at = outq_space(outq, &space);
    outq_memory(outq, at - 10, 10, add_owner(10));
    put_bytes(at - 10, 10);
    add_rendered('b', 6);
    outq_next(outq, &send);
    assert_int_equal(send.iov_count, 3);
    send_some(20);
    assert_released();
    send_some(SIZE_MAX);
    assert_all_came_out();
}

TEST(an_empty_queue_starts_over) {
    size_t whole, space;
    outq_space(outq, &whole);
    for (int i = 0; i < 20; i++) {
        for (int j = 0; j < 4; j++)
            add_rendered('a', 100), add_memory(10);
        while (!outq_empty(outq))
            send_some(64);
        assert_all_came_out();
        owner_count = put_len = sent_len = 0;
        outq_space(outq, &space);
        assert_int_equal(space, whole);
        assert_true(outq_room(outq));
    }
}

TEST(clearing_releases_what_waits) {
    for (size_t i = 0; i < COUNT(mixes); i++) {
        fill(mixes[i]);
        for (size_t cut = 1; cut < put_len; cut++) {
            fill(mixes[i]);
            for (size_t left = cut; left > 0;)
                left -= send_some(left);
            outq->release = release_any;
            outq_clear(outq);
            assert_true(outq_empty(outq));
            assert_true(outq_room(outq));
            for (size_t j = 0; j < owner_count; j++)
                assert_int_equal(owners[j].released, 1);
        }
    }
}

/* As long as there is room, a reply of the most pieces and bytes fits. */
TEST(room_is_for_the_largest_reply) {
    size_t space;
    while (outq_room(outq))
        add_rendered('a', 1000);
    outq_space(outq, &space);
    assert_true(space < OUTQ_REPLY_BYTES && space + 1000 >= OUTQ_REPLY_BYTES);
    while (!outq_empty(outq))
        send_some(SIZE_MAX);
    for (int i = 0; i < OUTQ_REPLY_PIECES; i++)
        add_memory(1);
    while (!outq_empty(outq))
        send_some(SIZE_MAX);
    assert_all_came_out();
}

/* Who doesn't read holds on to one owner, however much it asks for. */
TEST(there_is_no_room_behind_an_owner) {
    assert_true(outq_room(outq));
    add_memory(1);
    assert_false(outq_room(outq));
    add_rendered('a', 10);
    assert_false(outq_room(outq));
    while (!outq_empty(outq))
        send_some(SIZE_MAX);
    assert_true(outq_room(outq));
    assert_all_came_out();
}

TEST(a_queue_is_of_the_size_it_says) {
    assert_true(sizeof(struct outq) <= OUTQ_SIZE);
    assert_true(sizeof outq->space >= 2 * OUTQ_REPLY_BYTES);
}

#define ON_A_QUEUE(test) cmocka_unit_test_setup_teardown(test, open_outq, close_outq)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_A_QUEUE(any_two_portions_are_the_whole),
        ON_A_QUEUE(any_small_portions_are_the_whole),
        ON_A_QUEUE(what_is_shown_is_memory_or_a_file),
        ON_A_QUEUE(more_follows_until_the_file_is_next),
        ON_A_QUEUE(a_file_goes_on_where_it_stopped),
        ON_A_QUEUE(asking_changes_nothing),
        ON_A_QUEUE(rendered_bytes_join_half_sent_ones),
        ON_A_QUEUE(rendered_bytes_do_not_join_somebody_elses),
        ON_A_QUEUE(an_empty_queue_starts_over),
        ON_A_QUEUE(clearing_releases_what_waits),
        ON_A_QUEUE(room_is_for_the_largest_reply),
        ON_A_QUEUE(there_is_no_room_behind_an_owner),
        ON_A_QUEUE(the_last_range_is_told),
        ON_A_QUEUE(a_queue_is_of_the_size_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
