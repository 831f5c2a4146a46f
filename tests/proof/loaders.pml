/* The hand-over between a loop and the loaders (src/host/loaders.c, worker_turn.c, and the end: worker_end_loads and
   server_work), for spin. However threads are interleaved: each load that is submitted is heard of once, or taken back
   by the last who leaves; one that nobody waits for (loaders_detach) is done once, and released by who did it; nobody
   touches one that has been released; in the lanes stands only what somebody wants; lanes keep their bounds; and all
   ends, also where a subtree hangs, which holds up nobody who wants another. Condition and eventfd are as POSIX and
   Linux have them; a wake-up without cause may come at any time. What is done under the lock is one step, as nobody
   touches it without.

   Two crews, as those of files, with two lanes, and of hashes, which pass on to files what isn't in memory. Two clients
   may wait for a load. */
#ifndef LOADS
#define LOADS 2
#endif
#define LANES 2                    /* of files: LOADERS_SUBTREES */
#define HASHES LANES               /* the lane of hashes */
#define ALL (LANES + 1)
#define PER 2                      /* LOADERS_PER_SUBTREE */
#define MOST 3                     /* LOADERS_MAX */
#define THREADS (MOST + LANES - 1) /* LOADERS_MOST, of those of files */

#define CREW(lane) (lane / LANES)

/* Where a loader is at no lane */
#define WAITING ALL
#define ENDED (ALL + 1)

/* Whether the work ends. A close that hangs would hold up the process's exit as well. */
#ifdef HANGS
#define COMES (lane == HASHES || (lane < ALL && (load[x].tree != 0 || (closing && !load[x].home))))
#else
#define COMES (lane < ALL)
#endif

#define STANDS(x) (queue[0] ?? [eval(x)] || queue[1] ?? [eval(x)] || queue[HASHES] ?? [eval(x)])
#define PARKED(x) (load[x].waiters > 0)
#ifdef HANGS
#define MAY_LEAVE(x) (PARKED(x) && (restless || load[x].tree == 0))
#else
#define MAY_LEAVE(x) (PARKED(x) && restless)
#endif
#define WANTED_IF_IT_STANDS(x) (!STANDS(x) || PARKED(x) || !load[x].home)
#define TOUCH(x) assert(!load[x].released)

/* crew_find: a lane that nobody is at comes before what crew_may_more lets another have more of; and crew_wanted */
#define NEW(lane) (len(queue[lane]) > 0 && busy[lane] == 0)
#define MAY(lane) \
    (NEW(lane) || (len(queue[lane]) > 0 && !NEW(0) && !NEW(1) && busy[lane] < PER && working[0] < MOST))
#define FIRST(lane) (NEW(lane) -> 1 : 0)
#define FIRSTS (FIRST(0) + FIRST(1))
#define LEFT(lane) (len(queue[lane]) - FIRST(lane))
#define FREE(lane) (busy[lane] + FIRST(lane) < PER -> PER - busy[lane] - FIRST(lane) : 0)
#define MORE(lane) (LEFT(lane) < FREE(lane) -> LEFT(lane) : FREE(lane))
#define ROOM (working[0] + FIRSTS < MOST -> MOST - working[0] - FIRSTS : 0)
#define WANTED(crew) \
    (crew == 1 -> FIRST(HASHES) : FIRSTS + (MORE(0) + MORE(1) < ROOM -> MORE(0) + MORE(1) : ROOM))

/* loaders.c's invariant */
#ifdef REFUSES
#define ENOUGH true
#else
#define ENOUGH (WANTED(0) <= count[0] - working[0] && WANTED(1) <= count[1] - working[1])
#endif

typedef state {
    byte refs, waiters, tree, told; /* told: heard of, taken back, or released by a loader, so often */
    bool hash, undone;
    bool home; /* there it is reported */
    bool released
};
state load[LOADS];

/* Under the lock; of crews, idle are those who wait, and signalled those of them who have been woken */
chan queue[ALL] = [LOADS] of { byte };
byte busy[ALL], subtree[ALL], turn;
byte working[2], count[2], idle[2], signalled[2];
byte ended;
bool closing;

bool rung; /* the eventfd is readable */
byte done; /* the stack of those reported: bits, as it is in no order */
byte asked, loading, waiting; /* loads so far; worker->loading; clients that are parked */
bool restless = true;         /* clients leave; from some time on those who are left stay until their loads are done */
bool joined;                  /* another client wants the first load, too */
bool refused;                 /* no thread is to be had */
bool gone, over;              /* the home; the process */

