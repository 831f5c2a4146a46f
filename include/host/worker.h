/* An accept loop and the clients it has let in. `-w N` runs N of them, each in a thread, with nothing in common but the
   listening sockets. */
#ifndef WORKER_H
#define WORKER_H

#include "host/clients.h"
#include "host/drive.h"
#include "host/listener.h"
#include "host/loaders.h"
#include "host/serving.h"
#include "observe/observer.h"

struct worker;

/* What all workers of a process share. */
struct worker_shared {
    struct known *known;
    struct loaders *loaders;
    const struct observed *observed;
    /* What else the server has to do, between the first worker's rounds; NULL: nothing. Returns when it wants to be
       called at the latest; signals come before. */
    uint64_t (*tend)(void *server, uint64_t now_ms);
    /* A worker has taken over what it was offered; in its thread. */
    void (*renewed)(void *server);
    /* Reads the configuration again, in a process that has but one worker. NULL: it goes on with what it has. */
    struct serving *(*reread)(void *server, const struct worker *worker);
    void *server;
};

struct worker {
    struct conn_env env; /* first: a conn finds its worker by it */
    struct clients clients;
    struct drive drive; /* for what runs in the worker's own thread */
    struct worker_shared shared;
    struct observer observer;
    struct loads loads;                /* what has been done for this worker */
    unsigned loading;                  /* loads that are not reported yet */
    struct client *resumed;            /* whose loads are done, through next_waiter */
    struct client *line, **line_end;   /* those with much to move, in turn */
    size_t round_left;                 /* what may still be moved before small things are looked after */
    struct serving *serving;           /* what new requests are answered from */
    _Atomic(struct serving *) offered; /* to take its place; NULL: nothing */
    struct serving *retired;           /* what replies under way still need */
    uint64_t retired_look_at_ms;       /* when to look again whether they do */
    uint64_t unasked_look_at_ms;       /* and for files that nobody asks for */
    unsigned reloads;                  /* in a forked child: signals heard that ask for one */
    unsigned file_fds;                 /* descriptors of files that may be kept */
    const struct settings *settings;   /* serving's */
    const struct listeners *listeners;
    const struct worker *all; /* of settings->workers */
    void *model;              /* what backend->open returned */
    int wake_fd;              /* an eventfd: readable when a signal came, or a client left whose place is wanted */
    uint64_t round_began_ns;  /* 0: none has, or nobody counts */
    bool leaving;             /* asked to stop: */
    uint64_t stop_at_ms;      /*   --drain-delay later */
    bool draining;
    atomic_bool turned;      /* it has made a round since somebody cleared this */
    int first_listener;      /* to accept from */
    uint64_t tend_at_ms;     /* the first worker: see worker_shared; 0: at no certain time */
    uint64_t rest_until_ms;  /* no accepting before: nobody can be let in */
    uint64_t leave_until_ms; /* nor before: the next are left to another worker, */
    unsigned leave_above;    /*   for as long as this one has more than so many */
    int compared;            /* to which it has compared itself last */
    uint64_t quiet_until_ms; /* what it lacks has been said, and is not said again before */
    bool shut;               /* draining, and who had come before has been let in */
    uint64_t stopped_at_ms;
    uint64_t drain_until_ms;
    uint64_t let_go_at_ms; /* draining: when to look again who has been idle for long enough */
    pthread_t thread;
};

/* Prepares a worker, one of all[settings->workers], to serve at most `capacity` clients and to keep at most `file_fds`
   descriptors of files. False after say(). */
bool worker_open(struct worker *worker, const struct worker *all, struct generation *generation,
                 const struct listeners *listeners, const struct worker_shared *shared, unsigned capacity,
                 unsigned file_fds);

/* Waits for the loads under way. False: one doesn't end (a disk hangs), and what it uses must be left to it: the
   process can only exit. To be called before the loaders are closed, and those before worker_close: who has done a load
   may still be about to say so. */
bool worker_end_loads(struct worker *worker);
void worker_close(struct worker *worker);

/* In the worker's own thread: opens its model. False after say(). */
bool worker_start(struct worker *worker);

/* The part of `all` that one of so many workers may have: together they have it all. */
static inline unsigned worker_share(unsigned all, unsigned index, unsigned workers) {
    return all / workers + (index < all % workers);
}

/* From any thread: has it make a round, in which it looks at the door. */
void worker_look(const struct worker *worker);

/* In the same thread: serves until the server is asked to stop and has finished what it was answering, or DRAIN_MS have
   passed; then closes the model. */
void worker_run(struct worker *worker);

/* From any thread: has the worker serve this from its next round on, for new requests. Nothing else has been offered
   that it hasn't taken. */
void worker_offer(struct worker *worker, struct serving *serving);

/* Between two rounds: takes over what has been offered, and lets go of what nobody needs any more, or asks for. */
void worker_renew(struct worker *worker);

/* For worker_open and worker_renew: answers requests from this from now on. */
void worker_serve(struct worker *worker, struct serving *serving);

/* For worker_close: closes what it serves, has served and was offered. */
void worker_close_servings(struct worker *worker);

/* The rest is for backends. */

/* Whether to watch the door just now. */
bool worker_accepting(const struct worker *worker);

