/* What is kept of a request for its line: for log_line.c. */
#ifndef LOG_KEEP_H
#define LOG_KEEP_H

#include "observe/log_line.h"

struct log_kept {
    const struct log_format *format;
    struct address from;
    struct log_asker asker;
    uint32_t request_len;
    uint16_t ends[1 + LOG_VALUES_MAX]; /* in `values`: that of the first is ends[1] */
    char values[];                     /* as they came */
};
_Static_assert(LOG_VALUE_MAX <= UINT16_MAX / LOG_VALUES_MAX, "`ends`");

#endif
