/* A reader takes the beginning of a body; the file changes; then the reader takes the rest. */
#include "scenarios.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LENGTH = 12 * MIB, /* more than sockets may hold back, so that the change does come in the middle */
    TASTE = 256 * KIB,
    OLD = 0x70001,
    NEW = 0x70002
};

enum outcome {
    WHOLE, /* all of it, and all of the old version */
    CUT    /* the connection ends before the promised length, and what came was in the file at its place */
};

struct change {
    const char *name;
    enum outcome outcome;
    void (*make)(int dir, const char *name);
};

static void replace(int dir, const char *name) {
    content_rename_over(dir, name, NEW, LENGTH);
}

static void delete (int dir, const char *name) {
    assert_int_equal(unlinkat(dir, name, 0), 0);
}

static void overwrite(int dir, const char *name) {
    content_overwrite(dir, name, NEW, LENGTH, 0);
}

static void rewrite(int dir, const char *name) {
    content_truncate(dir, name, NEW, LENGTH, 0);
}

static void rewrite_longer(int dir, const char *name) {
    content_truncate(dir, name, NEW, LENGTH + MIB, 0);
}

static void truncate_to(int dir, const char *name, off_t length) {
    int fd = openat(dir, name, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0 && ftruncate(fd, length) == 0);
    close(fd);
}

static void halve(int dir, const char *name) {
    truncate_to(dir, name, LENGTH / 2);
}

/* Not at a page's end: the rest of the last page is none of the file's. Where a send comes upon the end is the network
 * stack's affair, so there are two of these. */
static void halve_unevenly(int dir, const char *name) {
    truncate_to(dir, name, LENGTH / 2 + 4 * KIB + 16);
}

static void halve_more_unevenly(int dir, const char *name) {
    truncate_to(dir, name, LENGTH / 2 + 28 * KIB + 1008);
}

static void empty(int dir, const char *name) {
    truncate_to(dir, name, 0);
}

static void lose_end(int dir, const char *name) {
    truncate_to(dir, name, LENGTH - CONTENT_RECORD);
}

static void append(int dir, const char *name) {
    content_write_at(dir, name, NEW, LENGTH, 64 * KIB, LENGTH + 64 * KIB);
}

static void edit_end(int dir, const char *name) {
    content_write_at(dir, name, NEW, LENGTH - CONTENT_RECORD, CONTENT_RECORD, LENGTH);
}

static const struct change changes[] = {
    {"replaced", WHOLE, replace},
    {"deleted", WHOLE, delete},
    {"appended", WHOLE, append},
    {"overwritten", CUT, overwrite},
    {"rewritten", CUT, rewrite},
    {"rewritten-longer", CUT, rewrite_longer},
    {"halved", CUT, halve},
    {"halved-unevenly", CUT, halve_unevenly},
    {"halved-more-unevenly", CUT, halve_more_unevenly},
    {"emptied", CUT, empty},
    {"without-end", CUT, lose_end},
    {"edited-end", CUT, edit_end},
};

enum { CHANGE_COUNT = sizeof changes / sizeof changes[0] };

/* NULL, or what is wrong with the answer. */
static const char *judge(enum outcome outcome, const struct answer *answer) {
    if (answer->status != 200)
        return "no 200";
    /* What one send took may end in the middle of a record, and the next send find the new version. */
    if (answer->body.broken > (outcome == CUT && answer->body.runs > 1 ? 1 : 0))
        return "bytes that were never there";
    if (answer->body.versions[0] != OLD || answer->body.total != LENGTH || answer->promised != LENGTH)
        return "the head is not the old version's";
    if (outcome == WHOLE && answer->cut)
        return "it was cut";
    if (outcome == WHOLE && !content_is_pure(&answer->body))
        return "versions are mixed";
    if (outcome == CUT && !answer->cut)
        return "it was not cut";
    return NULL;
}

void test_mid_transfer(void **state) {
    struct fixture fixture;
    bool well = true;
    const int plenty = 4 * MIB;
    fixture_open(&fixture);
    struct server *server = start_server(state, fixture.path);
    for (size_t i = 0; i < CHANGE_COUNT; i++) {
        const struct change *change = &changes[i];
        struct link link = {.port = server_port(server), .receive_buffer = 16 * KIB, .step = TASTE};
        struct answer answer;
        char path[64];
        content_truncate(fixture.fd, change->name, OLD, LENGTH, 0);
        snprintf(path, sizeof path, "/%s", change->name);
        fetch_head(&link, &(struct ask){.path = path}, &answer);
        fetch_body(&link, &answer, TASTE);
        change->make(fixture.fd, change->name);
        if (change->make != halve_unevenly && change->make != halve_more_unevenly)
            setsockopt(link.client.fd, SOL_SOCKET, SO_RCVBUF, &plenty, sizeof plenty); /* now as fast as can be */
        fetch_body(&link, &answer, UINT64_MAX);
        const char *error = judge(change->outcome, &answer);
        if (error)
            print_error("%s: %s: status %d, %llu of %llu bytes, %u runs, %u broken records\n", change->name, error,
                        answer.status, (unsigned long long)answer.body.len, (unsigned long long)answer.promised,
                        answer.body.runs, answer.body.broken);
        well = well && !error;
        link_close(&link);
    }
    assert_true(server_stop(server));
    fixture_close(&fixture);
    assert_true(well);
}
