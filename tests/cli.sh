#!/bin/bash
# The command line: help, mistakes, what is accepted, and how a start and a failed start look.
# Usage: tests/cli.sh path/to/httpd
set -u
httpd=${1:?usage: tests/cli.sh path/to/httpd}
. "$(dirname "$0")/support/checks.sh"
mkdir "$work/site" && echo hello >"$work/site/index.html"

# help and version
run --help
cp "$work/out" "$work/help"
check '--help exits 0' is "$status" 0
check '--help leaves stderr alone' empty "$work/err"
check '--help has no line above 100 columns' is "$(awk 'length > 100' "$work/help")" ''
check '--help fits two screens' test "$(lines_in "$work/help")" -le 100
for word in '-r, --root DIR .*default \.' '-i, --index NAME .*default index\.html' ' --list ' ' --not-found FILE' \
    ' --spa\[=FILE\]' ' --clean-urls' ' --cache-control VALUE .*default no-cache' '-H, --header ' ' --cors' \
    ' --isolate' ' --mime-types FILE' ' --dotfiles' ' --symlinks WHICH .*default inside' ' --vhosts' \
    ' --redirect FROM=TO' ' --auth FILE' '-p, --port N .*default 7890' \
    '-l, --listen ADDR' '-m, --model NAME .*default epoll' '-w, --workers .*default 1' \
    ' --max-connections N .*default 10000' ' --max-per-ip N .*default 0' ' --header-timeout SECONDS .*default 10' \
    ' --idle-timeout SECONDS .*default 60' ' --send-timeout SECONDS .*default 60' ' --min-rate BYTES .*default 500' \
    ' --max-header BYTES .*default 16k' ' --daemon' ' --pid-file FILE' ' --max-requests N .*default 0' '-q, --quiet' \
    '-v, --verbose' '-h, --help' ' --config FILE' ' --check ' '-V, --version' '^ +epoll +the same as epoll-et'; do
    check "--help has: $word" has "$work/help" "$word"
done
run -h
check '-h is --help' cmp -s "$work/out" "$work/help"
for word in --version -V; do
    run $word
    check "$word exits 0" is "$status" 0
    check "$word is one line" is "$(cat "$work/out")" 'httpd 1.0.0'
    check "$word leaves stderr alone" empty "$work/err"
done
if [ -w /dev/full ]; then
    "$httpd" --help >/dev/full 2>/dev/null
    check '--help that cannot be written fails' test $? -ne 0
fi

# models: those that a mistake names are those that are accepted and explained
run -m no-such-model
models=$(sed -n 's/^httpd: -m no-such-model: no such model (\(.*\))$/\1/p' "$work/err" | tr -d ,)
check 'a wrong model is a mistake that lists them' one_line 2 '-m no-such-model: no such model \(.+\)$'
for model in blocking fork thread nonblocking select poll epoll-lt epoll-et epoll; do
    check "$model is among the models" has <(echo " $models ") " $model "
done
for model in $models; do
    accepted -m "$model"
    check "$model has a line in --help" has "$work/help" "^ +$model +[^ ]"
done

