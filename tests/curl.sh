#!/bin/bash
# What curl, as people use it, gets from the server in every model.
# Usage: tests/curl.sh path/to/httpd MODEL...
set -u
httpd=${1:?usage: tests/curl.sh path/to/httpd MODEL...}
shift
if [ ! -x "$httpd" ] || [ $# -eq 0 ]; then
    echo "usage: tests/curl.sh path/to/httpd MODEL..." >&2
    exit 2
fi
command -v curl >/dev/null || { echo "curl is not installed" >&2; exit 77; }
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

site=$work/site
got=$work/got
mkdir -p "$site/many" "$got"
mkfifo "$work/nothing"

# check WHAT COMMAND...: counts a failure unless the command succeeds
check() {
    local what=$1
    shift
    checks=$((checks + 1))
    if "$@"; then
        echo "ok $model: $what"
        return
    fi
    failures=$((failures + 1))
    echo "FAILED $model: $what (curl's exit $status)"
    [ -s "$got/head" ] && sed 's/^/    head: /' "$got/head"
    [ -s "$got/err" ] && sed 's/^/    err: /' "$got/err"
    [ -s "$got/out" ] && head -c 300 "$got/out" | tr -cd '\n -~' | sed 's/^/    out: /'
}

is() { [ "$1" = "$2" ]; }
not() { ! "$@"; }
same() { cmp -s "$1" "$2"; }
has() { grep -qiE -- "$2" "$1"; }
size_of() { wc -c <"$1" | tr -d ' '; }

# get ARGUMENT...: body in $got/out, head in $got/head, the exit status in $status
get() {
    : >"$got/head"
    : >"$got/err"
    rm -f "$got/out"
    timeout -k 1 20 curl -q -sS --noproxy '*' --max-time 15 -D "$got/head" -o "$got/out" "$@" 2>"$got/err"
    status=$?
}

# answered STATUS: curl was content, and this was the status of the last head
answered() { is "$status" 0 && is "$(sed -n 's,^HTTP/1\.[01] \([0-9]*\).*,\1,p' "$got/head" | tail -1)" "$1"; }

rest() { read -rt 0.05 <>"$work/nothing"; }

# start ARGUMENT...: a server in the background, its pid in $server, its first address in $url once it answers
start() {
    local tries=200
    : >"$work/banner"
    "$httpd" -r "$site" -m "$model" "$@" >"$work/banner" 2>&1 </dev/null &
    server=$!
    until url=$(grep -oE 'http://(127\.0\.0\.1|\[::1\]):[0-9]+/' "$work/banner" | head -1) && [ -n "$url" ]; do
        tries=$((tries - 1))
        if [ $tries -eq 0 ] || ! kill -0 "$server" 2>/dev/null; then
            return 1
        fi
        rest
    done
}

stop() {
    local tries=200
    kill -TERM "$server" 2>/dev/null
    while kill -0 "$server" 2>/dev/null && [ $tries -gt 0 ]; do
        tries=$((tries - 1))
        rest
    done
    [ $tries -gt 0 ] || kill -KILL "$server" 2>/dev/null
    wait "$server"
    status=$?
    server=
    check "the server ends with 0" is $status 0
}

make_site() {
    head -c 5242880 /dev/urandom >"$site/large.bin"
    seq 1 20000 >"$site/text.txt"
    gzip -kn "$site/text.txt"
    command -v brotli >/dev/null && brotli -k "$site/text.txt"
    : >"$site/empty.txt"
    echo '<!doctype html><title>home</title>' >"$site/index.html"
    for i in $(seq 1 20); do
        head -c $((i * i * 997)) /dev/urandom >"$site/many/$i.bin"
    done
    touch -d '2024-01-02 03:04:05 UTC' "$site"/* "$site/many"/*
}

resume() {
    # What a range left behind, cut again at some odd byte.
    get -r 0-1048575 "${url}large.bin"
    check "the beginning of a download" answered 206
    head -c 1000003 "$got/out" >"$got/part"
    timeout -k 1 20 curl -q -sS --noproxy '*' --max-time 15 -C - -o "$got/part" "${url}large.bin" 2>"$got/err"
    status=$?
    check "-C - resumes" is $status 0
    check "-C - ends with the same bytes" same "$got/part" "$site/large.bin"
    # A transfer that really was cut: curl's output is closed in the middle.
    timeout -k 1 20 curl -q -sS --noproxy '*' --max-time 15 "${url}large.bin" 2>"$got/err" | head -c 2000001 >"$got/cut"
    status=${PIPESTATUS[0]}
    check "a transfer is cut in the middle" [ "$status" -ne 0 -a "$(size_of "$got/cut")" = 2000001 ]
    timeout -k 1 20 curl -q -sS --noproxy '*' --max-time 15 -C - -o "$got/cut" "${url}large.bin" 2>"$got/err"
    status=$?
    check "-C - resumes what was cut" is $status 0
    check "it is the same then" same "$got/cut" "$site/large.bin"
}

ranges() {
    get -r 100-299 "${url}large.bin"
    check "-r 100-299" answered 206
    check "-r 100-299 gives these bytes" same "$got/out" <(tail -c +101 "$site/large.bin" | head -c 200)
    get -r -500 "${url}large.bin"
    check "-r -500 gives the last bytes" same "$got/out" <(tail -c 500 "$site/large.bin")
    get -r 5242880- "${url}large.bin"
    check "-r behind the end" answered 416
    # The parts, framed as the head says: compared whole.
    get -r 0-99,200-299 "${url}text.txt"
    check "-r 0-99,200-299" answered 206
    check "it is multipart/byteranges" has "$got/head" '^Content-Type: multipart/byteranges; *boundary='
    local boundary
    boundary=$(sed -nE 's/^Content-Type:.*boundary="?([^"]+)"?\r$/\1/Ip' "$got/head")
    check "it has both parts" is "$(grep -aciE '^Content-Range: bytes (0-99|200-299)/' "$got/out")" 2
    check "it ends with the closing delimiter" is "$(tail -c $((${#boundary} + 8)) "$got/out" | tr -d '\r\n')" \
        "--$boundary--"
    tr -d '\r' <"$got/out" | awk -v b="--$boundary" '
        index($0, b) == 1 { if (part && body != "") print substr(body, 2); part++; inside = 0; body = ""; next }
        part && !inside && $0 == "" { inside = 1; next }
        inside { body = body "\n" $0 }' >"$got/parts"
    { head -c 100 "$site/text.txt"; echo; tail -c +201 "$site/text.txt" | head -c 100; echo; } >"$got/expected"
    check "its parts are these bytes" same "$got/parts" "$got/expected"
}

compression() {
    get --compressed "${url}text.txt"
    check "--compressed" answered 200
    check "--compressed gives the same text" same "$got/out" "$site/text.txt"
    check "--compressed was compressed" has "$got/head" '^Content-Encoding: (gzip|br)'
    check "its answer varies by Accept-Encoding" has "$got/head" '^Vary:.*Accept-Encoding'
    local plain_tag gzip_tag
    get -H 'Accept-Encoding: gzip' "${url}text.txt"
    check "gzip gives the sibling as it is" same "$got/out" "$site/text.txt.gz"
    gzip_tag=$(sed -n 's/^ETag: *//Ip' "$got/head")
    if [ -e "$site/text.txt.br" ]; then
        get -H 'Accept-Encoding: br' "${url}text.txt"
        check "br gives the sibling as it is" same "$got/out" "$site/text.txt.br"
    fi
    get "${url}text.txt"
    check "without --compressed it is the text" same "$got/out" "$site/text.txt"
    check "and not encoded" not has "$got/head" '^Content-Encoding:'
    plain_tag=$(sed -n 's/^ETag: *//Ip' "$got/head")
    check "each has its own tag" [ -n "$plain_tag" -a -n "$gzip_tag" -a "$plain_tag" != "$gzip_tag" ]
    get -r 0-99 -H 'Accept-Encoding: gzip' "${url}text.txt"
    check "a range of the sibling" same "$got/out" <(head -c 100 "$site/text.txt.gz")
}

conditions() {
    get "${url}text.txt"
    cp "$got/out" "$got/copy"
    touch -r "$site/text.txt" "$got/copy"
    get -z "$got/copy" "${url}text.txt"
    check "-z with the file's time" answered 304
    check "304 has no body" not [ -s "$got/out" ]
    get -z '2024-01-01 00:00:00 UTC' "${url}text.txt"
    check "-z with an older time" answered 200
    get --etag-save "$got/tag" "${url}text.txt"
    check "--etag-save" [ -s "$got/tag" ]
    get --etag-compare "$got/tag" "${url}text.txt"
    check "--etag-compare" answered 304
    get -R "${url}text.txt"
    check "-R sets the file's time" is "$(stat -c %Y "$got/out")" "$(stat -c %Y "$site/text.txt")"
}

methods() {
    get -I "${url}large.bin"
    check "-I" answered 200
    check "-I tells the length" has "$got/head" '^Content-Length: 5242880'
    get --http1.0 "${url}text.txt"
    check "--http1.0" answered 200
    check "--http1.0 gives the text" same "$got/out" "$site/text.txt"
    get --http1.0 "${url}text.txt" "${url}empty.txt"
    check "--http1.0 twice" answered 200
    get "${url}empty.txt"
    check "an empty file" answered 200
    # curl waits a second for 100 Continue, unless the final status comes first; then it need not send the body.
    get -T "$site/large.bin" -H 'Expect: 100-continue' "${url}upload.bin"
    check "PUT that expects 100-continue" answered 405
    check "405 says what is allowed" has "$got/head" '^Allow:.*GET'
    get --data-binary @"$site/large.bin" -H 'Expect: 100-continue' "${url}text.txt"
    check "POST that expects 100-continue" answered 405
    get --data-binary 'a=b' "${url}text.txt"
    check "POST with a small body" answered 405
    get -T "$site/text.txt" -H 'Expect:' "${url}upload.txt"
    check "PUT with a body of 100 KB right away" answered 405
    get -T - -H 'Transfer-Encoding: chunked' "${url}upload.txt" <"$site/many/3.bin"
    check "PUT in chunks" answered 405
    check "nothing was uploaded" not [ -e "$site/upload.bin" -o -e "$site/upload.txt" ]
    get "${url}missing.txt"
    check "a missing file" answered 404
    get -X BREW "${url}text.txt"
    check "an unknown method" answered 501
    get -X OPTIONS "${url}text.txt"
    check "OPTIONS" answered 204
    get --path-as-is "${url}../../../etc/passwd"
    check "nothing above the root" not has "$got/out" root:
    get -L "${url}many/../many?x=1"
    check "a folder without its slash is redirected" has "$got/head" '^Location: .*/many/\?x=1'
}

parallel() {
    local i differ=0
    rm -rf "$got/many" && mkdir "$got/many"
    : >"$got/err"
    timeout -k 1 40 curl -q -sS --noproxy '*' --max-time 30 -Z --parallel-max 10 -o "$got/many/#1.bin" \
        "${url}many/[1-20].bin" 2>"$got/err"
    status=$?
    check "-Z of 20 files" is $status 0
    for i in $(seq 1 20); do
        same "$got/many/$i.bin" "$site/many/$i.bin" || differ=$((differ + 1))
    done
    check "-Z gives the same files ($differ differ)" is $differ 0
}

# A server that listens on a path too, and on IPv6 where there is one.
other_addresses() {
    local socket=$work/socket
    start -l 127.0.0.1:0 -l "unix:$socket"
    check "a server on unix:PATH" [ -n "$url" -a -S "$socket" ]
    get --unix-socket "$socket" http://localhost/text.txt
    check "--unix-socket" answered 200
    check "--unix-socket gives the text" same "$got/out" "$site/text.txt"
    get --unix-socket "$socket" -r 1000000-1999999 http://localhost/large.bin
    check "--unix-socket, a range" same "$got/out" <(tail -c +1000001 "$site/large.bin" | head -c 1000000)
    get "${url}text.txt"
    check "the port beside it" answered 200
    stop
    check "the socket is removed" not [ -e "$socket" ]
    grep -q 00000000000000000000000000000001 /proc/net/if_inet6 2>/dev/null || return
    start -l '[::1]:0'
    check "a server on [::1]" [ -n "$url" ]
    get -g "${url}text.txt"
    check "IPv6" answered 200
    check "IPv6 gives the text" same "$got/out" "$site/text.txt"
    stop
}

make_site
for model; do
    status=0
    start -l 127.0.0.1:0
    check "a server on 127.0.0.1" [ -n "$url" ]
    if [ -z "$url" ]; then
        sed 's/^/    /' "$work/banner"
        kill -KILL "$server" 2>/dev/null
        wait "$server"
        server=
        continue
    fi
    resume
    ranges
    compression
    conditions
    methods
    parallel
    stop
    other_addresses
done
echo "$checks checks, $failures failed"
[ $failures -eq 0 ]
