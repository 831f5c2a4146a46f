/* Every bound that concerns more than one file, with its reason: the others stand in the file that they concern. What a
   user may change has its default here, and a row in server/config.c. */
#ifndef BOUNDS_H
#define BOUNDS_H

enum {
    /* A request head. Browsers send under 2 KiB, with cookies rarely over 8; proxies in front forward up to 16. */
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
    /* Bytes of a chunk-size line, and of a trailer section: honest clients send short ones. */
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
    NETWORKS_MAX = 32, /* each newcomer's address is compared with all of them */
    /* Bytes of an origin: the longest host name with its scheme. A reply's head holds one besides FIELDS_MAX. */
    CORS_ORIGIN_LEN_MAX = 280,
    /* Bytes of the fields that -H, --cors and --isolate add to every reply. */
    FIELDS_MAX = 2048,

    /* Accept loops; more than CPUs is of no use, and this is more CPUs than one machine offers a file server. */
    WORKERS_MAX = 256,
    /* The mode of a unix socket's name: anybody on this machine may connect, as with a port on loopback, and as nginx
       and systemd have it. mode= or the mode of its folder keep others out. */
    LOCAL_MODE = 0666,
    /* An address in use is tried again for so long: the kernel may still be clearing away a server that was killed
       (which takes a while with io_uring), and one that was told to stop may still be letting in clients from its
       queue. */
    IN_USE_WAIT_MS = 1000,
    /* What listen(2) is asked for: the kernel clamps it to net.core.somaxconn. */
    LISTEN_BACKLOG = 4096,

    /* Descriptors that neither clients nor files get, so that what serves them never lacks one: the standard streams
       (3), the listeners, two logs, two for each of LOADERS_MAX loaders of files and the one that hashes (9 * 2), the
       pid file, a message to the service manager, both ends of an upgrade's socket pair (4), and some that were
       inherited (4). */
    FDS_RESERVED = 3 + LISTEN_MAX + 2 + 9 * 2 + 4 + 4,
    /* And for each worker: its eventfd, its epoll set or ring, its root, and the root that may replace that. */
    FDS_PER_WORKER = 4,
    /* What a connection may need: its own and that of the file it is sent. */
    FDS_PER_CONNECTION = 2,

    /* A line of the access log: goaccess reads none longer than 4095 bytes, and a pipe takes no longer one whole
       (PIPE_BUF). */
    LOG_LINE_MAX = 4000,
    /* Bytes of a value in such a line, escaped; a longer one is cut. And what each value may have at least, however
       long the others of its line are. */
    LOG_VALUE_MAX = 2048,
    LOG_VALUE_LEAST = 256,
    LOG_PARTS_MAX = 64,  /* of a format: names, and what is between them */
    LOG_VALUES_MAX = 16, /* of a format: different values that are taken from requests */
    /* Bytes of lines that wait to be written: a worker's, which hold a tenth of a second of the highest rate that a
       processor makes, or minutes of a usual one; and a forked child's. No less than LOG_LINE_MAX. */
    LOG_LANE_LEN = 4 * 1024 * 1024,
    LOG_CHILD_LANE_LEN = 256 * 1024,
    /* How long lines are gathered before they are written; and after a log couldn't be written, how long until it is
       tried again. */
    LOG_GATHER_MS = 50,
    LOG_RETRY_MS = 1000,
    /* As the process ends: how long it waits for a log that can't be written. */
    LOG_END_MS = 1000,

    /* TCP_NOTSENT_LOWAT: what a socket takes beyond what is on its way to the client. As little as keeps it busy
       between two turns, so that a file's bytes are still in the processor's caches when the kernel sends them. (A
       smaller send buffer would do that too, but it slows down long fast networks, where much is on its way.) Measured
       on loopback with 10 MiB files: 192 to 256 KiB are alike; with less the rate drops by a third, with more it falls
       slowly. */
    UNSENT_BYTES = 224 * 1024,

