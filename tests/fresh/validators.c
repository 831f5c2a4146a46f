/* Tags and dates that tell the truth where the file's time doesn't. */
#include "scenarios.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Edits that keep the size and, by setting it back, the time of the last write. */
struct edited {
    const char *name;
    size_t length;
    int64_t mtime; /* -1: the current time, cut to the second */
    void (*write)(int dir, const char *name, uint32_t version, size_t total, size_t step);
};

static void replace(int dir, const char *name, uint32_t version, size_t total, size_t step) {
    (void)step;
    content_rename_over(dir, name, version, total);
}

static const struct edited edits[] = {
    {"small-overwritten", 4 * KIB, -1, content_overwrite},
    {"small-truncated", 4 * KIB, -1, content_truncate},
    {"small-replaced", 4 * KIB, -1, replace},
    {"large-overwritten", 3 * MIB, -1, content_overwrite},
    {"large-replaced", 3 * MIB, -1, replace},
    {"small-time-0", 100 * KIB, 0, replace},
    {"small-time-1", 4 * KIB, 1, content_overwrite},
    {"large-time-0", 3 * MIB, 0, content_truncate},
    {"large-time-1", 3 * MIB, 1, replace},
};

enum { EDIT_COUNT = sizeof edits / sizeof edits[0], VERSIONS = 3 };

static void edit(struct fixture *fixture, const struct edited *edited, uint32_t version, int64_t now) {
    edited->write(fixture->fd, edited->name, version, edited->length, 0);
    fixture_mtime(fixture, edited->name, edited->mtime < 0 ? now : edited->mtime);
}

/* Asks with the tag of the version before, until that isn't current any more. */
static void await_version(struct link *link, const struct edited *edited, uint32_t version, int64_t since_ms,
                          const char *old_tag, struct answer *answer) {
    char path[64], fields[200];
    snprintf(path, sizeof path, "/%s", edited->name);
    snprintf(fields, sizeof fields, "If-None-Match: %s\r\n", old_tag);
    do {
        fetch(link, &(struct ask){.path = path, .fields = old_tag[0] ? fields : NULL}, answer);
        if (answer->status == 200 && !answer->cut && answer->body.versions[0] == version)
            break;
        rest_ms(10);
    } while (answer->sent_ms - since_ms < FRESH_MS + SCHEDULE_MS);
    if (answer->status != 200 || answer->cut || !content_is_pure(&answer->body) || answer->body.versions[0] != version)
        fail_msg("%s: version %u is not seen: status %d, tag %s, old tag %s, version %u%s", path, version,
                 answer->status, answer->etag, old_tag, answer->body.versions[0], answer->cut ? ", cut" : "");
}

/* A time of 0 or 1 is what builds set on every file, whatever it holds: it answers no question about dates. */
static void check_undated(struct link *link, const struct edited *edited) {
    static const char *const questions[] = {"If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n",
                                            "If-Modified-Since: Thu, 01 Jan 1970 00:00:01 GMT\r\n",
                                            "If-Modified-Since: Mon, 01 Jan 2024 00:00:00 GMT\r\n"};
    char path[64];
    snprintf(path, sizeof path, "/%s", edited->name);
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
        struct answer answer;
        fetch(link, &(struct ask){.path = path, .fields = questions[i]}, &answer);
        assert_int_equal(answer.status, 200);
    }
}

void test_same_time(void **state) {
    struct fixture fixture;
    char tags[EDIT_COUNT][VERSIONS][80];
    int64_t now = time(NULL), since_ms[EDIT_COUNT];
    fixture_open(&fixture);
    struct server *server = start_server(state, fixture.path);
    struct link link = {.port = server_port(server)};
    for (uint32_t version = 0; version < VERSIONS; version++) {
        for (size_t i = 0; i < EDIT_COUNT; i++) {
            edit(&fixture, &edits[i], 1 + version, now);
            since_ms[i] = clock_now_ms();
        }
        for (size_t i = 0; i < EDIT_COUNT; i++) {
            struct answer answer;
            await_version(&link, &edits[i], 1 + version, since_ms[i], version > 0 ? tags[i][version - 1] : "", &answer);
            memcpy(tags[i][version], answer.etag, sizeof answer.etag);
            for (uint32_t before = 0; before < version; before++)
                assert_string_not_equal(tags[i][version], tags[i][before]);
        }
    }
    for (size_t i = 0; i < EDIT_COUNT; i++)
        if (edits[i].mtime >= 0)
            check_undated(&link, &edits[i]);
    link_close(&link);
    assert_true(server_stop(server));
    fixture_close(&fixture);
}

