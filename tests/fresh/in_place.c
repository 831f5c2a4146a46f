/* A reader has asked for a file and read nothing of it, or a little; it is changed in place, in ways that hide; then
 * the reader takes the rest. Whoever gets all that was promised has got one version; otherwise the end comes early. */
#include "scenarios.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    OLD = 0x70001,
    NEW = 0x70002,
    HASHED = 12 * MIB,  /* below the length up to which all of a file is hashed, */
    SAMPLED = 20 * MIB, /* and above it, where samples are: */
    SAMPLE_LEN = 4 * KIB,
    SAMPLE_COUNT = 5
};

struct edit {
    const char *name;
    size_t length;
    size_t first, len; /* what is written anew; all but the samples where `len` is 0 */
    size_t read;       /* of the body, before that */
    bool grows;        /* then, by a record */
    bool hides;        /* the time of the last write is put back */
};

static const struct edit edits[] = {
    /* All but the samples, and then it grows: neither samples nor size tell. */
    {"sampled-grown", SAMPLED, 0, 0, 256 * KIB, true, false},
    {"sampled-grown-hidden", SAMPLED, 0, 0, 256 * KIB, true, true},
    {"sampled-hidden", SAMPLED, 0, 0, 256 * KIB, false, true},
    {"sampled-hidden-part", SAMPLED, 12 * MIB, 64 * KIB, 256 * KIB, false, true},
    {"sampled-grown-part", SAMPLED, 12 * MIB, 64 * KIB, 256 * KIB, true, false},
    /* As cp -p, rsync --inplace -t and touch -r leave it. */
    {"hidden", HASHED, 6 * MIB, 3 * MIB, 256 * KIB, false, true},
    {"hidden-page", HASHED, 8 * MIB, 4 * KIB, 256 * KIB, false, true},
    {"hidden-grown", HASHED, 6 * MIB, 3 * MIB, 256 * KIB, true, true},
    {"hidden-1m", MIB, 768 * KIB, 64 * KIB, 0, false, true},
    {"hidden-512k", 512 * KIB, 384 * KIB, 64 * KIB, 0, false, true},
    /* Nothing is read yet: what waits in sockets must not be what the file has by now. */
    {"unread-small", 64 * KIB, 0, 32 * KIB, 0, false, false},
    {"unread-small-end", 100 * KIB, 64 * KIB, 36 * KIB, 0, false, false},
    {"unread-128k", 128 * KIB, 0, 64 * KIB, 0, false, false},
    {"unread-129k", 129 * KIB, 64 * KIB, 32 * KIB, 0, false, false},
    {"unread-300k", 300 * KIB, 0, 64 * KIB, 0, false, false},
    {"unread-1m", MIB, 32 * KIB, 64 * KIB, 0, false, false},
    {"unread-1m-hidden", MIB, 32 * KIB, 64 * KIB, 0, false, true},
    {"unread-hashed", HASHED, 16 * KIB, 128 * KIB, 0, false, false},
    {"unread-sampled", SAMPLED, 32 * KIB, 128 * KIB, 0, false, false},
    {"unread-sampled-hidden", SAMPLED, 32 * KIB, 128 * KIB, 0, false, true},
};

enum { EDIT_COUNT = sizeof edits / sizeof edits[0] };

static void write_all_but_samples(int dir, const char *name) {
    const size_t step = (SAMPLED - SAMPLE_LEN) / (SAMPLE_COUNT - 1);
    for (size_t i = 0; i + 1 < SAMPLE_COUNT; i++)
        content_write_at(dir, name, NEW, step * i + SAMPLE_LEN, step - SAMPLE_LEN, SAMPLED);
}

