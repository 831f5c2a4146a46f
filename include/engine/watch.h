/* What may be seen of connections: each exchange, as its reply is queued and when that has left or never will, and why
   a connection ended. The engine tells whoever watches and doesn't know who does: logs, counters. What is told costs
   nothing where nobody watches. */
#ifndef WATCH_H
#define WATCH_H

#include "base/address.h"
#include "protocol/request.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conn;

/* Why a connection ended: the first cause, which the rest follows from. */
enum conn_end {
    END_OPEN,           /* it hasn't */
    END_LEFT,           /* the peer's end of stream, between two requests */
    END_ASKED,          /* the peer wanted no more: Connection: close, or HTTP/1.0 */
    END_GONE,           /* the peer left, or reset, within a request or reply */
    END_IDLE,           /* --idle-timeout */
    END_HEADER_TIMEOUT, /* 408 */
    END_SEND_TIMEOUT,   /* --send-timeout or --min-rate */
    END_LOAD_TIMEOUT,   /* 503: a file could not be had in time */
    END_REFUSED,        /* what came was no request that we take, nor can what follows be trusted */
    END_BODY,           /* a request body that is not read to its end */
    END_FILE_CHANGED,   /* within a reply: the rest would not have been its rest */
    END_MAX_REQUESTS,   /* --max-requests */
    END_MAX_PER_IP,     /* --max-per-ip, of whom the PROXY header told */
    END_PROXY_HEADER,   /* it didn't come, or isn't one */
    END_MADE_ROOM,      /* for others, at --max-connections */
    END_DRAINED,        /* the server goes down */
    END_CUT,            /* likewise, and an answer was not finished in time */
    END_ERROR,          /* of the socket, or something that a model needs couldn't be had */
    END_COUNT
};

/* "idle-timeout" and so on: lower case and hyphens; never NULL. */
const char *conn_end_name(enum conn_end end);

/* The status of a request whose client left before it was answered, as nginx logs it. */
enum { STATUS_CLIENT_LEFT = 499 };

/* One request and its reply. */
struct exchange {
    enum request_method method;
    int status;
    uint64_t began_ns; /* its first byte came: on the env's clock */
    uint64_t head_len; /* of the reply */
    uint64_t len;      /* of the whole reply */
    uint64_t sent;     /* of it, when it has ended */
};

/* What was asked: only valid during the call, as it points into the request's bytes. */
struct asked {
    const struct request *request;
    const struct address *from; /* whom it is from: NULL or ADDRESS_NONE where nobody wanted that kept */
    bool whole;                 /* a well-formed head; else only what request_parse() says is valid in one it refuses */
    struct slice raw;           /* not whole: all bytes that had come */
};

/* Who watches. Called in the thread that drives the connection, with the env's lock, if it has one. */
struct watch {
    /* A reply has been queued. May write up to keep_max bytes at `kept`, which is aligned for any type: `ended` gets
       them. Returns how many. NULL: nobody wants to know. */
    size_t (*begun)(void *ctx, const struct conn *conn, const struct exchange *exchange, const struct asked *asked,
                    char *kept);
    /* So many more bytes have come, or left. NULL: nobody wants to know. */
    void (*moved)(void *ctx, size_t received, size_t sent);
    /* The reply has left; or, where sent < len, the rest of it never will. In the order of the requests. */
    void (*ended)(void *ctx, const struct conn *conn, const struct exchange *exchange, const char *kept,
                  size_t kept_len);
    /* After the last exchange: conn->end says why. */
    void (*closed)(void *ctx, const struct conn *conn);
    void *ctx;
    size_t keep_max;
};

#endif
