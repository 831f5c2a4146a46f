/* conformance SUITE MODEL... - runs every row of a suite on a server of each model, over real sockets.
 *
 * Each row runs twice, on connections of its own: sent whole, and cut into segments. Both must be answered alike, and
 * all models must answer alike, apart from the date. CONFORMANCE_ROWS=part in the environment runs only the rows whose
 * name has that part. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "check.h"
#include "client.h"
#include "expand.h"
#include "groups.h"
#include "server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MODELS_MAX = 16, ARGS_MAX = 16, SHOWN_MAX = 1500 };

static const struct group *const core_groups[] = {
    &group_request_line, &group_fields,     &group_host,    &group_methods, &group_limits,
    &group_small_head,   &group_targets,    &group_slashes, &group_framing, &group_chunked,
    &group_expect,       &group_connection, &group_basics,  &group_types,   NULL,
};
static const struct group *const files_groups[] = {
    &group_conditional, &group_dates,        &group_times,         &group_range,        &group_parts,
    &group_encoding,    &group_names,        &group_dotfiles,      &group_symlinks_all, &group_symlinks_none,
    &group_listing,     &group_not_found,    &group_own_not_found, &group_spa,          &group_spa_file,
    &group_clean_urls,  &group_clean_listed, &group_clean_app,     &group_clean_index,  &group_clean_vhosts,
    &group_index,       &group_vhosts,       &group_auth,          &group_header,       &group_cors,
    &group_isolate,     &group_redirect,     &group_cache,         &group_mime,         &group_cors_origins,
    &group_cors_auth,   &group_default_type, NULL,
};

/* One model's turn. */
struct run {
    const char *model;
    size_t ran;
    size_t failed;
    struct bytes *answers; /* a transcript for each row of the suite */
};

static const struct group *const *suite;
static size_t suite_rows;
static struct run runs[MODELS_MAX];
static size_t run_count;

/* One row on one connection. */
struct exchange {
    const struct row *row;
    struct tags *tags;
    struct client client;
    struct bytes request;
    struct bytes answer;
    struct bytes faults;
};

static bool is_skipped(const struct row *row) {
    const char *part = getenv("CONFORMANCE_ROWS");
    return (row->as_user && geteuid() == 0) || (part && !strstr(row->name, part));
}

static bool asks_head(const struct exchange *exchange) {
    const char *start = exchange->request.at + strspn(exchange->request.at, "\r\n");
    return exchange->row->before ? exchange->row->to_head : strncmp(start, "HEAD ", 5) == 0;
}

/* False when there is nothing more to read; may_end: and that is fine. */
static bool read_reply(struct exchange *exchange, bool to_head, bool may_end, struct reply *reply) {
    const char *why = NULL;
    int got = client_reply(&exchange->client, to_head, reply, &why);
    if (got == 0 && !may_end)
        bytes_addf(&exchange->faults, "closed without a reply; ");
    if (got < 0)
        bytes_addf(&exchange->faults, "no proper reply: %s; ", why);
    if (got < 0 && exchange->client.in.len > 0)
        bytes_add(&exchange->answer, exchange->client.in.at, exchange->client.in.len);
    if (got == 1)
        reply_transcribe(reply, &exchange->answer);
    return got == 1;
}

static bool run_before(struct exchange *exchange) {
    bool well = true;
    for (const int *status = exchange->row->before; status && *status && well; status++) {
        struct reply reply;
        well = read_reply(exchange, *status < 0, false, &reply);
        if (!well)
            break;
        check_any(&reply, *status < 0, false, &exchange->faults);
        if (reply.status != abs(*status))
            bytes_addf(&exchange->faults, "an earlier reply has status %d, not %d; ", reply.status, abs(*status));
        if (strcasecmp(reply_field_text(&reply, "Connection"), "close") == 0)
            bytes_addf(&exchange->faults, "an earlier reply says close; ");
        reply_free(&reply);
    }
    return well;
}

/* RFC 9112 section 9: what the reply says about the connection must be what is done with it. */
static void check_persistence(struct exchange *exchange, const struct reply *reply) {
    const char *connection = reply_field_text(reply, "Connection");
    bool says_close = strcasecmp(connection, "close") == 0;
    bool closes = exchange->row->after == AFTER_CLOSED;
    bool old = memmem(exchange->request.at, exchange->request.len, " HTTP/1.0\r\n", 11) != NULL;
    if (says_close != closes && !exchange->row->half_close)
        bytes_addf(&exchange->faults, "Connection is \"%s\", but should %ssay close; ", connection,
                   closes ? "" : "not ");
    if (old && !closes && strcasecmp(connection, "keep-alive") != 0)
        bytes_addf(&exchange->faults, "an HTTP/1.0 client isn't told keep-alive; ");
}

