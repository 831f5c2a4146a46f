#!/bin/bash
# Builds httpd once by every compiler and for every kind of processor that it should be good for, warnings being errors,
# and runs it in every model. Needs (Debian): clang gcc-12 gcc-aarch64-linux-gnu libc6-dev-arm64-cross
# gcc-riscv64-linux-gnu libc6-dev-riscv64-cross gcc-i686-linux-gnu libc6-dev-i386-cross qemu-user musl-tools. What is
# missing is said and counts as a failure.
# Usage: tests/builds.sh [NAME...], names being those in the table at the end; takes a minute or two.
set -u
cd "$(dirname "$0")/.." || exit 2
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill -KILL "$server" 2>/dev/null; rm -rf "$work"' EXIT
failures=0
mkdir "$work/site"
head -c 300000 /dev/urandom >"$work/site/large.bin"
echo hello >"$work/site/index.html"

# smoke HTTPD MODEL RUNNER...: what is wrong, nothing if it serves a small file, a part of a large one, and ends well
smoke() {
    local httpd=$1 model=$2 url
    shift 2
    rm -f "$work/banner"
    mkfifo "$work/banner"
    "$@" "$httpd" -l 127.0.0.1:0 -r "$work/site" -m "$model" --max-connections 1000 2>"$work/banner" &
    server=$!
    timeout 20 sed '/http:/q' "$work/banner" >"$work/said"
    url=$(sed -n '/http:/s/ //gp' "$work/said")
    if [ -z "$url" ]; then
        sed 's/^httpd: //' "$work/said"
    else
        [ "$(curl -sS -m 20 "$url" 2>&1)" = hello ] || echo 'a small file is not what it should be'
        curl -sS -m 20 -r 100000-299999 -o "$work/part" "$url/large.bin" 2>&1
        tail -c 200000 "$work/site/large.bin" | cmp - "$work/part" 2>&1
        kill -TERM "$server"
    fi
    wait "$server" || echo "exit status $?"
    server=
}

# build NAME COMPILER RUNNER -- OPTION...: RUNNER, words or '-', is what the program is run by
build() {
    local name=$1 compiler=$2 runner=$3 ran=0 said
    shift 4
    [ ${#wanted[@]} = 0 ] || [[ " ${wanted[*]} " == *" $name "* ]] || return
    for program in "$compiler" ${runner%% *}; do
        [ "$program" = - ] || command -v "$program" >/dev/null && continue
        echo "$name: $program is not installed"
        failures=$((failures + 1))
        return
    done
    if ! { CC=$compiler cmake -S . -B "$work/$name" -DBUILD_TESTING=OFF -DCMAKE_C_FLAGS=-Werror "$@" &&
        cmake --build "$work/$name" -j "$(nproc)"; } >"$work/log" 2>&1; then
        echo "$name: does not build"
        grep -E 'error|warning' "$work/log"
        failures=$((failures + 1))
        return
    fi
    [ "$runner" != - ] || runner=env
    for model in blocking fork thread nonblocking select poll epoll-lt epoll-et coroutine uring; do
        said=$(smoke "$work/$name/httpd" $model $runner)
        if [ -z "$said" ]; then
            ran=$((ran + 1))
        elif [[ $runner == qemu* && $model == uring ]]; then # which has no io_uring
            echo "$name: $model not run: $(head -1 <<<"$said")"
        else
            echo "$name: $model: $said"
            failures=$((failures + 1))
        fi
    done
    echo "$name: builds by $("$compiler" --version | head -1); runs in $ran models"
}

wanted=("$@")
build clang clang - --
build gcc-12 gcc-12 - --
build aarch64 aarch64-linux-gnu-gcc 'qemu-aarch64 -L /usr/aarch64-linux-gnu' -- -DCMAKE_SYSTEM_NAME=Linux
build riscv64 riscv64-linux-gnu-gcc 'qemu-riscv64 -L /usr/riscv64-linux-gnu' -- -DCMAKE_SYSTEM_NAME=Linux
build i686 i686-linux-gnu-gcc '/usr/i686-linux-gnu/lib/ld-linux.so.2 --library-path /usr/i686-linux-gnu/lib' -- \
    -DCMAKE_SYSTEM_NAME=Linux
build static musl-gcc - -- -DHTTPD_STATIC=ON
echo "builds: $failures failed"
[ "$failures" = 0 ]
