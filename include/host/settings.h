/* What one configuration says, as far as workers need it: the same for all of them, and never changed. */
#ifndef SETTINGS_H
#define SETTINGS_H

#include "base/bounds.h"
#include "engine/peer.h"
#include "host/backend.h"
#include "observe/log_format.h"
#include "site/made.h"
#include "site/site_config.h"

struct settings {
    struct site_config site;
    struct limits limits;
    struct peer_trust trust;
    bool keep_peers;                     /* somebody wants to know whom a connection is from: trust, passwords */
    bool tells_ends;                     /* of connections */
    const struct log_format *log_format; /* of a line for each request, never freed; NULL: none is made */
    const struct made *made;             /* pages of the site; NULL: none */
    unsigned drain_delay_ms;             /* from the signal on until the server begins to stop */
    const struct backend *backend;       /* the model */
    int workers;                         /* >= 1 */
};

#endif