# accepted
accepted -p 0
accepted -p65535
accepted --port=80 --root=/nowhere
accepted -r "$work/site" -i a.html -i b.html -qv
accepted --listen 127.0.0.1:80 -l '[::1]:80' -l :0 -l localhost:8080 -l unix:/tmp/x
accepted -l fd:web -l 'fd:a name' --daemon --pid-file x
accepted -l unix:/tmp/x,mode=660 -l unix:x,mode=0600 -l unix:/tmp/a,b
accepted -w auto
accepted -w 256
accepted --max-connections 1 --max-per-ip 0 --max-requests 0
accepted --header-timeout 0.05 --idle-timeout 86400 --send-timeout .5
accepted --min-rate 0 --max-header 512
accepted --min-rate 2k --max-header 64K
accepted --idle 5
accepted --trust 10.0.0.0/8 --trust 2001:db8::/32 --trust 192.0.2.1 --trust ::1 --trust unix --proxy-protocol
accepted --trust-field forwarded --trust-field x-forwarded-for
accepted --health /up --drain-delay 0 --drain-delay 0.5 --drain-delay 86400
networks=()
for number in $(seq 32); do networks+=(--trust "192.0.2.$number"); done
accepted "${networks[@]}"
accepted --list --clean-urls --dotfiles --vhosts --cors --isolate
accepted --not-found 404.html --spa
accepted --not-found /errors/404.html --spa=/app/index.html
accepted --spa=app/...html --not-found a/..b
accepted --cache-control 'public, max-age=31536000, immutable'
accepted --cache-control ''
accepted --cache-control "$(printf '%0255d' 0)"
accepted --symlinks inside --symlinks all --symlinks none
accepted -H 'X-Frame-Options: DENY' -H 'A:' -H 'A: b:c=d' --header $'T:\t tab\tand \xc3\xa9 '
accepted --cors --isolate -H 'Access-Control-Allow-Origin: https://example.com'
accepted --cors=https://app.example --cors=http://localhost:3000 '--cors=http://[::1]:8080' --cors=capacitor://localhost
accepted --default-type text/plain --default-type 'text/plain; charset=iso-8859-1'
accepted -H "A: $(printf '%02043d' 0)"
accepted --redirect /a=/b --redirect '/old/*=/new/*' --redirect '/blog*=/' --redirect '/*=https://example.com/*'
accepted --redirect '/a=https://example.com' --redirect '/x y=http://[::1]:80/?q=a%20b#c' --redirect $'/caf\xc3\xa9=/c'
accepted --redirect /docs=/docs/ --redirect '/a/*=/b/*' --redirect '/b/*=http://localhost/b/*' --redirect '/A=/a'
accepted --redirect /gone=/moved --redirect '/moved=https://example.com/' --redirect '/*=/moved' # the rule before ends it
accepted --redirect '/100%=/a' --redirect '/%zz=/a' --redirect '/s=/a=b' --redirect '/star=/a*b' --redirect '/all*=https://example.com'
many=()
for number in $(seq 64); do many+=(--redirect "/$number=/"); done
accepted "${many[@]}"

# mistakes name the option as it was spelt, the value and what is allowed
port='not a port number \(0 to 65535\)$'
for value in 65536 99999 -1 +1 ' 1' '1 ' 1x 0x10 1e3 1.5 nan 99999999999999999999; do
    mistake "--port ${value//+/\\+}: $port" --port "$value"
done
mistake "-p x: $port" -p x
mistake "--port '': $port" --port=
mistake "--port x: $port" --por x
mistake "-p a\\?b: $port" -p $'a\nb'
mistake '-p: needs a port number \(0 to 65535\)$' -p
mistake '--listen: needs an address \(.*unix:PATH\[,mode=666\] or fd:NAME\)$' --listen
mistake '-m: needs a model \(.*epoll.*\)$' -m
mistake "-m '': no such model \\(" -m ''
mistake '-m EPOLL: no such model \(' -m EPOLL
mistake "-r '': not a folder" -r ''
for value in '' fd: fd:a:b 80 ::1:80 127.0.0.1 127.0.0.1:65536 '[::1]' '[x]:1' unix: a/b:1 unix:,mode=660 unix:/x,mode= \
    unix:/x,mode=66 unix:/x,mode=888 unix:/x,mode=66600 unix:/x,mode=-66 unix:/x,mode=660,mode=660; do
    mistake '-l .*: not an address \(HOST:PORT, \[V6\]:PORT, :PORT, unix:PATH\[,mode=666\] or fd:NAME\)$' -l "$value"
done
for value in '' a/b . ..; do
    mistake "--index .*: not a file name \\(without '/'\\)$" --index "$value"
done
for value in 0 257 Auto -1 1.5; do
    mistake "-w $value: not a number of workers \\(1 to 256 or auto\\)$" -w "$value"
done
for value in 0 1000001 x; do
    mistake "--max-connections $value: not a number of connections \\(1 to 1000000\\)$" --max-connections "$value"
done
for option in --header-timeout --idle-timeout --send-timeout; do
    for value in 0 0.04 86401 1s -5 1.2.3 . inf; do
        mistake "$option .*: not a time in seconds \\(0\\.05 to 86400\\)$" $option "$value"
    done
done
for value in 511 65k 65537 k 1kk 16q; do
    mistake "--max-header $value: not a size in bytes \\(512 to 64k\\)$" --max-header "$value"
