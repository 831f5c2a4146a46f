/* An accept loop and the clients it has let in. `-w N` runs N of them, each in a thread, with nothing in common but the
   listening sockets and what worker_shared names. All is done in the worker's own thread unless it says otherwise.

   Words: the door is the listening sockets; a listener rings when somebody waits to be accepted there (listener_set
   holds those that ring). A client takes turns; one that has much to move waits for its turns in the line.

   It is written in several files: worker.c (its life), worker_accept.c (the accept loop, and what is done when there is
   no room), worker_admit.c (a newcomer), worker_turn.c (whose turn it is, loads), worker_timeout.c (how long a model
   may wait), worker_renew.c (a reload), worker_stop.c (a stop), worker_watch.c (what is told of it). */
#ifndef WORKER_H
#define WORKER_H

#include "host/clients.h"
#include "host/drive.h"
#include "host/listener.h"
#include "host/loaders.h"
#include "host/serving.h"
#include "observe/observer.h"

struct worker;

/* What all workers of a process share: a copy is in each, what it points to outlives them. */
struct worker_shared {
    struct known *known;
    struct loaders *loaders;
    const struct observed *observed;
    /* What else the server has to do, called between the first worker's rounds; NULL: nothing. Returns when it wants to
       be called again at the latest, 0: at no certain time. A signal has it called at once. */
    uint64_t (*tend)(void *server, uint64_t now_ms);
    /* Called by a worker, in its thread, when it has taken over what it was offered. */
    void (*renewed)(void *server);
    /* Reads the configuration again, in a forked child, for its worker. NULL: the child goes on with what it has. */
    struct serving *(*reread)(void *server, const struct worker *worker);
    void *server; /* their first argument */
};

struct worker {
    struct conn_env env; /* first: a conn finds its worker by it */
    struct clients clients;
    struct drive drive; /* for what runs in the worker's own thread */
    struct worker_shared shared;
    struct observer observer;

    /* Turns and loads: worker_turn.c. */
    struct loads loads;              /* done, and not yet collected */
    unsigned loading;                /* loads that are not collected yet */
    struct client *resumed;          /* clients whose loads are done, linked by next_waiter */
    struct client *line, **line_end; /* clients with much to move, in turn, linked by next */
    size_t round_left;               /* bytes that this round may still move */
    uint64_t round_began_ns;         /* 0: no round has begun, or nobody measures */

    /* What is served: worker_renew.c. */
    struct serving *serving;           /* what new requests are answered from */
    const struct settings *settings;   /* serving's */
    _Atomic(struct serving *) offered; /* to take its place; NULL: nothing */
    struct serving *retired;           /* what was replaced, and replies under way still need */
    uint64_t retired_look_at_ms;       /* when to look next whether they still do, */
    uint64_t unasked_look_at_ms;       /*   and for open files that nobody asks for */
    unsigned reloads;                  /* in a forked child: signals_reloads() that it has followed */

    /* What it is made of. */
    const struct worker *all; /* the first of settings->workers, of which this is one */
    const struct listeners *listeners;
    void *model;       /* what backend->open returned */
    int wake_fd;       /* an eventfd that ends the model's wait: worker_wake, signals, loads that are done */
    unsigned file_fds; /* descriptors of large files that its cache may keep */
    pthread_t thread;
    atomic_bool turned;  /* it has made a round since somebody cleared this: for a watchdog */
    uint64_t tend_at_ms; /* of the first worker: when shared.tend wants to be called; 0: at no certain time */

    /* The door: worker_accept.c. */
    int first_listener;     /* which to accept from first, next time */
    uint64_t rest_until_ms; /* no accepting before, as there is no room; 0 once a client has left */
    unsigned accept_errors; /* of accept(2), one after the other */
    unsigned accept_nobody; /* how often it has said that nobody is there, since somebody was */

    /* Newcomers that are yielded to another worker: worker_admit.c. */
    int compared;            /* the worker that it has compared itself with last */
    uint64_t yield_until_ms; /* no accepting before, */
    unsigned yield_above;    /*   as long as it has more clients than this */