hidden byte i, at, in, crew, somebody; /* the worker's, within a step */

inline put(x) {
    TOUCH(x);
    assert(load[x].refs > 0);
    load[x].refs--;
    if
    :: load[x].refs == 0 ->
       assert(!STANDS(x));
       load[x].released = true;
       load[x].tree = 0; /* fewer states */
       load[x].hash = false;
       load[x].undone = false;
       load[x].home = false
    :: else
    fi
}

/* Fewer states: of a lane that is free it doesn't matter whose it was. */
inline forget(lane) {
    if
    :: len(queue[lane]) + busy[lane] == 0 -> subtree[lane] = 0
    :: else
    fi
}

/* No more have been woken than wait. */
inline awake() {
    idle[mine]--;
    if
    :: signalled[mine] > idle[mine] -> signalled[mine] = idle[mine]
    :: else
    fi
}

/* It tells who waits for it, or releases it. */
inline report(x) {
    TOUCH(x);
    if
    :: load[x].home -> rings = done == 0; done = done | 1 << x
    :: else -> load[x].told++; put(x)
    fi
}

proctype loader(byte mine, number) {
    byte lane = WAITING, x;
    bool rings;
end_unhired:
    count[mine] > number;
    do
    :: d_step {
           if
           :: lane < ALL -> busy[lane]--; working[mine]--; forget(lane)
           :: else
           fi;
           x = 0;
           if
           :: mine == 1 && NEW(HASHES) -> lane = HASHES
           :: mine == 0 && MAY(turn) -> lane = turn
           :: mine == 0 && !MAY(turn) && MAY(1 - turn) -> lane = 1 - turn
           :: else -> lane = (closing -> ENDED : WAITING)
           fi;
           if
           :: lane < ALL ->
              turn = (mine == 0 -> 1 - lane : turn);
              queue[lane] ? x;
              TOUCH(x);
              busy[lane]++;
              working[mine]++;
              assert(busy[lane] <= (mine == 1 -> 1 : PER) && working[mine] < MOST + LANES)
           :: lane == ENDED -> ended++
           :: lane == WAITING -> idle[mine]++
           fi;
           assert(ENOUGH)
       };
       if
       :: d_step { lane == WAITING && signalled[mine] > 0 -> signalled[mine]--; awake() }
       :: d_step { lane == WAITING && closing -> awake() }
#ifdef SPURIOUS
       :: d_step { lane == WAITING -> awake() }
#endif
       :: lane == ENDED -> break
       :: d_step { COMES -> load[x].undone = false; report(x) }
       :: d_step { lane == HASHES -> load[x].undone = true; report(x) }
       fi;
       if
       :: d_step { rings -> assert(!gone); rung = true; rings = false } /* all may have been taken meanwhile */
       :: else
       fi
    od
}

/* crew_add, with crew_lane and crew_call: whether there is somebody */
inline add(x) {
    if
    :: load[x].hash -> in = HASHES
    :: else ->
       in = load[x].tree % LANES;
       for (at : 0 .. LANES - 1) {
           if
           :: len(queue[at]) + busy[at] == 0 -> in = at
           :: len(queue[at]) + busy[at] > 0 && subtree[at] == load[x].tree -> in = at; break
           :: else
           fi
       }
    fi;
    crew = CREW(in);
    if
    :: len(queue[in]) + busy[in] == 0 -> subtree[in] = load[x].tree
    :: else
    fi;
    queue[in] ! x;
    if
    :: WANTED(crew) > count[crew] - working[crew] ->
       assert(count[crew] < (crew == 1 -> 1 : THREADS));
       if
       :: refused
       :: else -> count[crew]++
       fi
    :: else
    fi;
    if
    :: signalled[crew] < idle[crew] -> signalled[crew]++
    :: else
    fi;
    assert(ENOUGH);
    somebody = count[crew] > 0;
    if
    :: somebody
    :: else -> queue[in] ?? eval(x)
    fi
}

inline submit(x) {
    TOUCH(x);
    load[x].home = true;
    add(x);
    if
    :: somebody -> load[x].refs++
    :: else
    fi
}

/* A client wants what nobody has begun: worker_park. */
inline park(t, h) {
    i = asked;
    asked++;
    load[i].refs = 1;
    load[i].tree = t;
    load[i].hash = h;
    submit(i);
    if
    :: somebody -> load[i].waiters = 1; waiting++; loading++
    :: else -> load[i].told++; put(i) /* done in place */
    fi
}