done
mistake '--port 80: not together with --listen :0$' -l :0 -p 80
mistake '--port 0: not together with --listen unix:/x$' --port 0 --listen unix:/x
network='not a network \(such as 10\.0\.0\.0/8, 2001:db8::/32, 192\.0\.2\.1 or unix\)$'
for value in '' 10.0.0.0/33 10.0.0/8 '[::1]' ::1/129 192.0.2.1:80 localhost unix: 10.0.0.0/ '10.0.0.0/8 ' 10.0.0.0/8,::1; do
    mistake "--trust .*: $network" --trust "$value"
done
mistake '--trust 192\.0\.2\.33: one too many \(at most 32\)$' "${networks[@]}" --trust 192.0.2.33
mistake '--trust-field x-real-ip: not one of them \(x-forwarded-for, forwarded\)$' --trust-field x-real-ip
mistake '--proxy-protocol: needs --trust CIDR, the addresses of the balancers that send it$' --proxy-protocol
for value in '' up '/a b' '/up?q' '/up#a' $'/\xc3\xa9'; do
    mistake "--health .*: not a path \\('/' first, printable ASCII, no query\\)$" --health "$value"
done
mistake '--drain-delay -1: not a time in seconds \(0 to 86400\)$' --drain-delay -1
mistake '--min-rate -1: not a rate in bytes a second \(0 to 1g\)$' --min-rate -1
mistake '--bogus=3: no such option \(.*--help' --bogus=3
mistake '-Z: no such option \(.*--help' -qZ
mistake '--quiet=5: --quiet takes no value$' --quiet=5
mistake '--max-: which option\? \(--max-connections, --max-per-ip, --max-header, --max-requests' --max-
path="not a file's path beneath the root \\(no '\\.' or '\\.\\.' in it\\)$"
for value in '' / a/ .. ../a a/../b a/.. /../a ./a a//.. ...//..; do
    mistake "--not-found .*: $path" --not-found "$value"
    mistake "--spa .*: $path" --spa="$value"
done
mistake "--not-found: needs a file's path" --not-found
mistake "app.html: not an option \\(to give it to --spa: --spa=app\\.html\\)$" --spa app.html
field="not a field value \\(at most 255 bytes, no control bytes, no space at either end\\)$"
for value in $'a\nb' $'a\rb' $'a\x01' $'a\x7f' ' a' 'a ' $'a\t'; do
    mistake "--cache-control .*: $field" --cache-control "$value"
done
mistake '--cache-control 0+: not a field value' --cache-control "$(printf '%0256d' 0)"
field="not a field \\('Name: value', no control bytes\\)$"
for value in '' A : ': b' 'A : b' ' A: b' 'A b: c' 'A(: b' $'A: b\nC: d' $'A: b\r' $'A\n: b' $'A: \x01' \
    $'\xc3\xa9: b'; do
    mistake "-H .*: $field" -H "$value"
done
for value in Content-Length content-type DATE Connection Transfer-Encoding Content-Range Content-Encoding ETag \
    Last-Modified Accept-Ranges Vary Allow Location Cache-Control WWW-Authenticate Keep-Alive Upgrade Trailer; do
    mistake "--header $value: 5: httpd sets [A-Za-z-]+ itself" --header "$value: 5"
done
mistake '-H cache-control: no-store: httpd sets Cache-Control itself: use --cache-control$' -H 'cache-control: no-store'
mistake '-H A: 0+: one too many \(at most 2048 bytes of fields\)$' -H "A: $(printf '%02044d' 0)"
mistake '-H B: 1: one too many' -H "A: $(printf '%02040d' 0)" -H 'B: 1'
mistake '-H, --cors and --isolate: too much \(at most 2048 bytes of fields\)$' --cors -H "A: $(printf '%01900d' 0)"
origin='not an origin \(SCHEME://HOST\[:PORT\] in lower case, as browsers send it: no path, no default port\)$'
for value in '' '*' null example.com https:// https://a/ https://a/b https://A HTTPS://a 'https://a b' https://a:443 \
    http://a:80 https://a: https://a:65536 https://u@a 'https://*.a' "https://$(printf '%0280d' 0)"; do
    mistake "--cors .*: $origin" --cors="$value"
