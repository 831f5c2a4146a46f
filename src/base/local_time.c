#define _GNU_SOURCE
#include "base/local_time.h"
#include "base/calendar.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum { QUARTER_SECONDS = 15 * 60 };

static atomic_int offset_seconds;
static _Atomic int64_t quarter_asked = -1;

void local_time_update(int64_t seconds) {
    struct tm local;
    time_t at = (time_t)seconds;
    if (atomic_exchange(&quarter_asked, seconds / QUARTER_SECONDS) == seconds / QUARTER_SECONDS)
        return;
    tzset();
    if (localtime_r(&at, &local))
        atomic_store(&offset_seconds, (int)(local.tm_gmtoff / 60 * 60));
}

int local_time_offset(void) {
    return atomic_load_explicit(&offset_seconds, memory_order_relaxed);
}

int local_time_put_offset(char *out, int offset, int colon) {
    int minutes = abs(offset) / 60;
    out[0] = offset < 0 ? '-' : '+';
    calendar_put(out + 1, minutes / 60, 2);
    if (colon)
        out[3] = ':';
    calendar_put(out + 3 + colon, minutes % 60, 2);
    return 5 + colon;
}
