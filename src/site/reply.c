/* What a request is answered with: who may ask, where the path leads, and what the file's state and the client's
   conditions make of it. How the answer is written down is reply_render.c's. */
#include "site/reply.h"
#include "base/check.h"
#include "protocol/conditional.h"
#include "protocol/mime.h"
#include "protocol/navigation.h"
#include "protocol/path.h"
#include "site/auth.h"
#include "site/reply_render.h"
#include "site/route.h"
#include "site/site.h"

void reply_release(void *owner) {
    filecache_put(owner);
}

/* The variant that the client likes best (RFC 9110 12.5.3), in place of the file. NULL: it has to be loaded. */
static struct file *choose_variant(struct reply *reply, struct lookup *lookup, struct file *file, struct slice path) {
    const struct request *request = reply->request;
    struct accept_encoding accept;
    struct slice line;
    if (!file->codings || !request_has(request, FIELD_ACCEPT_ENCODING))
        return file;
    accept_encoding_init(&accept);
    for (size_t cursor = 0; request_next_line(request, FIELD_ACCEPT_ENCODING, &cursor, &line);)
        accept_encoding_add(&accept, line);
    enum content_coding coding = accept_encoding_choose(&accept, file->codings | 1u << CODING_IDENTITY);
    if (coding == CODING_IDENTITY)
        return file;
    struct file *variant = lookup_variant(lookup, path, coding);
    if (variant && variant->kind != FILE_BODY && variant->kind != FILE_FD) {
        filecache_put(variant);
        return file;
    }
    filecache_put(file);
    return variant;
}

/* Answers with parts of the file, or 416, if that is what the request asks for. False: it is to be answered with the
   whole. Range is defined for GET alone (RFC 9110 14.2). */
static bool reply_ranges(struct reply *reply, struct file *file, const struct validators *known) {
    const struct request *request = reply->request;
    struct range ranges[RANGE_COUNT_MAX];
    int count;
    if (!request_has(request, FIELD_RANGE) || request->method != METHOD_GET ||
        !conditional_range(request, known, reply->clock->seconds))
        return false;
    switch (range_parse(request->fields[FIELD_RANGE], file->size, ranges, &count)) {
    case RANGE_IGNORE:
        return false;
    case RANGE_UNSATISFIABLE:
        render_unsatisfiable(reply, file);
        return true;
    case RANGE_SOME:
        break;
    }
    render_ranges(reply, file, ranges, count);
    return true;
}

static void reply_file(struct reply *reply, struct file *file) {
    struct validators known = {file->etag, file->mtime != FILE_UNDATED, file->stamped, file->mtime};
    int status = conditional_status(reply->request, &known, reply->clock->seconds);
    if (status == 412)
        render_page(reply, 412, "");
    else if (status == 304)
        render_not_modified(reply, file);
    else if (!reply_ranges(reply, file, &known))
        render_file(reply, file);
}

static void reply_found(struct reply *reply, struct lookup *lookup, struct route *route) {
    struct file *file = route->file;
    switch ((enum file_kind)file->kind) {
    case FILE_BODY:
    case FILE_FD:
        file = route->file = choose_variant(reply, lookup, file, route->path);
        if (!file)
            break;
        if (route->status == 200)
            reply_file(reply, file);
        else
            render_file_as(reply, file, route->status);
        break;
    case FILE_FOLDER:
        CHECK(!"a route leads to its redirect");
        break;
    case FILE_INDEXLESS:
        render_page(reply, 403, "");
        break;
    case FILE_ERROR:
        render_page(reply, file->status, file->status == 503 ? "Retry-After: 1\r\n" : "");
        break;
    }
}

/* False: the client may have what it asks for. True: it may not, and has been answered so; or it must be found out
   first, by the load lookup->wants. */
static bool reply_denied(struct reply *reply, struct site *site, struct lookup *lookup, uint64_t peer) {
    if (!site->config->auth)
        return false;
    struct auth_ask ask = {request_value(reply->request, FIELD_AUTHORIZATION), peer, reply->clock->now_ms, lookup->got};
    switch (auth_check(site->config->auth, &site->auth_checks, &ask, &lookup->wants)) {
    case AUTH_LOADING:
        return true;
    case AUTH_GRANTED:
        return false;
    case AUTH_DENIED:
        render_page(reply, 401, "WWW-Authenticate: Basic realm=\"httpd\", charset=\"UTF-8\"\r\n");
        return true;
    case AUTH_LATER:
        break;
    }
    render_page(reply, 503, "Retry-After: 1\r\n");
    return true;
}

