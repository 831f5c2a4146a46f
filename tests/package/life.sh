#!/bin/bash
# A package's life where there is no systemd that runs, as in a container. On a copy of the machine (copy.sh).
set -u
PORT=8080
cd "$(dirname "$0")" && . ./checks.sh

serve() {
    setpriv --reuid=httpd --regid=httpd --clear-groups httpd --config /etc/httpd/httpd.conf -q -l "127.0.0.1:$PORT" &
    server=$!
}
end() { kill "$server" && wait "$server"; } # SIGTERM: 0

check 'it is installed' dpkg -i first.deb
check 'it has a user' getent passwd httpd
serve
check 'it shows its first page' shows 'httpd works'
check 'as its own user' [ "$(ps -o user= -p $server)" = httpd ]
check 'it ends' end

echo mine >/var/www/html/index.html
echo 'cache-control no-store' >>/etc/httpd/httpd.conf
check 'it is upgraded' dpkg -i next.deb
serve
check 'the page is the one that was there' shows mine
check 'so is the configuration' bash -c "curl -sSI $page | grep -qi '^cache-control: no-store'"
check 'it ends' end

check 'it is removed' dpkg -r httpd
check 'the program is gone' [ ! -e /usr/bin/httpd ]
check 'the configuration is not' grep -q no-store /etc/httpd/httpd.conf
check 'nor the page' grep -q mine /var/www/html/index.html
check 'it is installed again' dpkg -i first.deb
purged
check 'the page is somebody else' grep -q mine /var/www/html/index.html

rm -rf /var/www
check 'it is installed once more' dpkg -i first.deb
purged
check 'its own page is gone' [ ! -e /var/www ]
[ "$failures" = 0 ]
