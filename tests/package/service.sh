#!/bin/bash
# A package's life under systemd. On a copy of the machine (copy.sh).
set -u
cd "$(dirname "$0")" && . ./checks.sh

explain() { # what the service said, where something failed
    [ "$failures" = 0 ] || journalctl --no-pager -o cat -u httpd.service -u httpd.socket | tail -n 20
}

rm -f /usr/sbin/policy-rc.d # by which a machine forbids what is installed to start
check 'it is installed' dpkg -i first.deb
check 'the service runs' systemctl is-active httpd.service
[ "$failures" = 0 ] || { explain; exit 1; }
check 'it shows its first page' shows 'httpd works'
pid=$(systemctl show -P MainPID httpd.service)
check 'as its own user' [ "$(ps -o user= -p "$pid")" = httpd ]
check 'without a right' grep -q '^CapEff:[[:space:]]*0*$' "/proc/$pid/status"

# The configuration is read again; a log is turned over, as logrotate does it.
mkdir /var/www/other && echo elsewhere >/var/www/other/index.html
printf 'root /var/www/other\naccess-log /var/log/httpd/access.log\n' >/etc/httpd/httpd.conf
check 'it is reloaded' systemctl reload httpd.service
check 'another folder is served' until_true 'shows elsewhere'
check 'by the same process' [ "$(systemctl show -P MainPID httpd.service)" = "$pid" ]
systemctl restart httpd.service # a log where there was none takes one
log=/var/log/httpd/access.log
shows elsewhere
check 'there is a log' until_true "grep 'GET / ' $log"
mv $log $log.1
systemctl kill -s USR1 --kill-who=main httpd.service
check 'it is opened again' until_true "[ -e $log ]"
shows elsewhere
check 'and has what came since' until_true "grep 'GET / ' $log"

for model in blocking fork thread nonblocking select poll epoll-lt epoll-et coroutine uring; do
    printf 'root /var/www/other\nmodel %s\n' $model >/etc/httpd/httpd.conf
    systemctl reset-failed httpd.service # starts are counted, lest one that fails is tried for ever
    check "$model starts" systemctl restart httpd.service
    check "$model serves under what the unit forbids" shows elsewhere
done

# Clients wait while it is upgraded, and none is refused.
(while [ ! -e /tmp/upgraded ]; do curl -sS -f -m 10 "$page" >/dev/null || echo failed; done) >/tmp/during 2>&1 &
clients=$!
check 'it is upgraded' dpkg -i next.deb
touch /tmp/upgraded
wait "$clients"
check 'without a failed request' [ ! -s /tmp/during ]
check 'it runs' systemctl is-active httpd.service
check 'it is in its sandbox' bash -c '! journalctl -o cat -u httpd.service | grep sandbox'
check 'the configuration is what it was' shows elsewhere

check 'it is removed' dpkg -r httpd
check 'nobody is at the door' bash -c '! curl -sS -m 10 $page'
check 'no unit failed' bash -c '[ -z "$(systemctl list-units --failed --plain --no-legend "httpd*")" ]'
purged
explain
[ "$failures" = 0 ]