    /* Threads that load files: enough to let a disk sort what it is asked for, few enough to leave processors to the
       loops. */
    LOADERS_MAX = 8,
    /* Of these, what lies beneath one folder of the root may take so many: if its file system hangs, the others are
       left. And each of the other folders has one thread of its own, for up to LOADERS_SUBTREES folders at a time. */
    LOADERS_PER_SUBTREE = 6,
    LOADERS_SUBTREES = 32,
    /* All loaders: those of files, and one for each of the other lanes in load.h, which compute. */
    LOADERS_MOST = LOADERS_MAX + LOADERS_SUBTREES - 1 + 3,
    /* Children of a worker that forks: each costs the kernel some 200 KiB. And bytes of files that each may keep, and
       of listings besides its newest, for its one client. */
    CHILDREN_MAX = 512,
    CHILD_CACHE_BYTES = 2 * 1024 * 1024,
    /* What isn't at hand may take this long to be loaded; then the request is answered 503. */
    LOAD_MS = 30 * 1000,
    /* After SIGTERM (and --drain-delay): answers under way may take this long, then they are cut off. */
    DRAIN_MS = 10 * 1000,
    /* Then loads under way, and children, are waited for so long: one that hangs (a disk) is left to itself. */
    LOADS_END_MS = 1000,
    /* And for this long, clients that were in a listener's queue are let in as places become free, while SYNs are
       dropped. TCP sends a SYN again after a second: by then it is refused, or finds our successor. */
    HOLD_MS = 500,
    /* A new process that is to replace this one may take this long until it serves: a disk may be slow, or a look-up of
       a host's name. */
    UPGRADE_MS = 30 * 1000,
    /* After our FIN: what the peer still sends is read and dropped, lest a reset destroys the reply (RFC 9112 9.6). */
    LINGER_MS = 2 * 1000,            /* but ROOM_GRACE_MS where others wait for the place */
    LINGER_BYTES = 64 * 1024 * 1024, /* many a program looks for the answer only when its upload is over */
    /* A client that asked us to close is waited for too, after a reply longer than this: some of that may still be in
       our socket, and if the client sent as little as an empty line behind its request, a close would destroy it. */
    LINGER_SENT = 16 * 1024,
    /* A connection that waits for its (next) request is left alone this long before it must make room for another: a
       request that is already on its way comes in that time. A stop gives handshakes that are under way as long. */
    ROOM_GRACE_MS = 100,
    /* And this long if no request has come on it yet, as long as no more than FEW_WAIT wait, which are the other
       connections of one browser. A client expects a connection to be closed between two requests, but not before the
       first: the browser would show the page without the picture. And it may be slow: on a crowded machine, or as TCP
       sends a lost first packet again after 200 ms. */
    FRESH_GRACE_MS = 220,
    FEW_WAIT = 5,
    /* Once a successor has taken over nobody waits for the place, and idle connections are left this long: a request
       that was lost on its way comes within a second or so, as TCP sends it again. */
    HAND_OVER_GRACE_MS = 1500,
    /* As many clients make room at a time as wait for it, but no more than this: each is found by a search of all. */
    ROOM_AT_ONCE = 64,
    /* After EMFILE or ENFILE: nobody is accepted for this long, unless a connection closes before. */
    ACCEPT_REST_MS = 100,
    /* And after so many other errors of accept(2) in a row: it isn't the connections' doing. */
    ACCEPT_ERRORS_MOST = 64,
    /* What the server lacks is said no more often than this. */
    QUIET_MS = 10 * 1000,
    /* Each time that a listener rings one client is accepted, and not as many as there are: the accept(2) that says
       that there are no more takes as long as one that lets somebody in. And one more is for each so many that are
       open: in some models a round takes longer the more there are, and shouldn't be spent on a single newcomer. */
    ACCEPT_MORE_PER = 256,
    /* A worker that has SHARE_MORE connections more than another (and one more for each SHARE_MORE_PER that it has)
       yields the next ones to it, but only for SHARE_YIELD_MS: a thread wakes up sooner, if there is a processor for
       it. */
    SHARE_MORE = 4,
    SHARE_MORE_PER = 8,
    SHARE_YIELD_MS = 2,
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
