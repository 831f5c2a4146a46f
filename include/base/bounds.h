/* Every bound of the server, with its reason. What a user may change is a default here and an option in config.h. */
#ifndef BOUNDS_H
#define BOUNDS_H

enum {
    /* A request head. Browsers send under 2 KiB, with cookies rarely over 8; 16 KiB is what proxies in front forward.
     */
    HEAD_MAX_DEFAULT = 16 * 1024,
    HEAD_MAX_LEAST = 512,
    HEAD_MAX_MOST = 64 * 1024,
    /* A request target. RFC 9112 3 recommends to support at least 8000. */
    TARGET_MAX = 8000,
    /* Fields in a head: bounds the work that one head can ask for; Apache's and lwan's figure. */
    FIELD_COUNT_MAX = 100,
    /* Empty lines before a request line that are skipped (RFC 9112 2.2); more are an attack or a bug. */
    EMPTY_LINES_MAX = 4,
    /* A request body that is read and thrown away to keep the connection; a longer one closes it. */
    BODY_DISCARD_MAX = 1024 * 1024,
    /* Bytes of a chunk-size line or a trailer section: nobody honest extends them far. */
    CHUNK_LINE_MAX = 256,
    TRAILER_MAX = 8 * 1024,

    /* A path beneath the root, decoded: the kernel's PATH_MAX less the room a sibling's suffix needs. */
    PATH_LEN_MAX = 4096 - 16,
    /* Ranges answered in one multipart reply: video players ask for one, PDF readers for some. More than this
       (after merging) is the CVE-2011-3192 pattern and gets the whole file instead. */
    RANGE_COUNT_MAX = 16,

    /* Options that may be repeated. */
    LISTEN_MAX = 16,
    INDEX_MAX = 8,
    REDIRECTS_MAX = 64,
    CORS_ORIGINS_MAX = 16,
    NETWORKS_MAX = 32, /* each is compared with whoever comes */
    /* An origin: the longest host name and its scheme. A reply's head holds it besides what FIELDS_MAX bounds. */
    CORS_ORIGIN_LEN_MAX = 280,
    /* Bytes of the fields that -H, --cors and --isolate add to every reply. */
    FIELDS_MAX = 2048,

    /* Accept loops; more than CPUs is of no use, and this is more CPUs than one machine offers a file server. */
    WORKERS_MAX = 256,
    /* The name of a unix socket lets everybody connect, as a port on loopback does, and as nginx and systemd have it:
       who is to be kept out is so by mode= or by the folder's mode. */
    LOCAL_MODE = 0666,
    /* An address in use is tried again for so long: a server that was killed may still be torn down (an io_uring ring
       is so late), and one that was told to stop still be letting in who had come before. */
    IN_USE_WAIT_MS = 1000,
    /* The kernel clamps it to net.core.somaxconn. */
    LISTEN_BACKLOG = 4096,

    /* Descriptors that neither clients nor files get, so that none is ever missing for what serves them: the standard
       streams, the listeners, two logs, two for each of LOADERS_MAX threads that load files and one that hashes, the
       pid file, a message to the service manager, both ends of an upgrade's, and some that were inherited. */
    FDS_RESERVED = 3 + LISTEN_MAX + 2 + 9 * 2 + 4 + 4,
    /* And of each worker: its eventfd, epoll set or ring, its root and the one that takes its place. */
    FDS_PER_WORKER = 4,
    /* What a connection may need: its own and that of the file it is sent. */
    FDS_PER_CONNECTION = 2,

    /* A line of the access log: goaccess reads none longer than 4095 bytes, and a pipe takes no longer one whole
       (PIPE_BUF). */
    LOG_LINE_MAX = 4000,
    /* A value in it, as it stands there; what is longer is cut. And what each has at least, however long others are. */
    LOG_VALUE_MAX = 2048,
    LOG_VALUE_LEAST = 256,
    LOG_PARTS_MAX = 64,  /* of a format: names, and what is between them */
    LOG_VALUES_MAX = 16, /* different ones that requests bring */
    /* Lines that wait to be written: of a worker, a tenth of a second at the highest rate that a processor makes, or
       minutes at a usual one; of a forked child. No less than a line. */
    LOG_LANE_LEN = 4 * 1024 * 1024,
    LOG_CHILD_LANE_LEN = 256 * 1024,
    /* So long lines gather before they are written, and so long a log that can't be is left alone. */
    LOG_GATHER_MS = 50,
    LOG_RETRY_MS = 1000,
    /* At the end: how long a log that can't be written is waited for. */
    LOG_END_MS = 1000,