    /* The stop, whose states worker_stop.c tells. */
    bool leaving, draining, shut;
    uint64_t drain_at_ms;       /* leaving: when draining begins */
    uint64_t draining_since_ms; /* draining: when it began, */
    uint64_t drain_until_ms;    /*   when those who are left are cut off, */
    uint64_t idle_look_at_ms;   /*   and when to look next for clients that have become idle */
};

/* ---- For the server: open, start, run, end_loads, close, in this order */

/* Prepares a worker, one of all[settings->workers], to serve at most `capacity` clients and to keep at most `file_fds`
   descriptors of files. False after say(). */
bool worker_open(struct worker *worker, const struct worker *all, struct generation *generation,
                 const struct listeners *listeners, const struct worker_shared *shared, unsigned capacity,
                 unsigned file_fds);

/* In the thread that is to call worker_run: opens its model. False after say(). */
bool worker_start(struct worker *worker);

/* Serves until the server is asked to stop and has finished what it was answering, or DRAIN_MS have passed; then closes
   the model. */
void worker_run(struct worker *worker);

/* After worker_run: waits for the loads under way. False: one doesn't end (a disk hangs), so nothing that it uses may
   be freed, and the process can only exit. Order at the end: worker_end_loads, loaders_close, worker_close, for a
   loader that has done a load may still be about to report it. */
bool worker_end_loads(struct worker *worker);
void worker_close(struct worker *worker);

/* The part of `all` that one of so many workers may have: together they have it all. */
static inline unsigned worker_part(unsigned all, unsigned index, unsigned workers) {
    return all / workers + (index < all % workers);
}

/* ---- From any thread */

/* Ends the model's wait. The round that follows looks at the door, too. */
void worker_wake(const struct worker *worker);

/* Has the worker answer new requests from this, which is its own from now on, after its present round. What was offered
   before must have been taken: shared.renewed. */
void worker_offer(struct worker *worker, struct serving *serving);

/* ---- For models: as they are opened */

/* Says that a model can't be opened for want of memory. Returns NULL. */
void *worker_no_memory(const struct worker *worker);

/* For a model whose clients need low descriptors: files are kept open by descriptors of `first` and more, as long as
   there are such. */
void worker_files_above(struct worker *worker, int first);

/* For a model in which nobody else has to wait while one client is served: loads are done in place from now on. */
void worker_loads_in_place(struct worker *worker);

/* ---- For models: their rounds */

/* A round of a model that serves many: it waits; then it drives those who can move and those whose load is done
   (worker_loaded), tells those whose deadline has passed, and at last drives those in line (worker_next_turn), as long
   as the round lasts. So what is small goes before what is large, and what one round moves is bounded in all. */

/* Whether to let anybody in just now: else the model doesn't watch the door. */
bool worker_accepting(const struct worker *worker);

/* The longest that a model may wait, in ms, -1 for ever: until the worker itself has something to do; */
int worker_timeout(const struct worker *worker);

/* or a client's deadline passes, whichever is sooner (0 where somebody is in line); */
int worker_event_timeout(const struct worker *worker);

/* or the deadline of this one client passes, for a model that serves but one. */
int worker_client_timeout(const struct worker *worker, const struct client *client);

/* Around each system call that a model makes in the worker's own thread: notes it where somebody wants events. */
static inline void worker_calls(const struct worker *worker, enum event_call call) {
    observer_note_then(&worker->observer, EVENT_CALL, (int)call, EVENT_NOBODY, false, -1);
}

static inline void worker_called(const struct worker *worker, enum event_call call, int64_t result) {
    observer_note(&worker->observer, EVENT_RETURNED, (int)call, EVENT_NOBODY, false, -1, result, 0);
}

/* wake_fd was readable: makes it quiet again. */
void worker_woken(struct worker *worker);

/* Begins one, after the wait: reads the clock. */
void worker_round(struct worker *worker);

/* Walks those whose loads are done; NULL: no more. Each is to be driven. */
struct client *worker_loaded(struct worker *worker);

