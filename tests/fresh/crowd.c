#include "crowd.h"

#include "clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MIB = 1 << 20 };

static uint32_t version_of(const struct target *target, uint32_t state) {
    return target->id << 16 | state;
}

uint32_t target_begin(struct target *target, enum state_kind kind) {
    uint32_t state = target->begun;
    if (state == STATES_MAX)
        abort();
    target->kind[state] = (uint8_t)kind;
    target->begun = state + 1;
    return version_of(target, state);
}

void target_done(struct target *target) {
    uint32_t state = target->done;
    target->done_ms[state] = clock_now_ms();
    target->done = state + 1;
}

/* The oldest state that a request sent then may still be shown. */
static uint32_t oldest_state(const struct target *target, int64_t sent_ms) {
    uint32_t state = target->done;
    while (state > 0 && target->done_ms[state - 1] > sent_ms - FRESH_MS - SCHEDULE_MS)
        state--;
    return state > 0 ? state - 1 : 0;
}

static __attribute__((format(printf, 4, 5))) bool wrong(struct crowd *crowd, const struct target *target,
                                                        const struct answer *answer, const char *format, ...) {
    char what[200];
    va_list list;
    va_start(list, format);
    vsnprintf(what, sizeof what, format, list);
    va_end(list);
    pthread_mutex_lock(&crowd->lock);
    if (!crowd->error[0])
        snprintf(crowd->error, sizeof crowd->error,
                 "%s: %s; status %d, %llu of %llu bytes, %u runs, versions %x %x, %u broken records, tag %s %s",
                 target->path, what, answer->status, (unsigned long long)answer->body.len,
                 (unsigned long long)answer->promised, answer->body.runs, answer->body.versions[0],
                 answer->body.versions[1], answer->body.broken, answer->etag, answer->encoding);
    pthread_mutex_unlock(&crowd->lock);
    return false;
}

static bool ledger_find(struct ledger *ledger, const char *etag, struct entry *found) {
    bool known = false;
    pthread_mutex_lock(&ledger->lock);
    for (unsigned i = 0; i < ledger->count && !known; i++)
        if (strcmp(ledger->entries[i].etag, etag) == 0) {
            *found = ledger->entries[i];
            known = true;
        }
    pthread_mutex_unlock(&ledger->lock);
    return known;
}

/* NULL, or what is wrong with it. */
static const char *ledger_note(struct ledger *ledger, const struct target *target, const struct answer *answer) {
    const char *error = NULL;
    bool known = false;
    pthread_mutex_lock(&ledger->lock);
    for (unsigned i = 0; i < ledger->count && !known && !error; i++) {
        const struct entry *entry = &ledger->entries[i];
        bool same_tag = strcmp(entry->etag, answer->etag) == 0,
             same_content = entry->hash == answer->body.hash && entry->len == answer->body.len;
        known = same_tag && same_content;
        /* What grows while it is looked at may get a tag that rests on its time too: one more than needed, but true. */
        if (same_tag != same_content && (same_tag || target->manner != TRUNCATED))
            error = same_tag ? "two contents share a tag" : "a content has two tags";
    }
    if (!known && !error && ledger->count < LEDGER_MAX) {
        struct entry *entry = &ledger->entries[ledger->count++];
        *entry = (struct entry){.hash = answer->body.hash,
                                .len = answer->body.len,
                                .version = answer->body.runs > 0 ? answer->body.versions[0] : 0};
        memcpy(entry->etag, answer->etag, sizeof entry->etag);
    }
    pthread_mutex_unlock(&ledger->lock);
    return error;
}

/* Whether the version is one that a request sent then may be shown, in the coding that it had. */
static bool judge_version(struct crowd *crowd, const struct target *target, const struct answer *answer,
                          uint32_t version) {
    uint32_t state = version & 0xffff, oldest = oldest_state(target, answer->sent_ms);
    if (version >> 16 != target->id)
        return wrong(crowd, target, answer, "version %x is another file's", version);
    if (state >= target->begun)
        return wrong(crowd, target, answer, "version %x was never written", version);
    if (state < oldest)
        return wrong(crowd, target, answer, "version %x is stale: state %u was complete long before", version, oldest);
    bool gzip = strcmp(answer->encoding, "gzip") == 0;
    if (answer->status != 304 && gzip != (target->kind[state] == STATE_GZIP))
        return wrong(crowd, target, answer, "version %x in another coding than it has", version);
    return true;
}

static bool judge_missing(struct crowd *crowd, const struct target *target, const struct answer *answer) {
    for (uint32_t state = oldest_state(target, answer->sent_ms); state < target->begun; state++)
        if (target->kind[state] == STATE_ABSENT)
            return true;
    return wrong(crowd, target, answer, "it is there");
}

static bool judge_whole(struct crowd *crowd, const struct target *target, const struct answer *answer) {
    const struct content *body = &answer->body;
    const char *error = NULL;
    if (body->len == 0) {
        if (target->manner != TRUNCATED)
            return wrong(crowd, target, answer, "an empty body");
        error = answer->status == 200 ? ledger_note(&crowd->ledger, target, answer) : NULL;
        return !error || wrong(crowd, target, answer, "%s", error);
    }
    bool one = content_is_pure(body);
    if (one && target->manner != TRUNCATED && body->total != body->first + body->len)
        return wrong(crowd, target, answer, "Content-Length is not this version's %llu",
                     (unsigned long long)body->total);
    if (!one && target->manner == OVERWRITTEN) {
        bool overwritten = body->runs == 2 && body->versions[0] == body->versions[1] + 1 && body->broken <= 1;
        if (!overwritten)
            return wrong(crowd, target, answer, "a complete body of what the file never was");
    } else if (!one) {
        return wrong(crowd, target, answer, "a complete body of no one version");
    }
    if (!judge_version(crowd, target, answer, body->versions[one ? 0 : 1]))
        return false;
    /* The tag of a large file rests on samples, and what is overwritten right now may have them in common. */
    if (answer->status == 200 && (one || !target->large))
        error = ledger_note(&crowd->ledger, target, answer);
    struct entry known;
    if (answer->status == 206 && one && ledger_find(&crowd->ledger, answer->etag, &known) &&
        known.version != body->versions[0])
        error = "a range of another version than its tag's";
    return !error || wrong(crowd, target, answer, "%s", error);
}

