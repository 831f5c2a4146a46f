/* fetch - one request after another on a connection that is kept while the server keeps it; bodies are verified as they
 * come and not kept. */
#ifndef FRESH_FETCH_H
#define FRESH_FETCH_H

#include "client.h"
#include "content.h"

struct link {
    int port;
    int receive_buffer; /* SO_RCVBUF, 0 for the kernel's choice */
    int pause_us;       /* between two receives of a body: makes a slow reader */
    size_t step;        /* most that one receive takes; 0: plenty */
    bool open, used;
    struct client client;
};

struct ask {
    const char *method; /* NULL: GET */
    const char *path;
    const char *fields; /* whole lines, or NULL */
};

struct answer {
    int64_t sent_ms;                                      /* when its request began to be sent */
    int status;                                           /* 0: no answer, see `why` */
    bool cut;                                             /* the connection ended before the promised length */
    uint64_t promised;                                    /* Content-Length */
    char etag[80], encoding[16], range[80], modified[40]; /* "" when the field is missing */
    bool closes;
    struct content body;
    const char *why;
};

/* The whole of it. An answer that is no proper HTTP, or doesn't come, has status 0. */
void fetch(struct link *, const struct ask *, struct answer *);

/* The same in two steps: up to the head; then up to at_most bytes of the body in all. */
void fetch_head(struct link *, const struct ask *, struct answer *);
void fetch_body(struct link *, struct answer *, uint64_t at_most);

void link_close(struct link *);

#endif