/* Two servers with copies of a tree, made one after the other. */
void test_nodes(void **state) {
    static const struct {
        const char *name;
        size_t length;
        bool keeps_time; /* as rsync -a or tar would copy it */
    } files[] = {{"small.txt", 4 * KIB, false},
                 {"small.txt.gz", 2 * KIB, false},
                 {"folder/medium.bin", 128 * KIB, false},
                 {"large.bin", 3 * MIB, true}};
    enum { NODES = 2, FILES = sizeof files / sizeof files[0] };
    struct fixture fixtures[NODES];
    struct server *servers[NODES];
    for (int node = 0; node < NODES; node++) {
        fixture_open(&fixtures[node]);
        if (node > 0)
            fixture_text(&fixtures[node], "another", "so that inodes differ");
        fixture_dir(&fixtures[node], "folder");
        for (size_t i = 0; i < FILES; i++) {
            size_t at = node == 0 ? i : FILES - 1 - i; /* made in another order, though siblings must be newer */
            content_truncate(fixtures[node].fd, files[at].name, 1 + (uint32_t)at, files[at].length, 0);
            fixture_mtime(&fixtures[node], files[at].name, files[at].keeps_time ? 1700000000 : 1700000000 + node);
        }
        servers[node] = start_server(state, fixtures[node].path);
    }
    for (size_t i = 0; i <= FILES; i++) {
        char path[64];
        struct answer answers[NODES];
        snprintf(path, sizeof path, "/%s", files[i % FILES].name);
        for (int node = 0; node < NODES; node++) {
            struct link link = {.port = server_port(servers[node])};
            struct ask ask = {.path = path, .fields = i == FILES ? "Accept-Encoding: gzip\r\n" : NULL};
            fetch(&link, &ask, &answers[node]);
            link_close(&link);
            assert_int_equal(answers[node].status, 200);
            assert_true(content_is_pure(&answers[node].body));
            assert_string_equal(answers[node].encoding, i == FILES ? "gzip" : "");
        }
        assert_int_equal(answers[0].etag[0], '"');
        assert_string_equal(answers[0].etag, answers[1].etag);
    }
    for (int node = 0; node < NODES; node++) {
        assert_true(server_stop(servers[node]));
        fixture_close(&fixtures[node]);
    }
}