done
mistake '--cors .*: either every origin \(--cors\) or those that are named \(--cors=ORIGIN\)$' --cors=https://a --cors
mistake '--cors https://a: either every origin' --cors --cors=https://a
many_origins=()
for number in $(seq 16); do many_origins+=(--cors="https://$number.example"); done
mistake '--cors https://a: one too many \(at most 16\)$' "${many_origins[@]}" --cors=https://a
mistake '-H Access-Control-Allow-\.\.\.: --cors=ORIGIN says which origins, and credentials$' \
    -H 'Access-Control-Allow-Origin: https://b' --cors=https://a
for value in '' text /plain text/ 'text/plain ' 'a b/c' $'text/plain\r\nX: y' "text/$(printf '%0123d' 0)"; do
    mistake '--default-type .*: not a media type \(TYPE/SUBTYPE, at most 127 bytes\)$' --default-type "$value"
done
for value in '' Inside no inside,all; do
    mistake '--symlinks .*: not one of them \(inside, all, none\)$' --symlinks "$value"
done
for value in '' /a; do
    mistake '--redirect .*: not a redirect \(FROM=TO, for example /old/\*=/new/\*\)$' --redirect "$value"
done
for value in =/b a=/b '*=/b' http://x/=/b; do
    mistake "--redirect .*: FROM must begin with '/'$" --redirect "$value"
done
for value in '/a/*/b=/c' '/a**=/c' '/a?b=/c' '/a#b=/c'; do
    mistake "--redirect .*: FROM is a path" --redirect "$value"
done
mistake '--redirect .*: FROM is a path as it is once decoded' --redirect '/a%20b=/c'
mistake '--redirect .*: FROM is a path as it is once decoded' --redirect '/caf%C3%A9/*=/c/*'
for value in /a= /a=b /a=//evil '/a=/\evil' /a=ftp://x/ /a=http:// /a=https:///x /a=javascript:1 /a=HTTP://x '/a*=*'; do
    mistake "--redirect .*: TO must be a path that begins with one '/', or an http:// or https:// URL$" \
        --redirect "$value"
done
for value in '/a=/b c' $'/a=/b\r\nSet-Cookie: x' $'/a=/\x01' $'/a=/caf\xc3\xa9' $'/a=http://x/\x7f'; do
    mistake '--redirect .*: TO must be printable ASCII without spaces' --redirect "$value"
done
mistake "--redirect .*: '\\*' at the end of TO needs one at the end of FROM$" --redirect '/a=/b*'
mistake "--redirect .*: TO needs a '/' between the host and '\\*'$" --redirect '/a*=https://example.com*'
mistake "--redirect .*: FROM needs a '/' before '\\*'" --redirect '/old*=/*'
for value in /a=/a '/*=/*' '/a/*=/a/*' '/*=/new/*' '/*=/' '/docs/*=/docs/index.html' '/a=/%61' /a=/b/../a '/a=/a?x' '/a=/a#x'; do
    mistake '--redirect .*: FROM matches TO as well: clients would be redirected for ever$' --redirect "$value"
done
mistake '--redirect /65=/: one too many \(at most 64\)$' "${many[@]}" --redirect /65=/
mistake "--auth '': not a file$" --auth ''
mistake '--error-log -: not a file \(stderr without it\)$' --error-log -
mistake '--list=yes: --list takes no value$' --list=yes
mistake './html: not an option \(to serve it: -r ./html\)$' ./html
mistake './html: not an option \(to serve it: -r ./html\)$' -q -- ./html
mistake 'a: not an option.*--help' a b
mistake '-i j: one too many \(at most 8\)$' -i a -i b -i c -i d -i e -i f -i g -i h -i j
mistake '-p 1{200,}: not a port number' -p "$(printf '%05000d' 0 | tr 0 1)"

# a start, and starts that fail
site=$work/site
start -p 0 -r "$site"
check 'a start prints the URL with the port that the kernel chose' \
    await has "$work/banner" '^  http://127\.0\.0\.1:[1-9][0-9]*/$'