static void check_after(struct exchange *exchange) {
    /* What is wrong already isn't worth the whole wait. */
    if (exchange->faults.len > 0)
        exchange->client.wait_ms = 300;
    if (exchange->row->after == AFTER_CLOSED) {
        int end = client_await_end(&exchange->client);
        if (end < 0)
            bytes_addf(&exchange->faults, "not closed properly after it: %s; ",
                       end == -EPROTO ? "more bytes came" : strerror(-end));
        return;
    }
    struct reply reply;
    client_send_text(&exchange->client, NEXT);
    if (!read_reply(exchange, false, false, &reply)) {
        bytes_addf(&exchange->faults, "(that was the request after it); ");
        return;
    }
    if (reply.status == 400 || reply.status == 408 || reply.status >= 500)
        bytes_addf(&exchange->faults, "the request after it is answered with %d; ", reply.status);
    reply_free(&reply);
}

static void expect(struct exchange *exchange) {
    const struct row *row = exchange->row;
    if (!run_before(exchange))
        return;
    if (row->status == NONE && row->other_status == 0) {
        check_after(exchange);
        return;
    }
    struct reply reply;
    if (!read_reply(exchange, asks_head(exchange), row->status == NONE, &reply))
        return;
    check_any(&reply, asks_head(exchange), row->body_kind != BODY_ANY || row->contains, &exchange->faults);
    check_row(row, &reply, exchange->tags, &exchange->faults);
    check_persistence(exchange, &reply);
    reply_free(&reply);
    check_after(exchange);
}

/* Where a row is cut differs from row to row, so that together they cover all places. */
static int send_request(struct exchange *exchange, bool cut, size_t number) {
    const struct bytes *request = &exchange->request;
    if (!cut || request->len < 3)
        return client_send(&exchange->client, request->at, request->len);
    size_t cuts[2] = {1 + number * 7 % (request->len - 2), request->len - 1};
    return client_send_cut(&exchange->client, request->at, request->len, cuts, 2);
}

/* All entity tags are asked for before the row's connection is there: an idle one gives way to another in some models,
 * so a second connection would change what is tested. */
static void prepare(struct exchange *exchange) {
    expand(&exchange->request, exchange->row->request, exchange->row->request_len, exchange->tags);
    struct bytes forgotten = {0};
    for (const char *const *field = exchange->row->fields; field && *field; field++)
        expand(&forgotten, *field, strlen(*field), exchange->tags);
    bytes_free(&forgotten);
}

static void run_exchange(struct exchange *exchange, bool cut, size_t number) {
    const struct row *row = exchange->row;
    prepare(exchange);
    int error = client_open(&exchange->client, exchange->tags->port, 0);
    if (error < 0) {
        bytes_addf(&exchange->faults, "can't connect: %s; ", strerror(-error));
        return;
    }
    error = send_request(exchange, cut, number);
    if (error < 0)
        bytes_addf(&exchange->faults, "can't send: %s; ", strerror(-error));
    if (row->half_close)
        client_finish(&exchange->client);
    if (error == 0)
        expect(exchange);
    client_close(&exchange->client);
}

static void report(const struct run *run, const struct group *group, const struct exchange *exchange, bool cut) {
    fprintf(stderr, "FAILED %s: %s: %s (%s)%s\n  %s\n  sent ", run->model, group->name, exchange->row->name,
            exchange->row->cite, cut ? ", in segments" : "", exchange->faults.at);
    bytes_print(stderr, exchange->request.at, exchange->request.len, SHOWN_MAX);
    fprintf(stderr, "\n  came ");
    bytes_print(stderr, exchange->answer.at, exchange->answer.len, SHOWN_MAX);
    fputc('\n', stderr);
}

static void run_row(struct run *run, const struct group *group, const struct row *row, struct tags *tags,
                    size_t number) {
    bool failed = false;
    for (int cut = 0; cut <= 1; cut++) {
        struct exchange exchange = {.row = row, .tags = tags};
        run_exchange(&exchange, cut, number);
        if (cut && !failed && !bytes_equal(&exchange.answer, &run->answers[number]))
            bytes_addf(&exchange.faults, "answered differently from when it was sent whole; ");
        if (exchange.faults.len > 0)
            report(run, group, &exchange, cut);
        failed = failed || exchange.faults.len > 0;
        if (!cut)
            run->answers[number] = exchange.answer;
        else
            bytes_free(&exchange.answer);
        bytes_free(&exchange.faults);
        bytes_free(&exchange.request);
    }
    run->ran++;
    run->failed += failed;
}