/* Seconds since 1970 of an answer's Last-Modified. */
static int64_t modified_seconds(const struct answer *answer) {
    struct tm tm = {0};
    const char *end = strptime(answer->modified, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    assert_true(end && !*end);
    return timegm(&tm);
}

/* A time that is still to come is shown by a date that is in the past and the same after a restart; once it has come,
   by itself. The file's status change is long settled by then, so nothing else has it looked at again. */
void test_future(void **state) {
    enum { AHEAD_S = 4, RUNS = 2 };
    struct fixture fixture;
    struct answer answer;
    int64_t dates[RUNS];
    fixture_open(&fixture);
    content_truncate(fixture.fd, "file", 1, 4 * KIB, 0);
    int64_t mtime = time(NULL) + AHEAD_S;
    fixture_mtime(&fixture, "file", mtime);
    for (int run = 0; run < RUNS; run++) {
        struct server *server = start_server(state, fixture.path);
        struct link link = {.port = server_port(server)};
        fetch(&link, &(struct ask){.path = "/file"}, &answer);
        assert_int_equal(answer.status, 200);
        dates[run] = modified_seconds(&answer);
        if (run == RUNS - 1) {
            while (modified_seconds(&answer) != mtime && time(NULL) < mtime + AHEAD_S) {
                assert_true(modified_seconds(&answer) < time(NULL));
                rest_ms(100);
                fetch(&link, &(struct ask){.path = "/file"}, &answer);
            }
            assert_int_equal(modified_seconds(&answer), mtime);
            assert_true(time(NULL) > mtime);
        }
        link_close(&link);
        assert_true(server_stop(server));
    }
    assert_true(dates[0] < mtime - AHEAD_S);
    assert_int_equal(dates[0], dates[1]);
    fixture_close(&fixture);
}

#define GIB (1ull << 30)

static void check_range(struct link *link, const char *range, uint64_t first, uint64_t len) {
    char fields[100], expected[80];
    struct answer answer;
    snprintf(fields, sizeof fields, "Range: bytes=%s\r\n", range);
    snprintf(expected, sizeof expected, "bytes %llu-%llu/%llu", (unsigned long long)first,
             (unsigned long long)(first + len - 1), 5 * GIB);
    fetch(link, &(struct ask){.path = "/huge.bin", .fields = fields}, &answer);
    assert_int_equal(answer.status, 206);
    assert_string_equal(answer.range, expected);
    assert_int_equal(answer.promised, len);
    assert_int_equal(answer.body.len, len);
    assert_false(answer.cut);
    if (len >= CONTENT_RECORD) {
        assert_true(content_is_pure(&answer.body));
        assert_int_equal(answer.body.versions[0], 9);
    }
}

/* 5 GiB without content but for a record here and there. */
void test_huge(void **state) {
    static const struct {
        uint64_t first, len;
    } written[] = {{0, 4 * KIB}, {4 * GIB - 64 * KIB, 128 * KIB}, {5 * GIB - 256 * KIB, 256 * KIB}};
    struct fixture fixture;
    struct answer answer;
    fixture_open(&fixture);
    fixture_sparse(&fixture, "huge.bin", (off_t)(5 * GIB));
    for (size_t i = 0; i < sizeof written / sizeof written[0]; i++)
        content_write_at(fixture.fd, "huge.bin", 9, written[i].first, written[i].len, 5 * GIB);
    struct server *server = start_server(state, fixture.path);
    struct link link = {.port = server_port(server)};
    fetch(&link, &(struct ask){.method = "HEAD", .path = "/huge.bin"}, &answer);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.body.total, 5 * GIB);
    check_range(&link, "0-1023", 0, KIB);
    check_range(&link, "4294967280-4294967311", 4 * GIB - 16, 32);
    check_range(&link, "4294901760-4295032831", 4 * GIB - 64 * KIB, 128 * KIB);
    check_range(&link, "4294967296-4294967311", 4 * GIB, 16);
    check_range(&link, "5368446976-", 5 * GIB - 256 * KIB, 256 * KIB);
    check_range(&link, "5368446976-99999999999999", 5 * GIB - 256 * KIB, 256 * KIB);
    check_range(&link, "-262144", 5 * GIB - 256 * KIB, 256 * KIB);
    check_range(&link, "5368709119-", 5 * GIB - 1, 1);
    check_range(&link, "-1", 5 * GIB - 1, 1);
    fetch(&link, &(struct ask){.path = "/huge.bin", .fields = "Range: bytes=5368709120-\r\n"}, &answer);
    assert_int_equal(answer.status, 416);
    assert_string_equal(answer.range, "bytes */5368709120");
    link_close(&link);
    /* The whole of it: only its beginning, and that the length is no smaller number. */
    fetch_head(&link, &(struct ask){.path = "/huge.bin"}, &answer);
    fetch_body(&link, &answer, 4 * KIB);
    link_close(&link);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.promised, 5 * GIB);
    assert_true(content_is_pure(&answer.body));
    assert_true(server_stop(server));
    fixture_close(&fixture);
}
