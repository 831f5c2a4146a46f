/* exchanges - what clients say, and what comes of it. */
#ifndef TEST_EXCHANGES_H
#define TEST_EXCHANGES_H

#include "engine.h"

struct test_exchange {
    const char *name, *input;
    size_t len;
    const char *statuses; /* of the replies */
    enum ending ending;
    /* Input follows a request that asked to close. Where it comes later than that request it is never read. */
    bool may_close;
};

extern const struct test_exchange exchanges[];
extern const size_t exchange_count;

#endif