static struct server *start(const struct run *run, const struct group *group, const struct fixture *fixture) {
    const char *args[ARGS_MAX] = {NULL};
    char paths[ARGS_MAX][128];
    for (size_t i = 0; group->args[i] && i < ARGS_MAX - 1; i++) {
        const char *mark = strstr(group->args[i], "<dir>");
        args[i] = group->args[i];
        if (!mark)
            continue;
        snprintf(paths[i], sizeof paths[i], "%.*s%s%s", (int)(mark - args[i]), args[i], fixture->path, mark + 5);
        args[i] = paths[i];
    }
    char root[128];
    snprintf(root, sizeof root, "%s/root", fixture->path);
    return server_start(run->model, root, args);
}

static bool has_rows(const struct group *group) {
    for (size_t i = 0; i < group->row_count; i++)
        if (!is_skipped(&group->rows[i]))
            return true;
    return false;
}

/* False when the server didn't start or didn't end as it should. */
static bool run_group(struct run *run, const struct group *group, size_t number) {
    struct fixture fixture;
    fixture_open(&fixture);
    group->site(&fixture);
    struct server *server = start(run, group, &fixture);
    struct tags tags = {.port = server ? server_port(server) : 0};
    for (size_t i = 0; server && i < group->row_count; i++)
        if (!is_skipped(&group->rows[i]))
            run_row(run, group, &group->rows[i], &tags, number + i);
    tags_free(&tags);
    bool well = server && server_stop(server);
    if (!well)
        fprintf(stderr, "FAILED %s: %s: the server itself\n", run->model, group->name);
    run->failed += server ? 0 : group->row_count;
    run->ran += server ? 0 : group->row_count;
    fixture_close(&fixture);
    return well;
}

static void test_model(void **state) {
    struct run *run = *state;
    bool well = true;
    size_t number = 0;
    for (size_t i = 0; suite[i]; i++) {
        if (has_rows(suite[i]))
            well = run_group(run, suite[i], number) && well;
        number += suite[i]->row_count;
    }
    print_message("%s: %zu rows, %zu failed\n", run->model, run->ran, run->failed);
    assert_true(run->ran > 0);
    assert_int_equal(run->failed, 0);
    assert_true(well);
}

/* Compares with the first model, row by row. */
static void test_alike(void **state) {
    (void)state;
    size_t different = 0, number = 0;
    for (size_t g = 0; suite[g]; g++) {
        for (size_t i = 0; i < suite[g]->row_count; i++, number++) {
            for (size_t r = 1; r < run_count; r++) {
                const struct bytes *a = &runs[0].answers[number], *b = &runs[r].answers[number];
                if (bytes_equal(a, b))
                    continue;
                different++;
                fprintf(stderr, "DIFFERENT %s: %s\n  %s ", suite[g]->name, suite[g]->rows[i].name, runs[0].model);
                bytes_print(stderr, a->at, a->len, SHOWN_MAX);
                fprintf(stderr, "\n  %s ", runs[r].model);
                bytes_print(stderr, b->at, b->len, SHOWN_MAX);
                fputc('\n', stderr);
            }
        }
    }
    assert_int_equal(different, 0);
}

static int usage(void) {
    fprintf(stderr, "usage: HTTPD=./httpd conformance core|files MODEL...\n");
    return 2;
}

int main(int argc, char **argv) {
    struct CMUnitTest tests[MODELS_MAX + 1] = {{0}};
    if (argc < 3 || argc - 2 > MODELS_MAX)
        return usage();
    if (strcmp(argv[1], "core") != 0 && strcmp(argv[1], "files") != 0)
        return usage();
    suite = strcmp(argv[1], "core") == 0 ? core_groups : files_groups;
    for (size_t i = 0; suite[i]; i++)
        suite_rows += suite[i]->row_count;
    for (; run_count < (size_t)argc - 2; run_count++) {
        struct run *run = &runs[run_count];
        run->model = argv[run_count + 2];
        run->answers = calloc(suite_rows, sizeof *run->answers);
        tests[run_count] = (struct CMUnitTest){.name = run->model, .test_func = test_model, .initial_state = run};
    }
    /* cmocka passes over entries without a function. */
    tests[run_count] = (struct CMUnitTest){.name = "all models answer alike", .test_func = test_alike};
    int failed = cmocka_run_group_tests_name(argv[1], tests, NULL, NULL);
    for (size_t r = 0; r < run_count; r++) {
        for (size_t i = 0; i < suite_rows; i++)
            bytes_free(&runs[r].answers[i]);
        free(runs[r].answers);
    }
    return failed == 0 ? 0 : 1;
}
