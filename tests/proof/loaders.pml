/* The hand-over between a loop and the loaders (src/host/loaders.c), for spin: every load that is submitted is done once,
   and its worker hears of it, however threads are interleaved; lanes keep their bounds; in the end all threads end. The
   model's lock, condition and eventfd are as POSIX and Linux have them; a wake-up without cause may come at any time.

   Two lanes, of which one takes one load at a time and the other two; as many loads as are submitted at any time. */
#ifndef LOADS
#define LOADS 4
#endif
#ifndef THREADS
#define THREADS 2
#endif
#define LANES 2
#define AT_ONCE(lane) (1 + (lane))
#define ROOM(lane) (AT_ONCE(lane) - busy[lane] < queued[lane] -> AT_ONCE(lane) - busy[lane] : queued[lane])

bool locked, closing, rung;             /* rung: the eventfd is readable */
byte queued[LANES], busy[LANES], count, idle, signalled, done, heard, ended, submitted;
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

proctype loader() {
    byte lane, before;
    lock();
    do
    :: lane = 0;
       do
       :: lane == LANES || (queued[lane] > 0 && busy[lane] < AT_ONCE(lane)) -> break
       :: else -> lane++
       od;
       if
       :: lane < LANES ->
          queued[lane]--; busy[lane]++; under_way++;
          assert(busy[lane] <= AT_ONCE(lane));
          unlock();
          report();
          lock();
          busy[lane]--
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
    if
    :: queued[which] + busy[which] < AT_ONCE(which) && idle <= ROOM(0) + ROOM(1) && count < THREADS ->
       count++;
       run loader()
    :: else
    fi;
    assert(count > 0);
    queued[which]++; submitted++;
    /* A signal wakes one of those who wait, or none. */
    if
    :: signalled < idle -> signalled++
    :: else
    fi;
    unlock()
}

/* The loop: submits when it has something, sleeps when it hasn't, and clears the bell before it looks. */
active proctype worker() {
    do
    :: submitted < LOADS -> if :: submit(0) :: submit(1) fi
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

/* Nothing is submitted without being heard of at last. Where all wait for each other, spin finds an invalid end. */
ltl all_are_heard_of { <> (heard == LOADS) }