static void make(const struct fixture *fixture, const struct edit *edit) {
    struct stat before;
    assert_int_equal(fstatat(fixture->fd, edit->name, &before, 0), 0);
    if (edit->len > 0)
        content_write_at(fixture->fd, edit->name, NEW, edit->first, edit->len, edit->length);
    else
        write_all_but_samples(fixture->fd, edit->name);
    if (edit->grows)
        content_write_at(fixture->fd, edit->name, NEW, edit->length, CONTENT_RECORD, edit->length + CONTENT_RECORD);
    if (edit->hides)
        assert_int_equal(utimensat(fixture->fd, edit->name, (struct timespec[]){before.st_atim, before.st_mtim}, 0), 0);
}

/* NULL, or what is wrong with the answer. */
static const char *judge(const struct edit *edit, const struct answer *answer) {
    if (answer->status != 200)
        return "no 200";
    if (answer->promised != edit->length)
        return "the head is not the old version's";
    if (!answer->cut && (!content_is_pure(&answer->body) || answer->body.versions[0] != OLD))
        return "all that was promised came, but versions are mixed";
    return NULL;
}

static const char *read_across(struct link *link, const struct fixture *fixture, const struct edit *edit,
                               struct answer *answer) {
    const int plenty = 4 * MIB;
    char path[64];
    snprintf(path, sizeof path, "/%s", edit->name);
    fetch_head(link, &(struct ask){.path = path}, answer);
    if (edit->read > 0)
        fetch_body(link, answer, edit->read);
    make(fixture, edit);
    setsockopt(link->client.fd, SOL_SOCKET, SO_RCVBUF, &plenty, sizeof plenty); /* now as fast as can be */
    fetch_body(link, answer, UINT64_MAX);
    return judge(edit, answer);
}

/* The tag of a file that is hashed as a whole isn't the old one any more, whatever its times are. */
static const char *await_tag(int port, const struct edit *edit, const char *old_tag) {
    struct link link = {.port = port};
    struct answer answer;
    char path[64];
    snprintf(path, sizeof path, "/%s", edit->name);
    const int64_t until_ms = clock_now_ms() + FRESH_MS + SCHEDULE_MS;
    bool seen = false;
    while (!seen && clock_left_ms(until_ms) > 0) {
        fetch(&link, &(struct ask){.method = "HEAD", .path = path}, &answer);
        seen = answer.status == 200 && strcmp(answer.etag, old_tag) != 0;
        if (!seen)
            rest_ms(10);
    }
    link_close(&link);
    return seen ? NULL : "its tag is the old one";
}

void test_in_place(void **state) {
    struct fixture fixture;
    bool well = true;
    fixture_open(&fixture);
    struct server *server = start_server(state, fixture.path);
    for (size_t i = 0; i < EDIT_COUNT; i++) {
        struct link link = {.port = server_port(server), .receive_buffer = 4 * KIB, .step = 256 * KIB};
        struct answer answer;
        content_truncate(fixture.fd, edits[i].name, OLD, edits[i].length, 0);
        const char *error = read_across(&link, &fixture, &edits[i], &answer);
        if (!error && edits[i].length < SAMPLED)
            error = await_tag(server_port(server), &edits[i], answer.etag);
        if (error)
            print_error("%s: %s: status %d, %llu of %llu bytes, %u runs, %u broken records\n", edits[i].name, error,
                        answer.status, (unsigned long long)answer.body.len, (unsigned long long)answer.promised,
                        answer.body.runs, answer.body.broken);
        well = well && !error;
        link_close(&link);
    }
    assert_true(server_stop(server));
    fixture_close(&fixture);
    assert_true(well);
}

/* What is written through a shared mapping shows in no time until the file is written back; then, and when its times
 * are set, it is an edit like any other. */