static void reply_get(struct reply *reply, struct route *route, struct lookup *lookup, const struct asker *asker) {
    route_find(route, reply->config, lookup, reply->request, asker);
    if (route->made)
        reply->origin = NULL; /* --cors is for the site's files: no page of another origin may read this */
    if (route->by_navigation)
        reply->fields = "Vary: " NAVIGATION_FIELDS "\r\n";
    if (route->file) {
        reply_found(reply, lookup, route);
        if (route->file)
            filecache_put(route->file);
    } else if (lookup->wants) {
        return;
    } else if (route->location.len > 0) {
        render_redirect(reply, route->location, route->query);
    } else {
        reply->last = true; /* the target means nothing: its sender may take what follows for something else, too */
        render_page(reply, route->status, "");
    }
}

/* An origin is compared byte by byte (RFC 6454 6.2 makes it one text). */
static const char *find_origin(const struct site_config *config, const struct request *request) {
    for (int i = 0; i < config->cors_count && request_has(request, FIELD_ORIGIN); i++)
        if (slice_equal(request->fields[FIELD_ORIGIN], slice_of(config->cors[i])))
            return config->cors[i];
    return NULL;
}

/* The health path, which balancers ask for once a second: whether the server is going to answer. It comes before all
   else, so that nothing has to be looked up for it. */
static bool reply_health(struct reply *reply, const struct site *site) {
    const struct request *request = reply->request;
    struct slice path = site->config->health;
    if (path.len == 0 || (request->method != METHOD_GET && request->method != METHOD_HEAD) ||
        !slice_equal(request->path, path))
        return false;
    bool leaving = atomic_load_explicit(site->leaving, memory_order_relaxed);
    render_health(reply, leaving ? 503 : 200, leaving ? SLICE("leaving\n") : SLICE("ok\n"));
    return true;
}

static void reply_method(struct reply *reply, struct site *site, struct lookup *lookup, const struct asker *asker) {
    switch (reply->request->method) {
    case METHOD_GET:
    case METHOD_HEAD:
        if (!reply_denied(reply, site, lookup, asker->peer))
            reply_get(reply, &site->route, lookup, asker);
        break;
    case METHOD_OPTIONS:
        render_options(reply);
        break;
    case METHOD_OTHER:
        render_page(reply, 405, "Allow: GET, HEAD, OPTIONS\r\n");
        break;
    case METHOD_UNKNOWN:
        render_page(reply, 501, "");
        break;
    }
}

struct replied reply_build(struct site *site, const struct clock *clock, const struct request *request,
                           struct asker *asker, bool last, struct outq *outq) {
    struct reply reply = {.config = site->config,
                          .clock = clock,
                          .request = request,
                          .outq = outq,
                          .last = last,
                          .origin = find_origin(site->config, request)};
    if (!asker->load)
        asker->since_look = site->cache->looks;
    struct lookup lookup = {.cache = site->cache,
                            .made = site->made,
                            .clock = clock,
                            .since_ms = asker->since_ms,
                            .since_look = asker->since_look,
                            .got = asker->load};
    if (reply_health(&reply, site))
        ;
    else if (asker->too_many)
        render_page(&reply, 429, "Retry-After: 1\r\n");
    else
        reply_method(&reply, site, &lookup, asker);
    if (lookup.wants) {
        if (asker->load)
            load_put(asker->load);
        asker->load = lookup.wants;
        return (struct replied){.outcome = REPLY_LOADING};
    }
    return (struct replied){reply.last ? REPLY_LAST : REPLY_OPEN, reply.status, reply.head_len};
}

struct replied reply_error(struct site *site, const struct clock *clock, const struct request *request, int status,
                           struct outq *outq) {
    struct reply reply = {.config = site->config, .clock = clock, .request = request, .outq = outq, .last = true};
    render_page(&reply, status, status == 503 ? "Retry-After: 1\r\n" : "");
    return (struct replied){REPLY_LAST, status, reply.head_len};
}
