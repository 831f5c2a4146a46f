#!/bin/bash
# --config FILE: what a line may be, what wins, where paths start, and how mistakes are told.
# Usage: tests/config.sh path/to/httpd
set -u
httpd=$(realpath "${1:?usage: tests/config.sh path/to/httpd}")
. "$(dirname "$0")/support/checks.sh"
mkdir "$work/site" "$work/other" "$work/elsewhere"
echo hello >"$work/site/index.html"
echo other >"$work/other/index.html"
file=$work/site.conf

# serve LINES ARGUMENT...: starts with a file of these lines; what it listens at in $at
serve() {
    printf '%s\n' "$1" >"$file"
    shift
    start --config "$file" -l 127.0.0.1:0 "$@"
    await has "$work/banner" '^  http'
    at=$(sed -n 's|^  http://\(.*\)/$|\1|p' "$work/banner")
}

# get PATH: head and body of the reply
get() { curl -sS -m 10 -i "http://$at$1" | tr -d '\r'; }

# wrong PATTERN LINES ARGUMENT...: a mistake in the last of these lines
wrong() {
    local pattern=$1 lines=$2
    shift 2
    printf '%s' "$lines" >"$file"
    run --config "$file" "$@"
    check "[$lines] is a mistake, exit 2, in its last line: $pattern (exit $status)" \
        one_line 2 "$file:$(grep -c '' "$file"): $pattern"
}

# every form of a line, and a file that ends without a newline or in CRLF
serve $'# a site\n\n  \t\n\t# more\nroot site\nheader A: one two\n  header=B:=x  \n--header = C: "q" #h\nlist\n--spa\t\ncache-control =\nredirect /o/*=/n/*'
check 'blanks around, = or none, # in a value' is "$(get / | grep -E '^(A|B|C):')" $'A: one two\nB: =x\nC: "q" #h'
check 'an = with nothing behind is the empty value' is "$(get / | grep -ci '^cache-control')" 0
check 'a value may hold = and *' is "$(get /o/x | grep '^Location')" 'Location: /n/x'
check 'what takes no value needs none' is "$(get /any | tail -1)" hello
stop
serve $'root site\r\nspa index.html\r\nheader A: 1\r'
check 'lines may end in CRLF' is "$(get /any | grep -E '^A:|hello')" $'A: 1\nhello'
stop
serve $'\xef\xbb\xbfroot site\nspa'
check 'and a byte order mark before the first' is "$(get /any | tail -1)" hello
stop

# the command line wins, whether it comes before or behind, and over what it rules out
serve $'root nowhere\nheader A: file\nheader B: file\nlisten 192.0.2.1:1\nindex none' -r "$work/site" -H 'C: line' -i index.html
check 'a root of the command line, and its index' is "$(get / | tail -1)" hello
check 'its fields replace all of the file' is "$(get / | grep -E '^[ABC]:')" 'C: line'
stop
serve $'root site\nport 1'
check '-l replaces a port' is "$(get / | tail -1)" hello
stop
printf 'root site\nlisten 192.0.2.1:1\n' >"$file"
start -p 0 --config "$file"
check '-p replaces a listen' await has "$work/banner" '^  http://127\.0\.0\.1:'
stop
printf 'listen :0\nroot site\nport 0\n' >"$file"
run --config "$file"
check 'in one file they rule each other out' one_line 2 "$file:3: --port 0: not together with --listen :0$"
wrong '--port x: not a port' $'root site\nport x' -p 0

# relative paths start at the file's folder, those of the command line where httpd was started, both for good
printf 'application/x-a a\n' >"$work/types"
echo a >"$work/site/f.a"
printf 'root ./site\nmime-types types\nlisten unix:sock,mode=600\n' >"$file"
(cd "$work/elsewhere" && exec "$httpd" --config ../site.conf) >"$work/banner" 2>&1 </dev/null &
server=$!
check 'a unix socket lies beside the file' await test -S "$work/sock"
check 'with its mode' is "$(stat -c %a "$work/sock")" 600
check 'so do root and types' is \
    "$(curl -sS -m 10 --unix-socket "$work/sock" -o /dev/null -w '%{content_type}' http://x/f.a)" application/x-a
stop
check 'and is removed from there' test ! -e "$work/sock"
mkdir "$work/long"
printf 'root %s\nlisten unix:%s\n' "$work/site" "$(printf '%099d' 0)" >"$work/long/site.conf"
run --config "$work/long/site.conf"
check 'a socket whose path gets too long is refused' one_line 2 "$work/long/site.conf:2: --listen .*: too long from $work/long on"
mkdir "$work/made" && echo first >"$work/made/index.html"
(cd "$work/made" && exec "$httpd" -l 127.0.0.1:0) >"$work/banner" 2>&1 </dev/null &
server=$!
await has "$work/banner" '^  http'
at=$(sed -n 's|^  http://\(.*\)/$|\1|p' "$work/banner")
check 'the folder that it was started in is served' is "$(get / | tail -1)" first
rm -r "$work/made" && mkdir "$work/made" && echo second >"$work/made/index.html"
second() { [ "$(get / | tail -1)" = second ]; }
check 'and what takes its place' await second
stop

# mistakes
wrong '--port x: not a port number \(0 to 65535\)$' $'# one\n\nport x'
wrong $'--\xef\xbb\xbflist: no such option' $'root site\n\xef\xbb\xbflist' # one elsewhere is a name's
wrong '--prot: no such option \(httpd --help lists them\)$' 'prot 80'
wrong '--por: no such option' 'por 80'
wrong '--: no such option' '= 80'
wrong '---p: no such option' '-p 80' # no letters
wrong '--port: needs a port number \(0 to 65535\)$' 'port'
wrong "--root '': not a folder" 'root ='
wrong '--list yes: --list takes no value$' 'list yes'
wrong "--list : --list takes no value$" 'list ='
wrong '--root "/srv/my site": leave out the quotes: a value goes to the end of its line$' 'root "/srv/my site"'
wrong "--header 'A: b': leave out the quotes" "header 'A: b'"
wrong '--header A\?: not a field' $'header A\x01'
wrong '--index c9: one too many' "$(printf 'index c%d\n' 1 2 3 4 5 6 7 8 9)"
for name in config help version; do
    wrong "--$name: on the command line alone$" "$name"
    wrong "--$name: on the command line alone$" "$name x"
done
for what in none:'No such file or directory' site:'Is a directory'; do
    run --config "$work/${what%%:*}"
    check "a config that is ${what%%:*}: exit 1 (exit $status)" one_line 1 "--config $work/${what%%:*}: ${what#*:}$"
done
printf 'port 0\n\0list\n' >"$file"
run --config "$file"
check 'a NUL in it: exit 1' one_line 1 "--config $file: holds a NUL$"
head -c 1048577 /dev/zero | tr '\0' '#' >"$file"
run --config "$file"
check 'more than 1 MiB: exit 1' one_line 1 "--config $file: over 1 MiB$"
mistake '--config: needs a file$' --config
printf 'bogus\n' >"$file"
mistake '--port x: not a port' --config "$file" --port x

finish