number=$(sed -n 's|^  http://127\.0\.0\.1:\([0-9]*\)/$|\1|p' "$work/banner")
if [ -n "$number" ]; then
    check 'that URL answers' bash -c ": <>/dev/tcp/127.0.0.1/$number" 2>/dev/null
    name=$(cat "/proc/$server/comm")
    run -p "$number" -r "$site"
    check "a port in use: exit 1, one line names the holder (exit $status)" \
        one_line 1 "port $number is in use by $name \\(pid $server\\): stop it, or choose another port: $httpd -r $site -p [0-9]+$"
    other=$(sed -n 's/.* -p //p' "$work/err")
    check "the port that it offers is free ($other)" \
        bash -c "[ $other -gt $number ] && ! : <>/dev/tcp/127.0.0.1/$other" 2>/dev/null
    run -l "127.0.0.1:$number" -r "$site"
    check "so with -l (exit $status)" one_line 1 "127.0.0.1:$number is in use by $name \\(pid $server\\): "
fi
stop
check "SIGTERM ends it with 0 ($status)" is "$status" 0

start -p 0 -r "$site" -w 4 --max-connections 2
check 'no more workers than connections' await has "$work/banner" ', 2 workers$'
stop
start -p 0 -r "$site" -m blocking
check 'no more connections than the model takes' await has "$work/banner" ', at most 1 connection \(all that the model takes\)$'
stop

# with -q, stdout has the URL whose port nobody else can know, and nothing else is said
for address in '-p 0' '-l :0' '-l 127.0.0.1:0'; do
    # shellcheck disable=SC2086 # two words
    start -q $address -r "$site"
    check "-q $address tells the port" await has "$work/banner" '^http://127\.0\.0\.1:[1-9][0-9]*/$'
    number=$(sed -n 's|^http://127\.0\.0\.1:\([0-9]*\)/$|\1|p' "$work/banner")
    check "-q $address says no more" is "$(lines_in "$work/banner")" 1
    check "-q $address: that port answers" bash -c ": <>/dev/tcp/127.0.0.1/$number" 2>/dev/null
    stop
done

# unix sockets: their mode, and whose they are
(umask 077 && exec "$httpd" -l "unix:$work/socket" -l "unix:$work/closed,mode=640" -l 127.0.0.1:0 -r "$site") \
    >"$work/banner" 2>&1 </dev/null &
server=$!
check 'a unix socket is listened at' await test -S "$work/socket"
check 'and printed' await has "$work/banner" "^  unix:$work/socket$"
check 'everybody may connect to it' is "$(stat -c %a "$work/socket")" 666
check 'or whom its mode allows' is "$(stat -c %a "$work/closed")" 640
run -l "unix:$work/socket" -r "$site"
check "while it is listened at, nobody else may (exit $status)" one_line 1 "unix:$work/socket is in use by a server: "
rm "$work/closed" && echo mine >"$work/closed"
stop
check 'its path is gone afterwards' test ! -e "$work/socket"
check 'but not what another has put there' has "$work/closed" mine
run -l fd:web -r "$site"
check "a socket that nobody hands over (exit $status)" one_line 1 '-l fd:web: no socket of that name was handed over: '
run -l "unix:$work/closed" -r "$site"
check "a file is not replaced (exit $status)" one_line 1 "unix:$work/closed exists and is not a socket"

# standard streams that are closed are not given to sockets
"$httpd" -l "unix:$work/socket" -r "$site" <&- >&- 2>&- &
server=$!
check 'without standard streams it starts' await test -S "$work/socket"
for stream in 0 1 2; do
    check "stream $stream is /dev/null" is "$(readlink "/proc/$server/fd/$stream")" /dev/null
done
stop

# address space; sanitizers need more than there is
if (ulimit -v 100000 && "$httpd" --version) >"$work/out" 2>&1; then
    (ulimit -v 100000 && run -p 0 -r "$site"; exit "$status")
    status=$?
    check "too little address space: exit 1, and so it says (exit $status)" one_line 1 'no address space for .*ulimit -v'
fi

# descriptors
for model in $models; do
    (ulimit -n 8 && run -p 0 -r "$site" -m "$model"; exit "$status")
    status=$?
    check "$model with 8 descriptors: exit 1 (exit $status)" \
        one_line 1 '8 descriptors are too few: raise the limit \(ulimit -n\) to at least [0-9]+$'
done
(ulimit -n 100 && run -p 0 -r "$site" -w 40; exit "$status")
status=$?
check "too few for so many workers (exit $status)" one_line 1 '100 descriptors are too few: .*, or lower --workers$'
least=$(sed -n 's/.* to at least \([0-9]*\),.*/\1/p' "$work/err")
(ulimit -n "${least:-0}" && exec "$httpd" -p 0 -r "$site" -w 40) >"$work/banner" 2>&1 </dev/null &
server=$!
check "what is asked for is enough (${least:-none})" await has "$work/banner" ', 40 workers, at most 40 connections \(.*ulimit -n'
check 'and it serves' await has "$work/banner" '^  http://127\.0\.0\.1:'
stop

