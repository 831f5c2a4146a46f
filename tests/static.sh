#!/bin/bash
# The static build: it needs nothing of the machine that it runs on, crypt(3) included, and answers like any other.
# Usage: tests/static.sh SOURCE-FOLDER CLI-TEST CONFORMANCE-TEST; exits 77 (skipped) where there is no musl-gcc.
set -u
source=${1:?} cli=${2:?} conformance=${3:?}
command -v musl-gcc >/dev/null || { echo 'skipped: no musl-gcc (Debian and Ubuntu: musl-tools)'; exit 77; }
work=$(mktemp -d)
chmod 755 "$work" # others run the program, too
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
failures=0
fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

env -u CC -u CFLAGS cmake -S "$source" -B "$work/build" -DHTTPD_STATIC=ON >"$work/log" 2>&1 &&
    cmake --build "$work/build" -j "$(nproc)" >>"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
httpd=$work/build/httpd
! grep -i warning "$work/log" || fail 'the build warns'
! readelf -lW "$httpd" | grep -E 'INTERP|DYNAMIC' || fail 'it is linked with something'

# In a root folder that has nothing else. The password is "sesame"; musl's own crypt(3) doesn't know yescrypt.
mkdir -p "$work/jail/site"
cp "$httpd" "$work/jail/httpd"
echo served >"$work/jail/site/index.html"
cat >"$work/jail/users" <<'USERS'
md5:$1$saltsalt$J3RStOYaRn/5Iz9DGbAnx1
sha256:$5$saltsalt$Arv3XkXcPR5LHLrzVCBdKV5hwRocYIyFvUvGa9tbc06
sha512:$6$saltsalt$g3uPFdehVnKoLXdidvSAg1zlVgYomPr0X/xgdXSBn2LuxZUOGgYW4IULZkguZ77fzYteIur49AGHmF9iek6Sf1
bcrypt:$2b$05$abcdefghijklmnopqrstuuKcS.CYWVYVaLiiCKrrc0A5s3mGesJ9O
USERS
if grep -q '^HTTPD_CRYPT_LIBRARY:' "$work/build/CMakeCache.txt"; then
    echo 'yescrypt:$y$j75$saltsalt$GDiWx.N0C37GPHdpSsqZd3WwYyf3ltvHTfCRdUo/yG5' >>"$work/jail/users"
fi
enter=(unshare -r)
[ "$(id -u)" != 0 ] || enter=(env)
if "${enter[@]}" chroot "$work/jail" /httpd --version >"$work/log" 2>&1; then
    mkfifo "$work/banner"
    "${enter[@]}" chroot "$work/jail" /httpd -l 127.0.0.1:0 -r /site --auth /users 2>"$work/banner" &
    server=$!
    url=$(timeout 10 sed -n '/http:/{s/ //gp;q}' "$work/banner")
    while IFS=: read -r user hash; do
        answer=$(curl -s -m 10 -u "$user:sesame" "$url")
        [ "$answer" = served ] || fail "$user with the right password is answered with '$answer'"
        status=$(curl -s -m 10 -o /dev/null -w '%{http_code}' -u "$user:open" "$url")
        [ "$status" = 401 ] || fail "$user with a wrong password is answered with $status"
    done <"$work/jail/users"
else
    sed 's/^/not tested in an empty root: /' "$work/log"
fi

"$cli" "$httpd" || fail 'the command line'
HTTPD=$httpd "$conformance" files thread epoll-et coroutine uring >"$work/log" 2>&1 || { cat "$work/log"; fail 'conformance'; }
echo "static: $failures failed"
[ "$failures" = 0 ]
