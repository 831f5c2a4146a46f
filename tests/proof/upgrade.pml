/* The hand-over from a server to its successor (src/server/upgrade.c, with server_ready, signals.c, worker_stop.c and the
   pid file), for spin. Whatever the order of their steps, and whoever is told to stop, twice perhaps, or killed, or
   fails, at any moment: the service ends only if it was asked to, and does if it was; who goes on has an open door, and
   the pid file names him; a client who connects is answered.

   Excused is whom the signal met that ended it: a server that serves, or is about to, as its predecessor has let go. A
   steward does as its server says, and removes the pid file of one that was killed. To look whose file that is and to
   remove it is one step here; lstat(2) and unlink(2) are two. */
#ifndef SERVERS
#define SERVERS 2 /* the last has no successor */
#endif
#ifndef TROUBLES
#define TROUBLES 2 /* signals that end something */
#endif
#define NOBODY SERVERS

#define STOPPING 1
#define HANDED_OVER 2

#define HEARD 1
#define FAILED 2

typedef process {
    bool begun, caught, over, killed; /* caught: it has handlers for its signals */
    bool reported, told, let_go;      /* to its predecessor, by it, and that one's end of the socket pair is closed */
    bool serves, shared, under_way, wanted;
    byte finishing, stops
};
process server[SERVERS];

bool held;          /* whoever connects is dropped or refused, at all sockets of that door */
bool queued, asked; /* a client */
byte file = NOBODY; /* whom the pid file names */
bool excused, must_end;

#define GOES_ON(k) (server[k].serves && !server[k].over && server[k].finishing == 0)
#define THERE(k) (server[k].begun && !server[k].over && server[k].finishing == 0)

/* on_stop, and what the kernel does where there is no handler */
inline stop(k) {
    if
    :: server[k].caught && server[k].stops == 0 ->
       server[k].stops = 1;
       if
       :: server[k].finishing == 0 -> server[k].finishing = STOPPING
       :: else
       fi
    :: else -> server[k].killed = true
    fi
}

/* Who ends: somebody else is at the door, or it was asked for. */
inline leave(k) {
    server[k].over = true;
    if
    :: file == k -> file = NOBODY
    :: else
    fi;
    some = 0;
    do
    :: some < SERVERS && !(THERE(some) && (server[some].serves || server[some].reported)) -> some++
    :: else -> break
    od;
    assert(some < SERVERS || excused || !server[k].serves)
}

/* The thread in which server i waits for the next. */
proctype upgrade(byte i) {
    byte next = i + 1, heard;
    {
        if
        :: atomic { server[next].begun = true; run serve(next) }
        :: goto alone /* there is no program */
        fi;
        if
        :: server[next].reported -> heard = HEARD
        :: server[next].over && !server[next].reported -> heard = FAILED
        :: d_step { !server[next].reported && server[i].finishing -> stop(next); heard = FAILED }
        :: d_step { !server[next].reported -> server[next].killed = true; heard = FAILED } /* it takes too long */
        fi;
        if
        :: heard == HEARD ->
           if
           :: d_step { server[i].finishing == 0 -> server[i].finishing = HANDED_OVER };
              server[next].told = true;
              goto done
           :: d_step { server[i].finishing -> stop(next) }
           fi
        :: else
        fi;
alone:  server[i].shared = false;
done:   server[next].let_go = true;
        server[i].under_way = false
    } unless { server[i].over }
    server[next].let_go = true
}

proctype serve(byte i) {
    byte some;
    {
        if
        :: i > 0 -> goto ends /* a mistake in the configuration, say */
        :: server[i].caught = true
        fi;
        server[i].shared = i > 0;
        if
        :: i > 0 ->
           if
           :: server[i].finishing -> goto drains
           :: d_step { server[i].finishing == 0 -> server[i].reported = true }
           fi;
           server[i].told || server[i].let_go;
           d_step {
               if
               :: server[i].told || server[i].finishing == 0 -> server[i].shared = false
               :: else
               fi
           }
        :: else
        fi;
        file = i;
        server[i].serves = true;
end_serves:
        do
        :: atomic {
               server[i].wanted && !server[i].under_way && server[i].finishing == 0 ->
               server[i].wanted = false;
               server[i].under_way = true;
               server[i].shared = true;
               run upgrade(i)
           }
        :: d_step { queued -> queued = false }
        :: server[i].finishing -> break
        od;
drains: true;
        d_step { /* worker_begin_draining; who came before is let in */
            if
            :: !server[i].shared -> held = true; queued = false
            :: else
            fi
        };
        !server[i].under_way;
ends:   true;
        d_step { leave(i) }
    } unless { server[i].killed && !server[i].over }
    d_step {
        if
        :: !server[i].over -> leave(i)
        :: else
        fi
    }
}

inline signal(k, kills) {
    d_step {
        troubles < TROUBLES && server[k].begun && !server[k].over && !server[k].killed ->
        troubles++;
        if
        :: server[k].serves || server[k].reported -> excused = true
        :: else
        fi;
        if
        :: kills -> server[k].killed = true
        :: else ->
           if
           :: server[k].serves && server[k].finishing == 0 -> must_end = true
           :: else
           fi;
           stop(k)
        fi;
        if
        :: server[k].killed -> must_end = false
        :: else
        fi
    }
}

active proctype world() {
    byte troubles, upgrades, k, some;
    server[0].begun = true;
    server[0].caught = true;
    run serve(0);
    server[0].serves;
    do
    :: d_step { upgrades < SERVERS - 1 && server[upgrades].serves -> server[upgrades].wanted = true; upgrades++ }
    :: signal(0, false)
    :: signal(1, false)
    :: signal(SERVERS - 1, false)
    :: signal(0, true)
    :: signal(1, true)
    :: signal(SERVERS - 1, true)
    :: d_step { !asked && !excused -> asked = true; assert(!held); queued = true }
    :: break
    od;
    timeout;
    d_step {
        some = NOBODY;
        for (k : 0 .. SERVERS - 1) {
            if
            :: GOES_ON(k) -> assert(some == NOBODY && !held && file == k); some = k
            :: else -> assert(server[k].over || !server[k].begun)
            fi
        };
        assert(some != NOBODY || (excused && file == NOBODY));
        assert(some == NOBODY || !must_end);
        assert(!queued || excused)
    }
}
