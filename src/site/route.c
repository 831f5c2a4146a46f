/* In order: the redirects that the user set; the folder of the host; the file that the path names; clean URLs; the
   single page; the page for what isn't there. */
#include "site/route.h"
#include "protocol/mime.h"
#include "protocol/path.h"

static bool is_file(const struct file *file) {
    return file->kind == FILE_BODY || file->kind == FILE_FD;
}

/* A reference to this site's `path` that can't name another host: it begins with one slash, because a decoded path has
   neither a leading slash nor an empty segment (RFC 3986 4.2). `slash`: one more at its end. */
static void route_redirect(struct route *route, const struct request *request, struct slice path, bool slash) {
    route->space[0] = '/';
    size_t len = path.len ? path_encode(path, route->space + 1, sizeof route->space - 2) : 0;
    route->status = 414;
    if (path.len && len == 0)
        return;
    if (slash)
        route->space[1 + len++] = '/';
    route->location = (struct slice){route->space, 1 + len};
    route->query = request->query;
}

/* The user's redirects match the path as it was decoded. Whatever a trailing '*' stands for is encoded anew. */
static bool route_by_rule(struct route *route, const struct site_config *config, const struct request *request,
                          struct slice path) {
    for (int i = 0; i < config->redirect_count; i++) {
        const struct redirect *rule = &config->redirects[i];
        struct slice from = slice_from(rule->from, 1), rest = {0};
        if (rule->prefix ? !slice_starts(path, from) : !slice_equal(path, from))
            continue;
        rest = slice_from(path, from.len);
        size_t len = rule->to.len, more = 0;
        route->status = 414;
        if (len > sizeof route->space)
            return true;
        memcpy(route->space, rule->to.at, len);
        if (rule->keep_rest && rest.len > 0) {
            more = path_encode(rest, route->space + len, sizeof route->space - len);
            if (more == 0)
                return true;
        }
        route->location = (struct slice){route->space, len + more};
        if (!memchr(rule->to.at, '?', rule->to.len) && !memchr(rule->to.at, '#', rule->to.len))
            route->query = request->query;
        return true;
    }
    return false;
}

/* The folder name for a host: lower case, without port and final dot. False: no name that could be a folder's. */
static bool host_name(struct slice authority, char *out, size_t *len) {
    if (authority.len == 0 || authority.at[0] == '.' || authority.at[0] == '_')
        return false;
    bool literal = authority.at[0] == '[';
    const char *end = memchr(authority.at, literal ? ']' : ':', authority.len);
    if (literal && end)
        end++;
    *len = end ? (size_t)(end - authority.at) : authority.len;
    if (*len > 0 && authority.at[*len - 1] == '.')
        --*len;
    if (*len == 0 || *len > 253)
        return false;
    for (size_t i = 0; i < *len; i++) {
        char c = ascii_lower(authority.at[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("-._[]:", c)))
            return false;
        out[i] = c;
    }
    return true;
}

/* Puts the host's folder, or that of "_", before the path. */
static bool route_to_host(struct route *route, struct lookup *lookup, const struct request *request,
                          struct slice *path) {
    size_t len;
    bool known = host_name(request->authority, route->host_path, &len);
    if (known) {
        struct file *folder = filecache_get(lookup, (struct slice){route->host_path, len});
        if (!folder)
            return true;
        known = folder->kind == FILE_FOLDER;
        filecache_put(folder);
    }
    if (!known) {
        route->host_path[0] = '_';
        len = 1;
    }
    if (len + 1 + path->len > PATH_LEN_MAX)
        return false;
    route->host_path[len++] = '/';
    memcpy(route->host_path + len, path->at, path->len);
    *path = (struct slice){route->host_path, len + path->len};
    return true;
}

/* Tries the file at `prefix` (of the host) + `name` + `suffix`: true when it is one, which then is the route's, or when
   that isn't known yet. */
static bool route_try(struct route *route, struct lookup *lookup, struct slice prefix, struct slice name,
                      const char *suffix, int status) {
    char path[PATH_LEN_MAX + 1];
    size_t suffix_len = strlen(suffix), len = prefix.len + name.len + suffix_len;
    if (len > PATH_LEN_MAX)
        return false;
    memcpy(path, prefix.at, prefix.len);
    memcpy(path + prefix.len, name.at, name.len);
    memcpy(path + prefix.len + name.len, suffix, suffix_len);
    struct file *file = filecache_get(lookup, (struct slice){path, len});
    if (!file)
        return true;
    if (!is_file(file)) {
        filecache_put(file);
        return false;
    }
    if (route->file)
        filecache_put(route->file);
    memcpy(route->space, path, len);
    route->path = (struct slice){route->space, len};
    route->file = file;
    route->status = status;
    return true;
}