/* The next in line; NULL: there is none, or the round is over. It is to be driven. */
struct client *worker_next_turn(struct worker *worker);

/* Drives a client until it must wait, and notes its deadline. Returns what it waits for: WANT_READ and WANT_WRITE are
   the model's to wait for; with WANT_TURN it has been put in line, with WANT_LOAD its load is on its way (for one that
   is in line or waits for a load already, nothing is done). WANT_NOTHING: it has been hung up, and its slot is free. */
enum drive_want worker_turn(struct worker *worker, struct client *client);

/* A part of worker_turn(), for models that call drive() themselves: after it, notes what the client waits for, and
   until when; puts it in line (WANT_TURN) or among those who wait for its load (WANT_LOAD). Doesn't wait itself. False:
   the load is done already, drive on. */
bool worker_note_want(struct worker *worker, struct client *client, enum drive_want want);

/* Tells the client's connection of an error that is not an op's result, such as -ETIMEDOUT. False, and it isn't told:
   it is in line, and will be driven soon. */
bool worker_tell_error(struct worker *worker, struct client *client, int error);

/* What is done between two rounds: a reload, shared.tend (the first worker), a stop. worker_run calls it after each
   round; a model that waits within a round does so after each wait. */
void worker_between_rounds(struct worker *worker);

/* ---- For models: deadlines */

/* A client whose deadline has passed is told -ETIMEDOUT. But after a pause (a container that was stopped, say) many
   deadlines have passed while what those clients sent in time lies unread: that is served first. */

/* Whether its deadline has passed. */
static inline bool worker_is_late(const struct worker *worker, const struct client *client) {
    return worker->env.clock.now_ms >= conn_deadline(&client->conn);
}

/* Whether it waits for its socket, and that is ready now: asks the kernel. */
bool worker_can_move(struct client *client);

/* For a client that is late: drives it if it can move; if it is late none the less, tells it, and drives it on. Returns
   what worker_turn does. */
enum drive_want worker_timed_out(struct worker *worker, struct client *client);

/* The same for a model to which the kernel reports what has come (uring), and which can't go and see. True: something
   has come that is not reported yet, so the client's deadline is put off by a second. Each deadline is put off once:
   `*spared_ms` is the model's for each client, zero at first, and keeps the one that was. */
bool worker_spares(struct worker *worker, struct client *client, uint32_t *spared_ms);

/* ---- For models: places, and what there is too little of */

/* For when every place is taken and somebody may be at the door: replies say Connection: close from now on, and as many
   clients as wait there are closed, those idle longest first; but none whose next request may still be on its way. */
void worker_make_room(struct worker *worker);

/* Closes the client's descriptor and gives its slot back. */
void worker_hang_up(struct worker *worker, struct client *client);

/* From another thread, with the env's lock held, before worker_hang_up: a place becomes free, so wakes the worker if
   that is what it waits for. */
void worker_wake_for_place(const struct worker *worker);

/* What clients need can't be had, for this `error` (errno): says so, with the `cure`, though not again for a while, and
   lets nobody in for a moment. */
void worker_lacks(struct worker *worker, const char *what, int error, const char *cure);

/* The same of what there is a limit for: a descriptor, a process, a thread. */
void worker_exhausted(struct worker *worker, const char *what, int error);

/* The same, and hangs the client up. */
void worker_hang_up_exhausted(struct worker *worker, struct client *client, const char *what, int error);

/* ---- For a model with clients in processes of their own */

/* In a forked child that serves this client alone: what it counts and notes is its own from now on, and its cache is
   small. */
void worker_in_child(struct worker *worker, const struct client *client);

/* In a forked child: reads the configuration anew, when a signal has asked for that and its client has no request under
   way; and lets go of what was replaced and of files that nobody asks for. */
void worker_renew_in_place(struct worker *worker, struct client *client);

/* Draining: how long a client must have been idle before it is closed, in ms: its next request may be on its way. */
unsigned worker_grace_ms(void);

#endif
