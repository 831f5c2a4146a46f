/* Where a request's target leads on this site: a file, a redirect, or a status. */
#ifndef ROUTE_H
#define ROUTE_H

#include "protocol/request.h"
#include "site/lookup.h"
#include "site/made.h"

struct route {
    struct file *file;  /* a reference that the caller puts; NULL: see below */
    int status;         /* with a file: 200, or 404 when it is the page that says so; without: what to answer */
    bool made;          /* the file is a page of lookup->made */
    bool by_navigation; /* whether the request was a navigation made a difference (--spa): the reply says so in Vary */
    struct slice path;  /* by which the file was got: lies in the request or in what follows, never elsewhere */
    struct slice location, query;     /* not empty: redirect there */
    char space[3 * PATH_LEN_MAX + 2]; /* what the slices lie in */
    char host_path[PATH_LEN_MAX + 1];
    char decoded[PATH_LEN_MAX + 1];
};

/* Finds out where the request leads, into *route. A folder asked for without its slash is a redirect; one without an
   index a listing where that is on. With lookup->wants set, it can't be told before that is loaded: there is no file
   then, and nothing else counts. */
void route_find(struct route *route, const struct site_config *config, struct lookup *lookup,
                const struct request *request, const struct asker *asker);

#endif
