/* The hand-over between a loop and the loaders (src/host/loaders.c), for spin: every load that is submitted is done once,
   and its worker hears of it, however threads are interleaved; lanes keep their bounds; in the end all threads end. The
   model's lock, condition and eventfd are as POSIX and Linux have them; a wake-up without cause may come at any time.

   One crew with two lanes, as that of files; what a loader passes on to another crew isn't in it. */
#ifndef LOADS
#define LOADS 4
#endif
#ifndef THREADS
#define THREADS 3 /* LOADERS_MOST */
#endif
#define LANES 2
#define PER 2  /* LOADERS_PER_SUBTREE */
#define MOST 2 /* LOADERS_MAX */

/* crew_find: a lane that nobody is at comes before what crew_may_more lets another have more of; and crew_wanted */
#define NEW(lane) (queued[lane] > 0 && busy[lane] == 0)
#define MAY(lane) (NEW(lane) || (queued[lane] > 0 && !NEW(0) && !NEW(1) && busy[lane] < PER && working < MOST))
#define FIRST(lane) (busy[lane] == 0 && queued[lane] > 0 -> 1 : 0)
#define FIRSTS (FIRST(0) + FIRST(1))
#define LEFT(lane) (queued[lane] - FIRST(lane))
#define FREE(lane) (busy[lane] + FIRST(lane) < PER -> PER - busy[lane] - FIRST(lane) : 0)
#define MORE(lane) (LEFT(lane) < FREE(lane) -> LEFT(lane) : FREE(lane))
#define ROOM (working + FIRSTS < MOST -> MOST - working - FIRSTS : 0)
#define WANTED (FIRSTS + (MORE(0) + MORE(1) < ROOM -> MORE(0) + MORE(1) : ROOM))

bool locked, closing, rung;             /* rung: the eventfd is readable */
byte queued[LANES], busy[LANES], working, count, idle, signalled, done, heard, ended, submitted, others;
byte under_way;                         /* taken from a lane, not reported */

inline lock() { atomic { !locked -> locked = true } }
inline unlock() { locked = false }

/* report(): who puts the first on the stack rings. Others may come, and the worker take all, in between. */
inline report() {
    atomic { before = done; done++; under_way-- }
    if
    :: before == 0 -> rung = true
    :: else
    fi
}

/* A signal wakes one of those who wait, or none. */
inline wake() {
    if
    :: signalled < idle -> signalled++
    :: else
    fi
}

proctype loader() {
    byte lane, before;
    lock();
    do
    :: lane = 0;
       do
       :: lane == LANES -> break
       :: lane < LANES && MAY(lane) -> break
       :: else -> lane++
       od;
       if
       :: lane < LANES ->
          queued[lane]--; busy[lane]++; working++; under_way++;
          assert(busy[lane] <= PER && working < MOST + LANES);
          unlock();
#ifdef HANGS
          lane != 0; /* what is asked of this one never comes */
#endif
          report();
          lock();
          busy[lane]--; working--
       :: lane == LANES && closing -> break
       :: lane == LANES && !closing ->
          atomic { idle++; locked = false };
          if
          :: atomic { signalled > 0 -> signalled-- }
          :: closing
#ifdef SPURIOUS
          :: true
#endif
          fi;
          lock();
          idle--
       fi
    od;
    unlock();
    ended++
}

inline submit(which) {
    lock();
    queued[which]++; submitted++;
    if
    :: WANTED > count - working -> assert(count < THREADS); count++; run loader()
    :: else
    fi;
    wake();
    unlock()
}

/* The loop: submits when it has something, sleeps when it hasn't, and clears the bell before it looks. */
active proctype worker() {
    do
    :: submitted < LOADS -> if :: submit(0) :: submit(1); others++ fi
    :: atomic { rung -> rung = false };
       atomic { heard = heard + done; done = 0 }
    :: submitted == LOADS && heard == LOADS -> break
    od;
    assert(done == 0 && under_way == 0 && queued[0] + queued[1] == 0);
    lock();
    closing = true;
    unlock();
    ended == count;
    assert(busy[0] + busy[1] == 0)
}

#ifdef HANGS
/* One lane hangs for good, and holds up nobody who wants another. */
ltl all_are_heard_of { <> (submitted == LOADS && heard == others) }
#else
/* Nothing is submitted without being heard of at last. Where all wait for each other, spin finds an invalid end. */
ltl all_are_heard_of { <> (heard == LOADS) }
#endif
