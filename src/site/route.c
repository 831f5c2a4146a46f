/* In order: the redirects that the user set; the folder of the host; the file that the path names; clean URLs; the
   single page; the page for what isn't there. */
#include "site/route.h"
#include "protocol/navigation.h"
#include "protocol/path.h"
#include "site/mime_map.h"

static const struct slice html = {".html", 5};

static bool is_file(const struct file *file) {
    return file->kind == FILE_BODY || file->kind == FILE_FD;
}

/* It can't be told just now what is there: so nothing else may be taken in its place. */
static bool is_unknown(const struct file *file) {
    return file->kind == FILE_ERROR && file->status >= 500;
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

/* The same in place of the file that was found. */
static void route_instead(struct route *route, const struct request *request, struct slice path, bool slash) {
    filecache_put(route->file);
    route->file = NULL;
    route_redirect(route, request, path, slash);
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

/* Puts the host's folder, or that of "_", before the path. A host's that can't be had just now is the route's file. */
static bool route_to_host(struct route *route, struct lookup *lookup, const struct request *request,
                          struct slice *path) {
    size_t len;
    bool known = host_name(request->authority, route->host_path, &len);
    if (known) {
        struct file *folder = lookup_file(lookup, (struct slice){route->host_path, len});
        if (!folder)
            return true;
        if (is_unknown(folder)) {
            route->file = folder;
            return true;
        }
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
   that isn't known yet. What would be the answer (status 200) is the route's, too, when it can't be had just now. */
static bool route_try(struct route *route, struct lookup *lookup, struct slice prefix, struct slice name,
                      const char *suffix, int status) {
    char path[PATH_LEN_MAX + 1];
    size_t suffix_len = strlen(suffix), len = prefix.len + name.len + suffix_len;
    if (len > PATH_LEN_MAX)
        return false;
    memcpy(path, prefix.at, prefix.len);
    memcpy(path + prefix.len, name.at, name.len);
    memcpy(path + prefix.len + name.len, suffix, suffix_len);
    struct file *file = lookup_file(lookup, (struct slice){path, len});
    if (!file)
        return true;
    if (!is_file(file) && !(status == 200 && is_unknown(file))) {
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

/* What the page at `stem` + ".html" is called where URLs are clean: its folder, when it is that folder's index, else
   the stem. */
static struct slice clean_address(const struct site_config *config, struct slice stem) {
    struct slice index = config->index_count > 0 ? slice_of(config->index[0]) : (struct slice){0};
    if (!slice_ends(index, html))
        return stem;
    index.len -= html.len;
    if (slice_ends(stem, index) && (stem.len == index.len || stem.at[stem.len - index.len - 1] == '/'))
        stem.len -= index.len;
    return stem;
}

/* Where URLs are clean, a page is what its name without ".html" leads to, before a folder of that name: true when there
   is one. Asked for with a slash at the end, or by an index's name, it is a redirect to its address. */
static bool route_page(struct route *route, const struct site_config *config, struct lookup *lookup,
                       const struct request *request, struct slice prefix, struct slice asked) {
    struct slice stem = asked;
    if (slice_ends(stem, SLICE("/")))
        stem.len--;
    if (!config->clean_urls || stem.len == 0 || !route_try(route, lookup, prefix, stem, ".html", 200))
        return false;
    struct slice address = clean_address(config, stem);
    if (address.len != asked.len && !is_unknown(route->file))
        route_instead(route, request, address, false);
    return true;
}

/* A file was asked for: /about.html is /about where URLs are clean, unless that is another file. */
static void route_clean(struct route *route, const struct site_config *config, struct lookup *lookup,
                        const struct request *request, struct slice asked) {
    if (!slice_ends(asked, html))
        return;
    struct slice stem = {asked.at, asked.len - html.len};
    if (stem.len == 0 || slice_ends(stem, SLICE("/")))
        return;
    struct slice address = clean_address(config, stem);
    if (address.len == stem.len) {
        struct file *other = lookup_file(lookup, (struct slice){route->path.at, route->path.len - html.len});
        if (!other)
            return;
        if (is_unknown(other)) {
            filecache_put(route->file);
            route->file = other;
            return;
        }
        bool taken = is_file(other);
        filecache_put(other);
        if (taken)
            return;
    }
    route_instead(route, request, address, false);
}

/* Nothing is at the path: what stands in for it. `prefix` is the host's folder. */
static void route_missing(struct route *route, const struct site_config *config, struct lookup *lookup,
                          const struct request *request, struct slice prefix, struct slice asked) {
    if (route_page(route, config, lookup, request, prefix, asked))
        return;
    route->by_navigation = config->spa && !mime_map_knows(config->mime, asked);
    if (route->by_navigation && navigation_asked(request) &&
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
    route->file = lookup_listing(lookup, &listing, route->path);
}

/* Of a path that is nobody's by rule. */
static void route_look(struct route *route, const struct site_config *config, struct lookup *lookup,
                       const struct request *request, struct slice asked) {
    struct slice path = asked;
    if (config->vhosts && !route_to_host(route, lookup, request, &path)) {
        route->status = 414;
        return;
    }
    route->path = path;
    if (!lookup->wants && !route->file)
        route->file = lookup_file(lookup, path);
    if (!route->file)
        return;
    struct slice prefix = {path.at, path.len - asked.len};
    switch ((enum file_kind)route->file->kind) {
    case FILE_FOLDER:
        if (!route_page(route, config, lookup, request, prefix, asked))
            route_instead(route, request, asked, true);
        break;
    case FILE_INDEXLESS:
        if (config->list)
            route_listing(route, config, lookup, request, asked);
        else
            route_page(route, config, lookup, request, prefix, asked);
        break;
    case FILE_ERROR:
        if (route->file->status == 404)
            route_missing(route, config, lookup, request, prefix, asked);
        break;
    case FILE_BODY:
    case FILE_FD:
        if (config->clean_urls)
            route_clean(route, config, lookup, request, asked);
        break;
    }
}

/* Whether it is a made page's: true also when that has to be made first. */
static bool route_made(struct route *route, struct lookup *lookup, const struct request *request,
                       const struct asker *asker, struct slice path) {
    const struct made *made = lookup->made;
    if (!slice_starts(path, made->path))
        return false;
    int page = made->find(made, request, asker, slice_from(path, made->path.len));
    if (page == MADE_NONE)
        return false;
    route->file = lookup_made(lookup, page);
    route->made = true;
    return true;
}

void route_find(struct route *route, const struct site_config *config, struct lookup *lookup,
                const struct request *request, const struct asker *asker) {
    struct slice asked = {route->decoded, 0};
    route->file = NULL;
    route->by_navigation = route->made = false;
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
    if (lookup->made && route_made(route, lookup, request, asker, asked))
        return;
    if (config->redirect_count > 0 && route_by_rule(route, config, request, asked))
        return;
    route_look(route, config, lookup, request, asked);
    if (lookup->wants && route->file) {
        filecache_put(route->file);
        route->file = NULL;
    }
}
