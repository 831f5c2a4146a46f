/* What is kept of a request for its line: for log_line.c. */
#ifndef LOG_KEEP_H
#define LOG_KEEP_H

#include "observe/log_line.h"

/* Values follow, as they came. */
struct log_kept {
    struct address from;
    struct log_asker asker;
    uint32_t request_len;
    uint16_t value_lens[LOG_VALUES_MAX];
};

#endif