/* What a browser asks for when the user goes somewhere (and not what a page loads): a path without an extension, for
   somebody who takes HTML. */
static bool is_navigation(const struct request *request, struct slice path) {
    struct slice line, element;
    if (mime_extension(path).len > 0)
        return false;
    for (size_t cursor = 0; request_next_line(request, FIELD_ACCEPT, &cursor, &line);)
        while (slice_next_element(&line, &element)) {
            const char *semicolon = memchr(element.at, ';', element.len);
            if (semicolon)
                element = slice_trim((struct slice){element.at, (size_t)(semicolon - element.at)});
            if (slice_equal_nocase(element, SLICE("text/html")))
                return true;
        }
    return false;
}

/* Nothing is at the path: what stands in for it. `prefix` is the host's folder. */
static void route_missing(struct route *route, const struct site_config *config, struct lookup *lookup,
                          const struct request *request, struct slice prefix, struct slice asked) {
    if (config->clean_urls && asked.len > 0 && asked.at[asked.len - 1] != '/' &&
        route_try(route, lookup, prefix, asked, ".html", 200))
        return;
    if (config->spa && is_navigation(request, asked) &&
        route_try(route, lookup, prefix, slice_of(config->spa), "", 200))
        return;
    route_try(route, lookup, prefix, config->not_found ? slice_of(config->not_found) : SLICE("404.html"), "", 404);
}

static bool wants_json(const struct request *request) {
    struct slice line, element;
    bool json = false;
    for (size_t cursor = 0; request_next_line(request, FIELD_ACCEPT, &cursor, &line);)
        while (slice_next_element(&line, &element)) {
            if (slice_starts(element, SLICE("text/html")))
                return false;
            json |= slice_starts(element, SLICE("application/json"));
        }
    return json;
}

static void route_listing(struct route *route, const struct site_config *config, struct lookup *lookup,
                          const struct request *request, struct slice asked) {
    struct listing listing = {.path = asked, .json = wants_json(request)};
    listing.dotfiles = config->dotfiles;
    listing_read_query(&listing, request->query);
    filecache_put(route->file);
    route->file = filecache_listing(lookup, &listing, route->path);
}

/* /about.html and /index.html are /about and / where URLs are clean. */
static void route_clean(struct route *route, const struct request *request, struct slice asked) {
    const struct slice html = SLICE(".html"), index = SLICE("index.html");
    if (!slice_ends(asked, html))
        return;
    bool is_index = slice_ends(asked, index) && (asked.len == index.len || asked.at[asked.len - index.len - 1] == '/');
    asked.len -= is_index ? index.len : html.len;
    filecache_put(route->file);
    route->file = NULL;
    route_redirect(route, request, asked, false);
}

static void route_look(struct route *route, const struct site_config *config, struct lookup *lookup,
                       const struct request *request, struct slice asked) {
    struct slice path = asked;
    if (config->vhosts && !route_to_host(route, lookup, request, &path)) {
        route->status = 414;
        return;
    }
    route->path = path;
    if (!lookup->wants)
        route->file = filecache_get(lookup, path);
    if (!route->file)
        return;
    if (route->file->kind == FILE_FOLDER) {
        filecache_put(route->file);
        route->file = NULL;
        route_redirect(route, request, asked, true);
    } else if (route->file->kind == FILE_ERROR && route->file->status == 404) {
        route_missing(route, config, lookup, request, (struct slice){path.at, path.len - asked.len}, asked);
    } else if (route->file->kind == FILE_INDEXLESS && config->list) {
        route_listing(route, config, lookup, request, asked);
    } else if (config->clean_urls && is_file(route->file)) {
        route_clean(route, request, asked);
    }
}

void route_find(struct route *route, const struct site_config *config, struct lookup *lookup,
                const struct request *request) {
    struct slice asked = {route->decoded, 0};
    route->file = NULL;
    route->location = route->query = (struct slice){0};
    route->status = 200;
    if (request->path_plain && request->path.len <= PATH_LEN_MAX) {
        asked = slice_from(request->path, 1);
    } else {
        route->status = path_decode(request->path, route->decoded, &asked.len);
        if (route->status)
            return;
        route->status = 200;
    }
    if (config->redirect_count > 0 && route_by_rule(route, config, request, asked))
        return;
    route_look(route, config, lookup, request, asked);
    if (lookup->wants && route->file) {
        filecache_put(route->file);
        route->file = NULL;
    }
}
