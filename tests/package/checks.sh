# What life.sh and service.sh share. They run on a copy of the machine, as its root.
failures=0
page=http://127.0.0.1:${PORT:-80}/

check() { # WHAT COMMAND...
    local what=$1
    shift
    "$@" >/tmp/log 2>&1 && return
    sed 's/^/    /' /tmp/log
    echo "FAILED: $what"
    failures=$((failures + 1))
}

get() { curl -sS -f -m 10 --retry 40 --retry-delay 0 --retry-connrefused --retry-max-time 10 "$@"; }
shows() { get "${2:-$page}" | grep -q "$1"; } # TEXT [URL]

until_true() { # COMMAND LINE: 10 s at most
    for _ in $(seq 200); do
        eval "$1" && return
        sleep 0.05
    done
    return 1
}

# A machine that never had it.
! dpkg -s httpd >/dev/null 2>&1 || dpkg -P httpd >/dev/null
rm -rf /var/www
rm -f /var/lib/man-db/auto-update # the index of manual pages takes longer than all the rest
names() { find /etc /usr /var -xdev -name '*httpd*' -not -path '/usr/src/*' | sort; }
before=$(names)

purged() {
    check 'it is purged' dpkg -P httpd
    check 'no file of it is left' [ "$(names)" = "$before" ]
    check 'nor its user' bash -c '! getent passwd httpd && ! getent group httpd'
}
