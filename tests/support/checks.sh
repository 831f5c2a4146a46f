# shellcheck shell=bash
# What tests of the program from outside share: sourced by them, with $httpd set.
[ -x "${httpd:?}" ] || { echo "$httpd: not a program" >&2; exit 2; }
work=$(mktemp -d)
server=
failures=0
checks=0

clean_up() {
    [ -n "$server" ] && kill -KILL "$server" 2>/dev/null
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

# check WHAT COMMAND...: counts a failure unless the command succeeds
check() {
    local what=$1
    shift
    checks=$((checks + 1))
    "$@" && return
    failures=$((failures + 1))
    echo "FAILED: $what" >&2
    [ -s "$work/out" ] && sed 's/^/    out: /' "$work/out" >&2
    [ -s "$work/err" ] && sed 's/^/    err: /' "$work/err" >&2
}

# run ARGUMENT...: output in $work/out and $work/err, exit status in $status; one that starts serving is cut, as 124
run() {
    timeout -k 1 10 "$httpd" "$@" >"$work/out" 2>"$work/err" </dev/null
    status=$?
}

is() { [ "$1" = "$2" ]; }
lines_in() { wc -l <"$1" | tr -d ' '; }
has() { grep -qE -- "$2" "$1"; }
empty() { [ ! -s "$1" ]; }

# one_line STATUS PATTERN: what `run` ran said one line on stderr alone that matches
one_line() {
    is "$status" "$1" && empty "$work/out" && is "$(lines_in "$work/err")" 1 && has "$work/err" "^httpd: $2"
}

# mistake PATTERN ARGUMENT...
mistake() {
    local pattern=$1
    shift
    run "$@"
    check "[$*] is a mistake, exit 2, one line: $pattern (exit $status)" one_line 2 "$pattern"
}

# accepted ARGUMENT...: options are read in order, so the complaint is about the last
accepted() {
    run "$@" --no-such-option
    check "[$*] is accepted" one_line 2 '--no-such-option: no such option'
}

# await COMMAND...: until it succeeds, 10 s at most
await() {
    local tries=200
    until "$@"; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || return 1
        [ -z "$server" ] || kill -0 "$server" 2>/dev/null || return 1
        read -rt 0.05 <>"$work/nothing" # a short rest
    done
    return 0 # not that of the rest
}
mkfifo "$work/nothing"

# start ARGUMENT...: a server in the background, its pid in $server, what it says in $work/banner
start() {
    : >"$work/out" >"$work/err" >"$work/banner"
    "$httpd" "$@" >"$work/banner" 2>&1 </dev/null &
    server=$!
}

# stop: SIGTERM, exit status in $status
stop() {
    kill -TERM "$server"
    wait "$server"
    status=$?
    server=
}

# finish: the last line of a test
finish() {
    echo "$checks checks, $failures failed"
    [ "$failures" -eq 0 ]
}
