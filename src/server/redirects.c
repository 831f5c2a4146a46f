/* A redirect is kept as it is written, without the stars. */
#include "server/redirects.h"
#include "protocol/path.h"
#include "protocol/scan.h"
#include "server/config.h"

static bool is_visible(struct slice s) {
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] <= ' ' || s.at[i] >= 0x7f) /* char may be signed or not: beyond ASCII is below or above */
            return false;
    return true;
}

static bool take_star(struct slice *s) {
    bool star = s->len > 0 && s->at[s->len - 1] == '*';
    s->len -= star;
    return star;
}

static bool has_escape(struct slice s) {
    for (size_t i = 0; i + 2 < s.len; i++)
        if (s.at[i] == '%' && scan_is(s.at[i + 1], SCAN_HEX) && scan_is(s.at[i + 2], SCAN_HEX))
            return true;
    return false;
}

/* Where "http://host" or "https://host" ends; 0: it is neither. */
static size_t host_end(struct slice to) {
    size_t scheme_len = slice_starts(to, SLICE("http://")) ? 7 : slice_starts(to, SLICE("https://")) ? 8 : 0, len;
    for (len = scheme_len; len < to.len && !memchr("/?#", to.at[len], 3); len++)
        ;
    return len > scheme_len && scheme_len > 0 ? len : 0;
}

/* A path beginning with "//" or "/\" is another host to a browser. */
static bool is_own_path(struct slice to) {
    return to.len > 0 && to.at[0] == '/' && !(to.len > 1 && (to.at[1] == '/' || to.at[1] == '\\'));
}

static bool matches(const struct redirect *rule, struct slice path) {
    return rule->prefix ? slice_starts(path, rule->from) : slice_equal(path, rule->from);
}

/* Whether who comes for TO is sent to TO, for ever: unless a rule before this one sends him elsewhere. */
static bool leads_to_itself(const struct site_config *site, const struct redirect *rule) {
    char path[1 + PATH_LEN_MAX + 1] = "/";
    size_t end = 0, len;
    while (end < rule->to.len && rule->to.at[end] != '?' && rule->to.at[end] != '#')
        end++;
    if (rule->to.at[0] != '/' || path_decode((struct slice){rule->to.at, end}, path + 1, &len) != 0)
        return false;
    struct slice target = {path, 1 + len};
    for (int i = 0; i < site->redirect_count; i++)
        if (matches(&site->redirects[i], target))
            return false;
    return matches(rule, target);
}

bool redirects_read(const struct option_given *given) {
    struct site_config *site = &((struct config *)given->into)->settings.site;
    struct slice all = slice_of(given->value);
    const char *equals = memchr(given->value, '=', all.len);
    if (!equals)
        return option_refuse(given);
    struct redirect redirect = {.from = {all.at, (size_t)(equals - all.at)}};
    redirect.to = slice_from(all, redirect.from.len + 1);
    size_t host = host_end(redirect.to);
    if (redirect.from.len == 0 || redirect.from.at[0] != '/')
        return option_fail(given, "FROM must begin with '/'");
    redirect.prefix = take_star(&redirect.from);
    for (size_t i = 0; i < redirect.from.len; i++)
        if (redirect.from.at[i] == '*' || redirect.from.at[i] == '?' || redirect.from.at[i] == '#')
            return option_fail(given, "FROM is a path, with '*' at its end alone and without a query");
    if (has_escape(redirect.from)) /* it would wait for a request with %25 */
        return option_fail(given, "FROM is a path as it is once decoded (write the bytes in place of %%XX)");
    if (!host && !is_own_path(redirect.to))
        return option_fail(given, "TO must be a path that begins with one '/', or an http:// or https:// URL");
    if (!is_visible(redirect.to))
        return option_fail(given, "TO must be printable ASCII without spaces (write other bytes as %%XX)");
    redirect.keep_rest = take_star(&redirect.to);
    if (redirect.keep_rest && !redirect.prefix)
        return option_fail(given, "'*' at the end of TO needs one at the end of FROM");
    if (redirect.keep_rest && host >= redirect.to.len) /* what is kept would go on with the host's name */
        return option_fail(given, "TO needs a '/' between the host and '*'");
    if (redirect.keep_rest && redirect.to.len == 1 && !slice_ends(redirect.from, SLICE("/")))
        return option_fail(given, "FROM needs a '/' before '*', lest /*'s rest begin with one and name a host");
    if (leads_to_itself(site, &redirect))
        return option_fail(given, "FROM matches TO as well: clients would be redirected for ever");
    if (site->redirect_count == REDIRECTS_MAX)
        return option_fail(given, "one too many (at most %d)", REDIRECTS_MAX);
    site->redirects[site->redirect_count++] = redirect;
    return true;
}
