#include "observe/log_maker.h"
#include "base/say.h"
#include "engine/conn.h"

#include <stdlib.h>

struct log_conn {
    uint64_t number;
    uint64_t opened_ms;
    uint64_t sent; /* bytes of replies that have ended */
};

bool log_maker_open(struct log_maker *maker, struct access_log *log, unsigned worker, unsigned workers,
                    struct log_conns conns) {
    *maker = (struct log_maker){.log = log, .worker = worker, .workers = workers, .conns = conns};
    maker->of = calloc(conns.count, sizeof *maker->of);
    if (!log)
        return maker->of;
    maker->lane = access_log_lane(log, worker);
    maker->line = malloc(sizeof *maker->line);
    if (maker->line)
        log_line_init(maker->line);
    return maker->of && maker->line;
}

void log_maker_serve(struct log_maker *maker, const struct log_format *format, bool tells_ends) {
    maker->format = maker->log ? format : NULL;
    maker->tells_ends = tells_ends;
}

void log_maker_close(struct log_maker *maker) {
    free(maker->of);
    free(maker->line);
}

static struct log_conn *conn_of(const struct log_maker *maker, const struct conn *conn) {
    return &maker->of[(size_t)((const char *)conn - (const char *)maker->conns.first) / maker->conns.size];
}

/* Numbers are one sequence over all workers, each of which has every so many'th. */
void log_maker_opened(struct log_maker *maker, const struct conn *conn) {
    uint64_t number = maker->opened++ * maker->workers + maker->worker + 1;
    *conn_of(maker, conn) = (struct log_conn){.number = number, .opened_ms = conn->env->clock.now_ms};
}

void log_maker_in_child(struct log_maker *maker, unsigned client) {
    if (maker->log)
        maker->lane = access_log_child_lane(maker->log, maker->worker, client);
}

size_t log_maker_begun(const struct log_maker *maker, const struct conn *conn, const struct asked *asked, char *kept) {
    const struct log_asker asker = {conn_of(maker, conn)->number, conn->request_count};
    return maker->format ? log_line_keep(maker->format, asked, &asker, kept) : 0;
}

void log_maker_ended(struct log_maker *maker, const struct conn *conn, const struct exchange *exchange,
                     uint64_t took_ns, const char *kept, size_t kept_len) {
    conn_of(maker, conn)->sent += exchange->sent;
    if (kept_len == 0)
        return;
    if (maker->lane) {
        size_t len = log_line_make(maker->line, exchange, conn->env->clock.seconds, took_ns, kept);
        log_lane_put(maker->lane, maker->line->at, len);
    } else {
        access_log_lost(maker->log);
    }
}

void log_maker_closed(const struct log_maker *maker, const struct conn *conn) {
    static const struct address unknown = {0};
    const struct log_conn *of = conn_of(maker, conn);
    char address[ADDRESS_TEXT_MAX];
    if (!maker->tells_ends)
        return;
    uint64_t ms = conn->env->clock.now_ms - of->opened_ms;
    address_format(conn->from ? conn->from : &unknown, address);
    say_as(SAY_INFO, "connection %llu from %s ended: %s; %u request%s, %llu bytes sent, %llu.%03u s",
           (unsigned long long)of->number, address, conn_end_name((enum conn_end)conn->end), conn->request_count,
           conn->request_count == 1 ? "" : "s", (unsigned long long)of->sent, (unsigned long long)(ms / 1000),
           (unsigned)(ms % 1000));
}