# a root that is none: what to do, with the command
run -p 0 -r "$work/nowhere"
check "a missing root: exit 1, one line (exit $status)" one_line 1 \
    "--root $work/nowhere: there is no such folder: make it, or serve the one you are in: $httpd -p 0 -r \\.$"
run -p 0 -r "$site/index.html"
check "a file as root: exit 1, one line (exit $status)" one_line 1 \
    "--root $site/index\\.html is a file: serve its folder: $httpd -p 0 -r $site$"
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    mkdir -m 700 "$work/closed-folder" && chmod 711 "$work"
    mkdir "$work/closed-folder/site" && echo hello >"$work/closed-folder/site/index.html"
    run -l 127.0.0.1:0 -r "$work/closed-folder/site" --user nobody
    check "a root that --user may not see (exit $status)" one_line 1 \
        "--root $work/closed-folder/site: Permission denied: see which folder keeps you out: namei -l '$work/closed-folder/site'$"
    start -l 127.0.0.1:0 -r "$work/closed-folder" --user nobody
    check 'a root that --user may not enter' await has "$work/banner" \
        "^httpd: $work/closed-folder/index.html: Permission denied, so / is refused: .*: namei -l '$work/closed-folder'$"
    stop
    printf 'root %s\nlisten 127.0.0.1:0\n' "$site" >"$work/closed-folder/site/conf"
    start --config "$work/closed-folder/site/conf" --user nobody
    check 'a --config that --user may not see is read all the same' await has "$work/banner" '^  http'
    stop
    start -l 127.0.0.1:0 -r "$site"
    await has "$work/banner" '^  http'
    check 'root is told of --user' has "$work/banner" '^httpd: running as root: --user NAME '
    stop
    nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
    if nobody "$httpd" --version >/dev/null 2>&1; then
        nobody timeout 10 "$httpd" -p 0 -r "$work/closed-folder/x" >"$work/out" 2>"$work/err"
        status=$?
        check "a root that may not be seen (exit $status)" one_line 1 \
            "--root $work/closed-folder/x: Permission denied: see which folder keeps you out: namei -l '$work/closed-folder/x'$"
    fi
    if [ "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" -gt 81 ] && nobody "$httpd" --version >/dev/null 2>&1; then
        nobody timeout 10 "$httpd" -p 81 -r "$site" >"$work/out" 2>"$work/err"
        status=$?
        check "a port that needs a right (exit $status)" one_line 1 \
            "port 81: ports below 1024 need .* \\(sudo setcap [^ ]+ [^ ]+\\): allow it, or choose another port: .* -r $site -p 8081$"
    fi
fi

# a folder without an index file is served, and that is said, once and with the command that lists it
mkdir "$work/empty"
start -p 0 -r "$work/empty"
check 'no index file is said' await has "$work/banner" \
    "^httpd: there is no index\\.html in $work/empty, so / is refused; to list what there is: $httpd -p 0 -r $work/empty --list$"
stop
for option in --list --spa -q --index=a; do
    touch "$work/empty/a"
    start -p 0 -r "$work/empty" $option
    check "with $option it is served" await has "$work/banner" '^ *http://127\.0\.0\.1:'
    stop
    check "and nothing is said of an index" is "$(grep -c 'there is no' "$work/banner")" 0
done

# links on a terminal that has them, and nowhere else
if command -v script >/dev/null; then
    links() { # ENVIRONMENT...: how many links the banner has on a terminal
        env -u COLORTERM "$@" script -qec "timeout 1 '$httpd' -l 127.0.0.1:0 -r '$site'" /dev/null </dev/null |
            grep -cP '\x1b\]8;;(http://127\.0\.0\.1:[0-9]+/)\x1b\\\1\x1b\]8;;\x1b\\'
    }
    check 'a terminal gets links' is "$(links TERM=xterm-256color)" 1
    check 'a dumb one none' is "$(links TERM=dumb)" 0
    check 'nor a console' is "$(links TERM=linux)" 0
    unlucky=$(dirname "$httpd")/tests/libunlucky.so # which builds with sanitizers lack
    if [ -f "$unlucky" ]; then
        check 'nor does the C library matter' \
            is "$(links TERM=xterm-256color LD_PRELOAD="$unlucky" UNLUCKY=terminal)" 1
    fi
