#include "engine/watch.h"

const char *conn_end_name(enum conn_end end) {
    static const char *const names[END_COUNT] = {
        [END_OPEN] = "open",
        [END_LEFT] = "left",
        [END_ASKED] = "asked",
        [END_GONE] = "gone",
        [END_IDLE] = "idle-timeout",
        [END_HEADER_TIMEOUT] = "header-timeout",
        [END_SEND_TIMEOUT] = "send-timeout",
        [END_LOAD_TIMEOUT] = "load-timeout",
        [END_REFUSED] = "refused",
        [END_BODY] = "body",
        [END_FILE_CHANGED] = "file-changed",
        [END_MAX_REQUESTS] = "max-requests",
        [END_MAX_PER_IP] = "max-per-ip",
        [END_PROXY_HEADER] = "proxy-header",
        [END_MADE_ROOM] = "made-room",
        [END_DRAINED] = "drained",
        [END_CUT] = "cut",
        [END_ERROR] = "error",
    };
    return names[end];
}