inline join(x) {
    TOUCH(x);
    load[x].waiters++;
    load[x].refs++;
    waiting++
}

/* A file is closed. */
inline leave_load() {
    i = asked;
    asked++;
    load[i].refs = 1;
    add(i);
    if
    :: somebody
    :: else -> load[i].told++; put(i)
    fi
}

/* A client leaves: worker_unpark; the last one takes the load back: loaders_withdraw. */
inline unpark() {
    TOUCH(i);
    load[i].waiters--;
    waiting--;
    in = (load[i].hash -> HASHES : 0);
    if
    :: PARKED(i) -> somebody = true
    :: !PARKED(i) && queue[in] ?? [eval(i)] -> queue[in] ?? eval(i); somebody = false
    :: !PARKED(i) && in == 0 && queue[1] ?? [eval(i)] -> queue[1] ?? eval(i); somebody = false
    :: else -> somebody = true
    fi;
    if
    :: somebody
    :: else -> forget(0); forget(1); load[i].told++; loading--; put(i)
    fi;
    put(i)
}

/* What has been reported, each in its turn: worker_collect, with worker_goes_on. */
inline collect() {
    d_step { taken = done; done = 0 };
    do
    :: d_step {
           taken > 0 ->
           i = (taken & 1 -> 0 : (taken & 2 -> 1 : (taken & 4 -> 2 : (taken & 8 -> 3 : 4))));
           taken = taken & ~(1 << i);
           TOUCH(i);
           somebody = false;
           if
           :: load[i].undone && PARKED(i) -> load[i].hash = false; submit(i)
           :: else
           fi;
           if
           :: somebody
           :: else -> /* it is done, or taken back */
              load[i].told++;
              loading--;
              do
              :: PARKED(i) -> load[i].waiters--; waiting--; put(i)
              :: else -> break
              od
           fi;
           put(i)
       }
    :: taken == 0 -> break
    od
}

/* The loop does something for a client, or sleeps, and clears the bell before it looks. */
active proctype worker() {
    byte taken;
    atomic { run loader(1, 0); run loader(0, 0); run loader(0, 1); run loader(0, 2); run loader(0, 3) };
    do
    :: d_step { asked < LOADS -> park(0, 0) }
    :: d_step { asked < LOADS -> park(1, 0) }
#ifdef SHARE /* more subtrees than lanes */
    :: d_step { asked < LOADS -> park(2, 0) }
#endif
#if LOADS < 5
    :: d_step { MAY_LEAVE(0) -> i = 0; unpark() }
    :: d_step { MAY_LEAVE(1) -> i = 1; unpark() }
    :: d_step { LOADS > 2 && MAY_LEAVE(LOADS - 1) -> i = LOADS - 1; unpark() }
    :: restless -> restless = false
    :: d_step { asked < LOADS -> leave_load() }
#endif
#if LOADS < 3
    :: d_step { asked < LOADS -> park(0, 1) }
    :: d_step { asked < LOADS -> park(1, 1) }
    :: d_step { load[0].waiters == 1 && !joined -> joined = true; join(0) }
#endif
#ifdef REFUSES
    :: refused = !refused
#endif
    :: d_step { rung -> rung = false };
       collect();
       assert(WANTED_IF_IT_STANDS(0) && WANTED_IF_IT_STANDS(1) && WANTED_IF_IT_STANDS(LOADS - 1))
    :: asked == LOADS && waiting == 0 -> break
    od;
    do /* worker_end_loads */
    :: loading == 0 -> break
    :: loading > 0 ->
       if
       :: d_step { rung -> rung = false }; collect()
#ifdef HANGS
       :: true -> goto exit /* that was long enough: nothing is freed */
#endif
       fi
    od;
    closing = true; /* loaders_close */
    ended == count[0] + count[1];
    gone = true; /* worker_close */
    assert(done == 0 && len(queue[0]) + len(queue[1]) + len(queue[HASHES]) == 0);
    assert(busy[0] + busy[1] + busy[HASHES] == 0);
    d_step {
        for (i : 0 .. LOADS - 1) {
            assert(load[i].told == 1 && load[i].released)
        }
    };
exit:
    over = true
}

/* It comes to that. Where all wait for each other, spin finds an invalid end. */
ltl ends { <> over }
