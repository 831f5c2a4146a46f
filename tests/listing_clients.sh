#!/bin/bash
# What programs that read listings make of them: folders of hard names, copied whole by lftp, rclone and wget.
# Usage: tests/listing_clients.sh path/to/httpd MODEL...
set -u
httpd=${1:?usage: tests/listing_clients.sh path/to/httpd MODEL...}
shift
if [ ! -x "$httpd" ] || [ $# -eq 0 ]; then
    echo "usage: tests/listing_clients.sh path/to/httpd MODEL..." >&2
    exit 2
fi
for program in lftp rclone wget; do
    command -v $program >/dev/null || { echo "$program is not installed" >&2; exit 77; }
done
work=$(mktemp -d)
server=
failures=0
checks=0
export HOME=$work RCLONE_CONFIG=$work/rclone.conf no_proxy='*' LC_ALL=C.UTF-8 TZ=UTC
: >"$RCLONE_CONFIG"

clean_up() {
    [ -n "$server" ] && kill -KILL "$server" 2>/dev/null
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

site=$work/site
mkdir "$site"
mkfifo "$work/nothing"

# check WHAT COMMAND...: counts a failure unless the command succeeds
check() {
    local what=$1
    shift
    checks=$((checks + 1))
    if "$@" >"$work/told" 2>&1; then
        echo "ok $model: $what"
        return
    fi
    failures=$((failures + 1))
    echo "FAILED $model: $what"
    head -c 2000 "$work/told" | sed 's/^/    /'
    [ -s "$work/err" ] && head -c 2000 "$work/err" | sed 's/^/    err: /'
}

is() { [ "$1" = "$2" ] || { echo "is: $1"; echo "not: $2"; return 1; }; }
has() { grep -qE -- "$2" "$1" || { echo "no $2 in:"; cat "$1"; return 1; }; }
same() { diff -r "$1" "$2"; }
client() { timeout -k 1 60 "$@" 2>"$work/err" </dev/null; }

rest() { read -rt 0.05 <>"$work/nothing"; }

# start: a server in the background, its pid in $server, its address in $url once it answers
start() {
    local tries=200
    : >"$work/banner"
    "$httpd" -p 0 -r "$site" --list -m "$model" >"$work/banner" 2>&1 </dev/null &
    server=$!
    until url=$(grep -oE 'http://127\.0\.0\.1:[0-9]+/' "$work/banner" | head -1) && [ -n "$url" ]; do
        tries=$((tries - 1))
        if [ $tries -eq 0 ] || ! kill -0 "$server" 2>/dev/null; then
            cat "$work/banner"
            return 1
        fi
        rest
    done
    return 0
}

stop() {
    kill -TERM "$server"
    wait "$server"
    check "the server ends with 0" is $? 0
    server=
}

# Not among them, as each of these programs loses some whoever serves them: names with a '%' (wget), ";type=" and '~' at
# the beginning (lftp), a ':' in a folder's name (rclone).
make_site() {
    local name folder long
    long=$(printf 'n%.0s' {1..230}) # wget cuts names that are longer
    for name in plain.txt 'two  words' ' leading' 'trailing ' "quo'te" 'dou"ble' '#hash' 'a#b' '?query' 'a?b=c' 'semi;colon' \
        'last;' 'javascript:x' 'a:b' 'amp&lt;' '<b>' 'plus+' '(paren)' '[brack]' '{brace}' 'back\slash' 'at@x' -dash --help \
        'C=N;O=D' café 日本 $'bad\xff\xfe' $'new\nline' $'tab\there' "$long" a..b UPPER upper; do
        printf 'content of %s' "$name" >"$site/$name"
    done
    for folder in dir 'dir two' 'di;r?#' café.d -d $'bad\xff.d'; do
        mkdir -- "$site/$folder"
        printf 'inner of %s' "$folder" >"$site/$folder/in side.txt"
    done
    : >"$site/empty"
    head -c 1500000 /dev/zero >"$site/large.bin"
    touch -d '2015-10-21 07:28:00 UTC' "$site/large.bin"
}

by_lftp() {
    client lftp -c "open $url; ls; cls -l" >"$work/out"
    check "lftp reads size and time of a file" has "$work/out" '^-rw-r--r-- +1\.4M  2015-10-21 07:28  large\.bin$'
    check "lftp learns both for its own lists" has "$work/out" '^-rw-r--r-- +1500000 (Oct 21  2015|2015-10-21 07:28) large\.bin$'
    check "lftp reads the time of a folder" has "$work/out" '^drwxr-xr-x +-  20[0-9-]+ [0-9:]+  dir two$'
    client lftp -c "open $url; mirror . $work/copy"
    check "lftp copies all" same "$site" "$work/copy"
}

by_rclone() {
    client rclone size --http-url "$url" :http: >"$work/out"
    check "rclone counts all" has "$work/out" "^Total objects: $(find "$site" -type f -printf x | wc -c) "
    check "rclone sums all" has "$work/out" "\($(($(find "$site" -type f -printf '+%s'))) Byte\)"
    client rclone copy --http-url "$url" :http: "$work/copy"
    check "rclone copies all" same "$site" "$work/copy"
}

# wget follows links that sort, as it does Apache's; from where they lead it goes no further.
by_wget() {
    mkdir "$work/copy"
    client wget -q --mirror -nH --restrict-file-names=nocontrol -P "$work/copy" "$url"
    find "$work/copy" -name 'index.html*' -printf '%f\n' -delete | sort -u | paste -sd' ' >"$work/out"
    check "wget copies all" same "$site" "$work/copy"
    check "wget keeps one page of each order" is "$(cat "$work/out")" \
        'index.html index.html?C=M;O=D index.html?C=N;O=D index.html?C=S;O=D'
    rm -rf "$work/copy"
    client wget -q --mirror -nH --restrict-file-names=nocontrol --reject-regex='[?]C=' -P "$work/copy" "$url"
    find "$work/copy" -name 'index.html*' -printf '%f\n' -delete | sort -u >"$work/out"
    check "wget leaves them out when told so" is "$(cat "$work/out")" index.html
    check "wget copies all then, too" same "$site" "$work/copy"
}

make_site
for model; do
    check "the server starts" start || continue
    for program in lftp rclone wget; do
        rm -rf "$work/copy"
        by_$program
    done
    stop
done
echo "listing_clients: $checks checks, $failures failed"
[ $failures -eq 0 ]