    /* What a socket takes beyond what is on its way to the client: as little as keeps it busy between two turns, so
       that a file's bytes are still in the caches when the kernel sends them. A smaller send buffer would do that too,
       but throttle long fast networks, where much is on its way. Measured on loopback with 10 MiB files: 192 to 256 KiB
       are alike, less and the rate drops by a third, more and it falls slowly. */
    UNSENT_BYTES = 224 * 1024,

    /* Threads that load: enough for a disk to sort what it is asked for, few enough to leave a processor to the loops.
     */
    LOADERS_MAX = 8,
    /* And so many for what lies beneath one folder in a root. One that hangs keeps as many from the others; but each of
       these has one, as long as no more than LOADERS_SUBTREES have something to do. */
    LOADERS_PER_SUBTREE = 6,
    LOADERS_SUBTREES = 32,
    /* All of them, with one for each thing that takes a processor: hashes, passwords of two sorts. */
    LOADERS_MOST = LOADERS_MAX + LOADERS_SUBTREES - 1 + 3,
    /* Children of a worker that forks: each costs the kernel some 200 KiB. And what each keeps of files, for the one
       client that it has. */
    CHILDREN_MAX = 512,
    CHILD_CACHE_BYTES = 2 * 1024 * 1024,
    /* What isn't at hand may take this long to be loaded; then the request is answered 503. */
    LOAD_MS = 30 * 1000,
    /* After SIGTERM: answers under way may take this long, then they are cut. */
    DRAIN_MS = 10 * 1000,
    /* And who waited at the door is let in as places become free for this long, while nobody new is heard: less than
       the second after which TCP tries again, so that he is refused, or finds our successor, at the first try. */
    HOLD_MS = 500,
    /* A new process that is to replace this one may take this long to serve: its root's disk and names of hosts may be
       slow. */
    UPGRADE_MS = 30 * 1000,
    /* After our FIN: what the peer still sends is read and dropped, lest a reset destroys the reply (RFC 9112 9.6). */
    LINGER_MS = 2 * 1000, /* ROOM_GRACE_MS where others wait for the place */
    LINGER_BYTES = 256 * 1024,
    /* So also after a longer reply than this to a client that asked us to close, of which some may still be here: an
       empty line too many behind its request would be the end of that. */
    LINGER_SENT = 16 * 1024,
    /* A connection that waits for its (next) request is left this long before it must make room for another: time
       for a request that is already on its way to arrive. So long, too, a stop waits for handshakes that are. */
    ROOM_GRACE_MS = 100,
    /* As long as no more wait than one browser has connections beside, one that hasn't asked for anything yet is left
       this long. Its client doesn't know it as one that may be closed any time: a browser shows the page without the
       picture. And it may be slow to speak, on a crowded machine, or as a first packet that is lost is sent again after
       200 ms. */
    FRESH_GRACE_MS = 220,
    FEW_WAIT = 5,
    /* Where a successor has taken over nobody waits for the place, and this long is left: a request that was lost on
       its way, or whose client gets no processor, comes within a second, after which TCP tries again. */
    HAND_OVER_GRACE_MS = 1500,
    /* As many make room at a time as wait for it, but no more than this: each is searched for. */
    ROOM_AT_ONCE = 64,
    /* After EMFILE or ENFILE: the listeners rest this long, unless a connection closes before. */
    ACCEPT_REST_MS = 100,
    /* The same complaint is made once in so long. */
    QUIET_MS = 10 * 1000,
    /* Who rings is let in, one for each ring, as accept(2) takes as long to say that nobody else is there; and one more
       for each so many that are open, lest a model whose rounds grow with those spends one on each newcomer. */
    ACCEPT_MORE_PER = 256,
    /* A worker that has so many more connections than another, and one more for each so many that it has, leaves the
       next ones to that, but for no longer than this: a thread wakes up sooner, if there is a processor for it. */
    SHARE_MORE = 4,
    SHARE_MORE_PER = 8,
    SHARE_LEAVE_MS = 2,
};

/* What a user may set; every figure holds in every model. Times in milliseconds. */
struct limits {
    unsigned max_connections; /* in all, over all workers */
    unsigned max_per_ip;      /* connections from one address (IPv6: one /64); 0: no limit */
    unsigned header_timeout_ms;
    unsigned idle_timeout_ms;
    unsigned send_timeout_ms;
    unsigned min_rate;     /* bytes a second that a reply must make after its first send_timeout; 0: no limit */
    unsigned head_max;     /* bytes of a request head */
    unsigned max_requests; /* on one connection; 0: no limit */
};

#endif
