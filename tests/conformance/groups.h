/* groups - the rows, by topic. */
#ifndef TEST_GROUPS_H
#define TEST_GROUPS_H

#include "row.h"

extern const struct group group_request_line, group_fields, group_host;
extern const struct group group_methods, group_limits, group_small_head;
extern const struct group group_targets, group_slashes;
extern const struct group group_framing, group_chunked, group_expect;
extern const struct group group_connection;
extern const struct group group_basics, group_types;

extern const struct group group_conditional, group_dates, group_times;
extern const struct group group_range, group_parts;
extern const struct group group_encoding;
extern const struct group group_names, group_dotfiles, group_symlinks_all, group_symlinks_none;
extern const struct group group_listing, group_not_found, group_own_not_found, group_spa, group_spa_file;
extern const struct group group_clean_urls, group_clean_listed, group_clean_app, group_clean_index, group_clean_vhosts;
extern const struct group group_index, group_vhosts, group_auth;
extern const struct group group_header, group_cors, group_isolate, group_redirect, group_cache, group_mime;
extern const struct group group_cors_origins, group_cors_auth, group_default_type;

#endif
