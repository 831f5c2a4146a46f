/* engine - drives a connection in memory, over a real folder and a clock that stands still until it is told.
 *
 * What is fed lies in a block of just its size that is gone afterwards, so that a sanitizer sees who reads too far or
 * keeps a pointer. Asking what is wanted is always asking twice. */
#ifndef TEST_ENGINE_H
#define TEST_ENGINE_H

#include "../support/bytes.h"
#include "../support/fixture.h"
#include "engine/conn.h"
#include "site/known.h"
#include "site/site.h"

enum {
    HEAD_MAX = 2048,
    IDLE_MS = 60 * 1000,
    HEADER_MS = 10 * 1000,
    SEND_MS = 20 * 1000,
    SMALL_LEN = 20,         /* "/small" */
    KILO_LEN = 1000,        /* "/kilo": is copied behind its head */
    MEDIUM_LEN = 6000,      /* "/medium": a piece of memory that the cache owns */
    LARGE_LEN = 200 * 1024, /* "/large": sent from its descriptor */
};

/* Also there: "/empty", "/folder/" and its index.html. */
struct engine {
    struct watch watch; /* checks that what it is told makes sense */
    unsigned begun, ended, closed;
    struct exchange told[64];  /* the last that ended, by their number */
    uint64_t watched, moved, carried; /* bytes sent: as exchanges say, as moves do, and truly */
    struct fixture root;
    struct site_config config;
    struct known *known;
    struct site site;
    struct limits limits;
    atomic_bool crowded;
    struct conn_env env;
    struct conn conn;
    struct conn_op op; /* what it wanted when last asked */
    struct bytes sent;
    struct address from;       /* whom it is from, where env.trust is set */
    struct address asked_from; /* whom the last exchange that began was told to be from */
};

void engine_open(struct engine *);
void engine_close(struct engine *);

/* A new connection, default limits, nothing sent; the clock goes on where it was. */
void engine_connect(struct engine *);

/* Ends the connection and checks that every buffer and every file it borrowed is back. */
void engine_hang_up(struct engine *);

enum conn_op_kind engine_wants(struct engine *);
void engine_pass(struct engine *, uint64_t ms);

/* Does all loads that are wanted, as a loader would; what is wanted then. */
enum conn_op_kind engine_load_all(struct engine *);

/* Answers RECV; all of len must be wanted. Does the loads that it takes. */
void engine_feed(struct engine *, const char *at, size_t len);
void engine_feed_text(struct engine *, const char *text);

/* Answers SEND or SENDFILE with at most `most` bytes, which it adds to `sent`. False: the file has no more. */
bool engine_send(struct engine *, size_t most);

/* Answers all SENDs and SENDFILEs; what is wanted then. */
enum conn_op_kind engine_send_all(struct engine *);

/* How an exchange is carried: 0 in a size means as much as there is. */
struct carriage {
    size_t cut[2]; /* input ends a piece there; ascending */
    size_t recv_most, send_most;
    int fail_at;       /* the op of this index ... */
    ssize_t fail_with; /* ... gets this result instead; then input ends and nothing is short. 1: none does */
};

enum ending { WAITS, LINGERS, CLOSES };

struct outcome {
    enum ending ending;
    int op_count; /* with the RECV that has no more input, and CLOSE */
    int fin_count;
    int after_count;          /* ops after the failed one */
    enum conn_op_kind failed; /* what failed, */
    bool idle;                /*   while nothing of a request had come, */
    bool lingered;            /*   after FIN */
};

/* Connects, carries all input, hangs up; loads are ops like any other, and whatever was loaded before is looked at
 * again. engine->sent is what was sent. */
struct outcome engine_carry(struct engine *, const char *input, size_t len, const struct carriage *);

/* "200 404 ": the statuses of all replies in `sent`. No file holds what looks like one. */
void engine_statuses(const struct bytes *sent, char *out, size_t out_len);

#endif
