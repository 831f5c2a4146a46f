#!/bin/bash
# Debian's package: what lintian and systemd think of it; and, for root, how it is installed, upgraded, removed and
# purged on a copy of this machine (copy.sh): once without systemd, as in a container, and once with.
# Usage: tests/package/package.sh SOURCE-FOLDER; exits 77 where there is no dpkg.
set -u
source=$(readlink -f "${1:?}")
command -v dpkg-shlibdeps >/dev/null || { echo 'skipped: no dpkg-shlibdeps (Debian and Ubuntu: dpkg-dev)'; exit 77; }
here=$(readlink -f "$(dirname "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

env -u CFLAGS cmake -S "$source" -B "$work/build" -DCMAKE_INSTALL_PREFIX=/usr -DBUILD_TESTING=OFF >"$work/log" 2>&1 &&
    cmake --build "$work/build" -j "$(nproc)" >>"$work/log" 2>&1 &&
    (cd "$work/build" && umask 077 && cpack >>"$work/log" 2>&1) || { cat "$work/log"; exit 1; }
deb=$(echo "$work"/build/httpd_*.deb)
dpkg-deb -x "$deb" "$work/files"
version=$("$work/files/usr/bin/httpd" --version)
[ "$(dpkg-deb -f "$deb" Version)" = "${version#httpd }" ] || fail "the package's version is not that of '$version'"

if command -v lintian >/dev/null; then
    lintian --allow-root --fail-on error,warning "$deb" >"$work/log" 2>&1 || { cat "$work/log"; fail lintian; }
else
    echo 'not asked: lintian'
fi

# The units, as they are but for the program's place. Exposure is from 0 (none) to 10; serving takes 0.4.
units=$work/files/usr/lib/systemd/system
if command -v systemd-analyze >/dev/null; then
    mkdir "$work/units"
    cp "$units"/httpd.* "$work/units"
    sed -i "s|^ExecStart=|&$work/files|" "$work/units/httpd.service"
    systemd-analyze verify --man=no "$work"/units/httpd.{service,socket} >"$work/log" 2>&1 || fail 'systemd-analyze verify'
    ! grep httpd "$work/log" || fail 'systemd-analyze verify complains'
    systemd-analyze security --offline=true --threshold=10 "$units/httpd.service" >"$work/log" 2>&1 ||
        { cat "$work/log"; fail 'systemd-analyze security: more than 1.0'; }
else
    echo 'not asked: systemd-analyze'
fi

# Another version of it, for the upgrade.
dpkg-deb -R "$deb" "$work/next"
sed -i 's/^Version: .*/&+next/' "$work/next/DEBIAN/control"
dpkg-deb --root-owner-group -b "$work/next" "$work/next.deb" >/dev/null
cp "$deb" "$work/first.deb"
cp "$here"/*.sh "$work"

if ! "$work/copy.sh" "$work" none true >"$work/log" 2>&1; then
    echo "not installed: no copy of this machine can be made: $(tail -n 1 "$work/log")"
else
    "$work/copy.sh" "$work" none /mnt/life.sh || fail 'without systemd'
    if [ -x /lib/systemd/systemd ]; then
        "$work/copy.sh" "$work" systemd /mnt/service.sh || fail 'with systemd'
    else
        echo 'not started by systemd: it is not here'
    fi
fi

echo "package: $failures failed"
[ "$failures" = 0 ]