static void write_mapped(const struct fixture *fixture, const char *name, uint32_t version, size_t length) {
    int fd = openat(fixture->fd, name, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    char *map = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(map != MAP_FAILED);
    content_fill(map, length, 0, version, length);
    assert_int_equal(msync(map, length, MS_SYNC), 0);
    assert_int_equal(futimens(fd, NULL), 0);
    munmap(map, length);
    close(fd);
}

void test_mapped(void **state) {
    static const struct {
        const char *name;
        size_t length;
    } files[] = {{"small.bin", 8 * KIB}, {"medium.bin", 256 * KIB}, {"hashed.bin", HASHED}, {"sampled.bin", SAMPLED}};
    struct fixture fixture;
    fixture_open(&fixture);
    struct server *server = start_server(state, fixture.path);
    struct link link = {.port = server_port(server)};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct answer old, answer;
        char path[64];
        snprintf(path, sizeof path, "/%s", files[i].name);
        content_truncate(fixture.fd, files[i].name, OLD, files[i].length, 0);
        fetch(&link, &(struct ask){.path = path}, &old);
        assert_true(old.status == 200 && content_is_pure(&old.body));
        write_mapped(&fixture, files[i].name, NEW, files[i].length);
        const int64_t until_ms = clock_now_ms() + FRESH_MS + SCHEDULE_MS;
        do
            fetch(&link, &(struct ask){.path = path}, &answer);
        while (clock_left_ms(until_ms) > 0 && (answer.cut || answer.body.versions[0] != NEW));
        if (answer.status != 200 || answer.cut || !content_is_pure(&answer.body) || answer.body.versions[0] != NEW ||
            strcmp(answer.etag, old.etag) == 0)
            fail_msg("%s: status %d, version %x%s, tag %s, was %s", path, answer.status, answer.body.versions[0],
                     answer.cut ? ", cut" : "", answer.etag, old.etag);
    }
    link_close(&link);
    assert_true(server_stop(server));
    fixture_close(&fixture);
}

/* A write that is held up in its middle, by a disk that can't keep up, say: the times were set where it began, and what
 * it writes from then on shows in nothing but the content. Stores into pages that are dirty already are like that. What
 * was seen meanwhile is one version, and what the file is in the end another, for good: their tags differ. */
void test_held_write(void **state) {
    static const struct {
        const char *name;
        size_t length;
    } files[] = {{"held-medium.bin", 256 * KIB}, {"held-hashed.bin", 6 * MIB}, {"held-sampled.bin", 20 * MIB}};
    struct fixture fixture;
    fixture_open(&fixture);
    struct server *server = start_server(state, fixture.path);
    struct link link = {.port = server_port(server)};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        const size_t length = files[i].length, half = length / 2;
        struct answer middle, answer;
        char path[64];
        snprintf(path, sizeof path, "/%s", files[i].name);
        content_truncate(fixture.fd, files[i].name, OLD, length, 0);
        int fd = openat(fixture.fd, files[i].name, O_RDWR | O_CLOEXEC);
        char *map = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        assert_true(fd >= 0 && map != MAP_FAILED);
        content_fill(map, length, 0, OLD, length);
        content_fill(map, half, 0, NEW, length);
        rest_ms(200);
        fetch(&link, &(struct ask){.path = path}, &middle);
        assert_true(middle.status == 200 && !middle.cut && middle.body.runs == 2);
        content_fill(map + half, length - half, half, NEW, length);
        const int64_t until_ms = clock_now_ms() + FRESH_MS + SCHEDULE_MS;
        do {
            fetch(&link, &(struct ask){.path = path}, &answer);
            if (answer.status != 200 || answer.cut || !content_is_pure(&answer.body) ||
                answer.body.versions[0] != NEW || strcmp(answer.etag, middle.etag) == 0)
                fail_msg("%s: status %d, version %x%s, tag %s, was %s", path, answer.status, answer.body.versions[0],
                         answer.cut ? ", cut" : "", answer.etag, middle.etag);
            rest_ms(10);
        } while (clock_left_ms(until_ms) > 0);
        munmap(map, length);
        close(fd);
    }
    link_close(&link);
    assert_true(server_stop(server));
    fixture_close(&fixture);
}