/* Milliseconds until the worker itself has something to do: the longest its model may wait, deadlines of clients
   aside; -1: for ever. And the same with the clients' deadlines. */
int worker_timeout(const struct worker *worker);
int worker_event_timeout(const struct worker *worker);

/* The same with the deadline of one client, for a model that serves but one. */
int worker_client_timeout(const struct worker *worker, const struct client *client);

/* For a model whose clients need low descriptors: files are kept open by descriptors of `first` and more, where there
   are any. */
void worker_files_above(struct worker *worker, int first);

/* A model can't be opened for want of memory: says so. Returns NULL. */
void *worker_no_memory(const struct worker *worker);

/* A model couldn't get what a client needs (a process, a thread): said once, and nobody is let in for a while.
   worker_give_up hangs the client up, too. */
void worker_exhausted(struct worker *worker, const char *what, int error);
void worker_give_up(struct worker *worker, struct client *client, const char *what, int error);

/* In a forked child that has the client: it counts for itself from now on. */
void worker_in_child(struct worker *worker, const struct client *client);

/* Around each wait of a model's, and whatever else it asks the system for in the worker's own thread. */
static inline void worker_calls(const struct worker *worker, enum event_call call) {
    observer_note_then(&worker->observer, EVENT_CALL, (int)call, EVENT_NOBODY, false, -1);
}

static inline void worker_called(const struct worker *worker, enum event_call call, int64_t result) {
    observer_note(&worker->observer, EVENT_RETURNED, (int)call, EVENT_NOBODY, false, -1, result, 0);
}

/* wake_fd was readable: makes it quiet again. */
void worker_woken(struct worker *worker);

/* From another thread, with the env's lock held, before worker_hang_up: wakes the worker if it waits for a place. */
void worker_wake(struct worker *worker);

/* Drains once the server has been asked to stop, and --drain-delay has passed: lets in who had come before, shuts the
   door, lets the idle go. worker_run calls it after each round; a model whose rounds are long does, too. */
void worker_check_stop(struct worker *worker);

/* In a forked child: reads the configuration by itself, when that is asked for and its client has no request under
   way. */
void worker_renew_in_place(struct worker *worker, struct client *client);

/* Draining: how long a client must have been idle to be let go, as its next request may be on its way. */
unsigned worker_grace_ms(void);

/* Every place is taken. */
bool worker_full(const struct worker *worker);

/* So it is: replies say Connection: close from now on, if somebody waits at the door. How many do. */
unsigned worker_note_crowd(struct worker *worker);

/* Every place is taken and somebody may be at the door: replies say Connection: close from now on, and of the clients
   that have been idle longest as many go as wait, but for those whose next request may still be on its way. */
void worker_make_room(struct worker *worker);

/* A model that does the loads of its clients in place, since nobody else waits for whom it serves. */
void worker_loads_in_place(struct worker *worker);

/* A round of a model that serves many: after its wait, it drives whoever can move and whoever's load is done
   (worker_loaded), tells the overdue, and then drives those in line (worker_next_turn) as long as the round lasts. So
   what is small goes before what is large, and what one round moves is bounded in all, whatever is asked for. */

/* Begins one: reads the clock. */
void worker_round(struct worker *worker);

/* Walks those whose loads are done; NULL: no more. Each is to be driven. */
struct client *worker_loaded(struct worker *worker);

/* The next in line; NULL: there is none, or the round is over. It is to be driven. */
struct client *worker_next_turn(struct worker *worker);

/* Drives a client until it must wait, noting its deadline, or closes it: then WANT_NOTHING, and it is gone. With
   WANT_TURN and WANT_LOAD there is nothing to wait for on its socket: it has been put in line, or its load is on its
   way; and until its turn has come, or its load is done, nothing is done here. */
enum drive_want worker_turn(struct worker *worker, struct client *client);

/* The parts of worker_turn(), for models that drive themselves. After drive(): notes what came of it and, for WANT_TURN
   and WANT_LOAD, puts the client where it belongs. False: its load has been done meanwhile, drive on. */
bool worker_wait(struct worker *worker, struct client *client, enum drive_want want);

/* Tells the client of an error that is not an op's result, such as -ETIMEDOUT. False: it is in line, and its turn comes
   first. */
bool worker_tell(struct client *client, int error);

/* Who is late is told so. But a server that was stopped for a while, or whose wait a signal ended, finds many late and
   hasn't seen what has come for them: that is served first. */

/* Whether its deadline has passed. */
static inline bool worker_is_late(const struct worker *worker, const struct client *client) {
    return worker->env.clock.now_ms >= conn_deadline(&client->conn);
}

/* Whether it waits for its socket, and need wait no longer. */
bool worker_can_move(struct client *client);

/* Its time is up: drives a client that can move; and if it is late none the less tells it, and drives it on. */
enum drive_want worker_timed_out(struct worker *worker, struct client *client);

/* For a model that can't drive it, but is told what has come: whether that has yet to be told. Then a second is left
   for it, but once for each deadline, of which `*spared_ms` keeps the last. */
bool worker_spares(struct worker *worker, struct client *client, uint32_t *spared_ms);

/* Closes the client's descriptor and gives its slot back. */
void worker_hang_up(struct worker *worker, struct client *client);

#endif
