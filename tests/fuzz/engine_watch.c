/* What he keeps of an exchange is made of its number, so that he knows it again. */
#include "engine_watch.h"

#include "base/check.h"
#include "engine/conn.h"
#include "engine/exchanges.h"

#include <string.h>

static size_t kept_len(const struct engine_watch *watcher, unsigned number) {
    return number % 3 == 0 ? watcher->watch.keep_max : number * 61 % (watcher->watch.keep_max + 1);
}

/* What points into the request may be read until it returns. */
static void read_asked(const struct asked *asked) {
    const struct slice parts[] = {asked->request->method_name, asked->request->line,
                                  asked->whole ? asked->request->lines : asked->raw};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        for (size_t k = 0; k < parts[i].len; k++)
            *(volatile const char *)&parts[i].at[k];
}

static size_t begun(void *ctx, const struct conn *conn, const struct exchange *exchange, const struct asked *asked,
                    char *kept) {
    struct engine_watch *watcher = ctx;
    size_t len = kept_len(watcher, watcher->begun);
    read_asked(asked);
    CHECK(exchange->head_len <= exchange->len && exchange->sent == 0);
    CHECK((exchange->status == STATUS_CLIENT_LEFT) == (exchange->len == 0));
    CHECK(exchange->began_ns <= conn->env->clock.now_ns);
    memset(kept, (char)watcher->begun, len);
    watcher->begun++;
    return len;
}

static void moved(void *ctx, size_t received, size_t sent) {
    struct engine_watch *watcher = ctx;
    watcher->received += received;
    watcher->sent += sent;
}

static void ended(void *ctx, const struct conn *conn, const struct exchange *exchange, const char *kept, size_t len) {
    struct engine_watch *watcher = ctx;
    (void)conn;
    CHECK(watcher->ended < watcher->begun && len == kept_len(watcher, watcher->ended));
    for (size_t i = 0; i < len; i++)
        CHECK(kept[i] == (char)watcher->ended);
    watcher->exchanges_sent += exchange->sent;
    CHECK(exchange->sent <= exchange->len && watcher->exchanges_sent <= watcher->sent);
    watcher->ended++;
}

static void closed(void *ctx, const struct conn *conn) {
    struct engine_watch *watcher = ctx;
    CHECK(conn->end > END_OPEN && conn->end < END_COUNT && watcher->ended == watcher->begun);
    watcher->closed++;
}

void engine_watch_open(struct engine_watch *watcher, size_t keep_max) {
    *watcher = (struct engine_watch){
        .watch = {begun, moved, ended, closed, .ctx = watcher, .keep_max = keep_max},
    };
}

void engine_watch_check(const struct engine_watch *watcher, uint64_t received, uint64_t sent) {
    CHECK(watcher->closed == 1 && watcher->begun == watcher->ended);
    CHECK(watcher->received == received && watcher->sent == sent && watcher->exchanges_sent == sent);
}