static bool judge(struct crowd *crowd, const struct target *target, const struct answer *answer, bool to_head) {
    struct entry known;
    switch (answer->status) {
    case 0:
        return wrong(crowd, target, answer, "no answer: %s", answer->why);
    case 404:
        crowd->missing++;
        return judge_missing(crowd, target, answer);
    case 304:
        crowd->unchanged++;
        if (!ledger_find(&crowd->ledger, answer->etag, &known))
            return wrong(crowd, target, answer, "304 with a tag that no 200 had");
        return known.version == 0 || judge_version(crowd, target, answer, known.version);
    case 416:
        return target->manner == TRUNCATED || wrong(crowd, target, answer, "it is that long");
    case 200:
    case 206:
        break;
    default:
        return wrong(crowd, target, answer, "this status");
    }
    if (!answer->etag[0])
        return wrong(crowd, target, answer, "no ETag");
    if (to_head)
        return !ledger_find(&crowd->ledger, answer->etag, &known) || known.len == answer->body.total ||
               wrong(crowd, target, answer, "HEAD says that the length is %llu",
                     (unsigned long long)answer->body.total);
    if (!answer->cut) {
        crowd->whole++;
        return judge_whole(crowd, target, answer);
    }
    crowd->cut++;
    return target->manner != REPLACED || wrong(crowd, target, answer, "cut short");
}

static void *read_targets(void *context) {
    struct crowd *crowd = context;
    unsigned self = crowd->next_reader++;
    /* Every other reader is slow. */
    struct link link = {.port = crowd->port};
    if (self % 2 == 1)
        link = (struct link){.port = crowd->port, .receive_buffer = 32 * 1024, .pause_us = 400, .step = 64 * 1024};
    char tags[TARGETS_MAX][80] = {{0}}, fields[256];
    bool well = true;
    for (unsigned round = self; well && !crowd->stop; round++) {
        unsigned at = round % crowd->target_count, turn = round / crowd->target_count;
        const struct target *target = &crowd->targets[at];
        struct ask ask = {.path = target->path, .fields = fields};
        struct answer answer;
        int len = snprintf(fields, sizeof fields, "Accept-Encoding: gzip\r\n");
        if (turn % 3 == 2 && tags[at][0])
            snprintf(fields + len, sizeof fields - (size_t)len, "If-None-Match: %s\r\n", tags[at]);
        else if (turn % 4 == 3 && target->large)
            snprintf(fields + len, sizeof fields - (size_t)len, "Range: bytes=%d-\r\n", MIB);
        else if (turn % 5 == 4)
            ask.method = "HEAD";
        fetch(&link, &ask, &answer);
        well = judge(crowd, target, &answer, ask.method != NULL);
        if (answer.status == 200 && !ask.method && !answer.cut && answer.body.runs <= 1)
            memcpy(tags[at], answer.etag, sizeof tags[at]);
        /* On a small machine the writer and the server shall have their turn too. */
        nanosleep(&(struct timespec){.tv_nsec = 1000 * 1000}, NULL);
    }
    link_close(&link);
    return NULL;
}

void crowd_start(struct crowd *crowd, int port, struct target targets[], unsigned target_count) {
    memset(crowd, 0, sizeof *crowd);
    crowd->port = port;
    crowd->targets = targets;
    crowd->target_count = target_count;
    crowd->reader_count = 4;
    pthread_mutex_init(&crowd->lock, NULL);
    pthread_mutex_init(&crowd->ledger.lock, NULL);
    for (unsigned i = 0; i < crowd->reader_count; i++)
        if (pthread_create(&crowd->readers[i], NULL, read_targets, crowd) != 0)
            abort();
}

static bool shows_last(const struct target *target, const struct answer *answer) {
    uint32_t last = target->done - 1;
    if (target->kind[last] == STATE_ABSENT)
        return answer->status == 404;
    return answer->status == 200 && !answer->cut && content_is_pure(&answer->body) &&
           answer->body.versions[0] == version_of(target, last);
}

bool crowd_await(struct crowd *crowd) {
    struct link link = {.port = crowd->port};
    bool seen = true;
    for (unsigned at = 0; at < crowd->target_count && seen; at++) {
        const struct target *target = &crowd->targets[at];
        int64_t since_ms = target->done_ms[target->done - 1];
        struct answer answer;
        do {
            struct ask ask = {.path = target->path, .fields = "Accept-Encoding: gzip\r\n"};
            fetch(&link, &ask, &answer);
            seen = shows_last(target, &answer);
            if (!seen)
                nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
        } while (!seen && answer.sent_ms - since_ms < FRESH_MS + SCHEDULE_MS);
        if (!seen)
            wrong(crowd, target, &answer, "not seen %d ms after the change", (int)(answer.sent_ms - since_ms));
    }
    link_close(&link);
    return seen;
}

bool crowd_stop(struct crowd *crowd) {
    crowd->stop = true;
    for (unsigned i = 0; i < crowd->reader_count; i++)
        pthread_join(crowd->readers[i], NULL);
    pthread_mutex_destroy(&crowd->lock);
    pthread_mutex_destroy(&crowd->ledger.lock);
    return !crowd->error[0];
}
