/* Which replies a client's stream is due, and whether those are what was sent. */
#ifndef ENGINE_JUDGE_H
#define ENGINE_JUDGE_H

#include "engine_site.h"
#include "protocol/request.h"
#include "reply_reader.h"

enum { REPLIES_MAX = 512 };

/* The circumstances. */
struct engine_judge {
    const struct engine_site *site;
    int which; /* of its configs */
    const struct limits *limits;
    bool leaving; /* which the health path says */
    bool limited; /* there may be too many from an address */
};

/* One reply that is due. */
struct due {
    int status; /* 0: whatever the site says */
    bool head, stop;
    enum request_method method;
    struct slice path, origin;
};

/* Whether something happened in a run after which replies may be fewer, or say close. */
struct trouble {
    bool cut, timed_out, closing;
    bool reloaded; /* replies may be another site's */
};

/* What a stream of requests is to be answered with, as far as it is whole. Returns the number of replies. */
int engine_judge_due(const struct engine_judge *judge, struct slice stream, struct due *due);

/* Reads what was sent, which had better be replies to the last byte. Returns their number. */
int engine_judge_replies(const struct engine_judge *judge, struct slice sent, const struct trouble *trouble,
                         const struct due *due, int due_count, struct reply *replies);

#endif
