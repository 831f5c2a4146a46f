/* A place to parse requests in, whose end is the end of what may be read. For one test program each. */
#ifndef ROOM_H
#define ROOM_H

#include "base/bounds.h"
#include "protocol/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROOM = 128 * 1024, ALIGNMENTS = 64 };

static char *room; /* ROOM bytes, with a page before and one after that can't be touched */
static char *room_end;

static inline int room_setup(void **state) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    (void)state;
    char *all = mmap(NULL, ROOM + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED || mprotect(all + page, ROOM, PROT_READ | PROT_WRITE) != 0)
        return -1;
    room = all + page;
    room_end = room + ROOM;
    return 0;
}

static inline void room_check_inside(struct slice slice, const char *bytes, size_t len) {
    if (slice.len == 0)
        return;
    assert_true(slice.at >= bytes);
    assert_true(slice.at + slice.len <= bytes + len);
}

static inline void room_check_slices(const struct request *request, const char *bytes, size_t len) {
    const struct slice slices[] = {request->method_name, request->line,      request->target, request->path,
                                   request->query,       request->authority, request->lines};
    for (size_t i = 0; i < sizeof slices / sizeof *slices; i++)
        room_check_inside(slices[i], bytes, len);
    for (enum request_field field = 0; field < FIELD_COUNT; field++) {
        struct slice value;
        room_check_inside(request_value(request, field), bytes, len);
        for (size_t cursor = 0; request_next_line(request, field, &cursor, &value);)
            room_check_inside(value, bytes, len);
    }
}

/* Parses a copy at `at`. */
static inline int room_parse(char *at, const char *bytes, size_t len, struct request *request, size_t *head_len) {
    memcpy(at, bytes, len);
    *head_len = (size_t)-1;
    memset(request, 0xa5, sizeof *request);
    int status = request_parse(at, len, HEAD_MAX_DEFAULT, request, head_len);
    if (status == 0) {
        assert_true(*head_len <= len);
        room_check_slices(request, at, len);
    } else {
        room_check_inside(request->line, at, len);
        room_check_inside(request->method_name, at, len);
    }
    return status;
}

#endif
