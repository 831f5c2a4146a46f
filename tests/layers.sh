#!/bin/bash
# What may know what, and what the engine may call. Usage: tests/layers.sh SOURCE-FOLDER LIBRARY
set -u
cd "${1:?}" || exit 2
library=${2:?}
failures=0
fail() {
    echo "FAILED: $*" >&2
    failures=$((failures + 1))
}

headers_of() { # FILE...: the headers of ours that they include, directly or through headers
    local seen=() queue=("$@") file name
    while [ ${#queue[@]} -gt 0 ]; do
        file=${queue[0]}
        queue=("${queue[@]:1}")
        for name in $(sed -n 's/^#include "\(.*\)"$/\1/p' "$file"); do
            [[ " ${seen[*]-} " == *" $name "* ]] && continue
            seen+=("$name")
            queue+=("include/$name")
        done
    done
    echo "${seen[*]-}"
}

# may_not LAYER-FILES... -- HEADER...: directly included
may_not() {
    local files=()
    while [ "$1" != -- ]; do files+=("$1"); shift; done
    shift
    for header; do
        grep -l "^#include \"$header\"" "${files[@]}" 2>/dev/null | while read -r file; do echo "$file includes $header"; done
    done
}

site="filecache.h file.h docroot.h reply.h site.h"
host="worker.h clients.h drive.h listener.h signals.h say.h door.h"
top="backend.h config.h server.h"
bad=$(
    may_not src/protocol/*.c -- $site conn.h pool.h clock.h $host $top
    may_not src/site/*.c -- conn.h $host $top
    may_not src/conn.c -- filecache.h file.h docroot.h $host $top
    may_not src/backend/*.c -- request.h reply.h outq.h filecache.h file.h docroot.h
)
[ -z "$bad" ] || fail "$bad"

# The protocol's objects, by what they import: no I/O, no clock, no heap.
allowed='^(mem(cpy|cmp|chr|mem|move|set|rchr)|bcmp|str(len|cmp|chr|ncmp)|__(mem|str)[a-z]*_chk|__stack_chk_fail|check_failed|_GLOBAL_OFFSET_TABLE_|__cpu_model|__cpu_indicator_init)$'
own=$(nm --defined-only "$library" 2>/dev/null | awk 'NF == 3 {print $3}' | sort -u)
for source in src/protocol/*.c src/conn.c; do
    object=$(basename "$source").o
    imports=$(nm -u "$library" 2>/dev/null | awk -v o="$object:" '$0 == o {on = 1; next} /:$/ {on = 0} on && NF {print $2}')
    for symbol in $imports; do
        [[ $symbol =~ $allowed ]] && continue
        grep -qx "$symbol" <<<"$own" && continue
        fail "$source imports $symbol"
    done
    nm "$library" 2>/dev/null | grep -qx "$object:" || fail "$source: not in $library"
done

# Only main.c and config.c end the process; a forked child, a second signal and a failed CHECK do so by _exit and abort.
bad=$(grep -lE '[^_a-z]exit\(' src/*.c src/*/*.c | grep -vE 'src/(main|config)\.c')
[ -z "$bad" ] || fail "exit() in $bad"

# Which file knows which is a tree to read: none is over 400 lines.
for file in src/*.c src/*/*.c include/*.h; do
    [ "$(wc -l <"$file")" -le 400 ] || fail "$file has over 400 lines"
done
echo "layers: $failures failed"
[ "$failures" = 0 ]
