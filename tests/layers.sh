#!/bin/bash
# What may know what, and what the engine may call. Usage: tests/layers.sh SOURCE-FOLDER LIBRARY
set -u
cd "${1:?}" || exit 2
library=${2:?}
failures=0
layers=
fail() {
    echo "FAILED: $*" >&2
    failures=$((failures + 1))
}

# A layer is a folder in src/ and one in include/. Each line: who may include the headers of which.
while read -r layer colon known; do
    [ "$colon" = : ] || continue
    for file in src/"$layer"/*.c include/"$layer"/*.h; do
        for header in $(sed -n 's/^#include "\(.*\)"$/\1/p' "$file"); do
            [[ " $known " == *" ${header%%/*} "* ]] || fail "$file includes $header"
            [ -f "include/$header" ] || fail "$file includes $header, which is not its layer's path"
        done
    done
    layers+=" $layer"
done <<'TABLE'
base     : base
protocol : base protocol
site     : base protocol site
engine   : base protocol site engine
observe  : base protocol site engine guard observe
guard    : base guard
host     : base site engine observe guard host
backend  : base engine observe guard host backend
server   : base protocol site engine observe guard host backend server
TABLE
for folder in $(find src include -mindepth 1 -name "*.[ch]" -printf "%h\n" | sort -u); do
    [[ " $layers " == *" $(basename "$folder") "* ]] || fail "$folder is in no layer"
done

# The protocol's objects, by what they import: no I/O, no clock, no heap.
allowed='^(mem(cpy|cmp|chr|mem|move|set|rchr)|bcmp|str(len|cmp|chr|ncmp)|__(mem|str)[a-z]*_chk|__stack_chk_fail|check_failed|_GLOBAL_OFFSET_TABLE_|__cpu_model|__cpu_indicator_init)$'
declare -A own imports
while read -r _ _ symbol; do
    own[${symbol:-none}]=yes
done < <(nm --defined-only "$library" 2>/dev/null)
while read -r object symbol; do
    imports[$object]+=" $symbol"
done < <(nm -u "$library" 2>/dev/null | awk '/:$/ {object = substr($0, 1, length - 1); print object} NF == 2 {print object, $2}')
check_imports() { # SOURCE: its object imports nothing but what is allowed, and what is ours
    local object symbol
    object=$(basename "$1").o
    [ -n "${imports[$object]+there}" ] || fail "$1: not in $library"
    for symbol in ${imports[$object]-}; do
        [[ $symbol =~ $allowed || -n ${own[$symbol]-} ]] || fail "$1 imports $symbol"
    done
}
for source in src/protocol/*.c src/engine/*.c src/base/{outq,calendar,httpdate,hash,siphash,utf8}.c; do
    check_imports "$source"
done

# Nor is there any I/O below reply_build, files included: what isn't known is a load, and its work somebody else's.
allowed+='|^(sn?printf|__sn?printf_chk|memrchr)$'
for source in src/site/{reply,reply_render,route,lookup}.c; do
    check_imports "$source"
done

# Only the server ends the process; a forked child, a second signal and a failed CHECK do so by _exit and abort.
bad=$(grep -lE '[^_a-z]exit\(' src/*/*.c | grep -v '^src/server/')
[ -z "$bad" ] || fail "exit() in $bad"

# Which file knows which is a tree to read: none is over 400 lines.
for file in src/*/*.c include/*/*.h; do
    [ "$(wc -l <"$file")" -le 400 ] || fail "$file has over 400 lines"
done

# What TSan is told to say nothing of is there: a name that isn't suppresses nothing, and a race shows so now and then.
for name in $(sed -n 's/^[a-z_]*://p' tests/support/tsan.supp); do
    grep -qE "^[a-z].*[ *]$name\(.*\{$" src/*/*.c || fail "tests/support/tsan.supp: there is no $name()"
done
echo "layers: $failures failed"
[ "$failures" = 0 ]