fi

# --check: everything but serving
run --check -p 81 -r "$site" -H 'A: b' --spa
check "--check exits 0 ($status)" is "$status" 0
check 'it leaves stderr alone' empty "$work/err"
for line in "root $site +command line" 'port 81 +command line' 'header A: b +command line' 'spa +command line' \
    'model epoll +default'; do
    check "it says: $line" has "$work/out" "^  $line$"
done
check 'and what would be served' has "$work/out" "^Would serve $site with epoll-et, 1 worker, at:$"
check 'and where' has "$work/out" '^  http://127\.0\.0\.1:81/$'
run --check -l :82 -l "unix:$work/s" -l localhost:83 -r "$site"
check 'at each address' is "$(grep -cE "^  (http://127\.0\.0\.1:82/|unix:$work/s|http://localhost:83/)$" "$work/out")" 3
check 'the preset of --port is none of the options that hold' is "$(grep -c '^  port ' "$work/out")" 0
check 'and opens none of them' test ! -e "$work/s"
run --check -r "$work/nowhere"
check "its root has to be there (exit $status)" one_line 1 "--root $work/nowhere: "
run --check -r "$site" --auth "$work/nowhere"
check "and its files (exit $status)" one_line 1 "--auth $work/nowhere: "
printf 'index a\nport x\n' >"$work/site.conf"
mistake "$work/site.conf:2: --port x: not a port" --check --config "$work/site.conf"
printf 'root site\nindex a\nlisten :84\n' >"$work/site.conf"
run --check --config "$work/site.conf" -i index.html
check 'what the file says is told with its line' has "$work/out" "^  root $work/site +$work/site.conf:1$"
check 'and what it says in vain is not' is "$(grep '^  index' "$work/out" | tr -s ' ')" ' index index.html command line'
printf 'check\n' >"$work/site.conf"
mistake "$work/site.conf:1: --check: on the command line alone" --config "$work/site.conf"

# files that are read at the start; a mistake comes before what is wrong with one
printf 'text/x-one one\n' >"$work/types"
printf '# who may read\nann:%s\n' \
    '$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5hVO1' >"$work/users"
start -p 0 -r "$site" --mime-types "$work/types" --auth "$work/users"
check 'with types and users it starts' await has "$work/banner" '^  http://127\.0\.0\.1:[1-9][0-9]*/$'
stop
for option in --mime-types --auth; do
    run $option "$work/none"
    check "a missing $option: exit 1 (exit $status)" one_line 1 "$option $work/none: No such file or directory$"
    run $option "$site"
    check "a folder as $option: exit 1 (exit $status)" one_line 1 "$option $site: Is a directory$"
done
run -p 0 -r "$site" --trace "$work/nothing"
check "a FIFO that nobody reads as --trace: exit 1 (exit $status)" one_line 1 "--trace $work/nothing: No such device or address$"
start -l 127.0.0.1:0 -r "$site" --error-log /dev/stderr
await has "$work/banner" '^  http'
kill -HUP "$server"
check 'a reload' await has "$work/banner" ' reloaded: '
check 'has nothing to say of an error log that is still there' is "$(grep -c 'opened again' "$work/banner")" 0
stop
run --mime-types "$site/index.html"
check "no types: exit 1 (exit $status)" one_line 1 "--mime-types $site/index.html: no line is a type"
for line in nonsense ann: ann:secret 'ann:$apr1$salt$wpvDQ/6DBgbUvQcGNQVbd/' 'ann:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ='; do
    printf '# users\n%s\n' "$line" >"$work/bad"
    run --auth "$work/bad"
    check "a user's line '$line': exit 1 (exit $status)" one_line 1 "--auth $work/bad, line 2: "
done
check 'which says how to make a hash' has "$work/err" 'mkpasswd or htpasswd -B$'
: >"$work/bad"
run --auth "$work/bad"
check "no users: exit 1 (exit $status)" one_line 1 "--auth $work/bad: holds no user"
mistake '--no-such: no such option' --auth "$work/none" --no-such

finish
