#!/bin/bash
# Runs a command on a copy of this machine: its files overlaid, so that nothing written stays; mounts, processes, names
# and a network of its own that lead nowhere. With systemd as its first process, or none.
# Usage: copy.sh FOLDER none|systemd COMMAND...; FOLDER is /mnt there. Needs root. Exits as the command does.
set -eu
folder=$1 init=$2
shift 2

if [ "${COPY_OUTSIDE-yes}" = yes ]; then
    # Its control group is made beneath ours: what systemd makes in it goes with it.
    cgroups=$(findmnt -nft cgroup2 -o TARGET)
    group=$cgroups$(sed -n 's/^0:://p' /proc/self/cgroup)/httpd-copy-$$
    mkdir "$group"
    remove_group() { # which is empty as soon as the kernel is done with the processes in it
        [ ! -e "$group/cgroup.kill" ] || echo 1 >"$group/cgroup.kill"
        while grep -q 'populated 1' "$group/cgroup.events"; do sleep 0.02; done
        find "$group" -depth -type d -exec rmdir {} +
    }
    trap remove_group EXIT
    status=0
    (
        echo "$BASHPID" >"$group/cgroup.procs"
        COPY_OUTSIDE=no exec timeout -k 5 120 unshare --mount --net --pid --fork --uts --ipc --cgroup --kill-child \
            "$0" "$folder" "$init" "$@"
    ) || status=$?
    [ "$init" != systemd ] || status=$(cat "$folder/status" 2>/dev/null || echo "$status")
    exit "$status"
fi

top=$folder/copy
mkdir -p "$top"
mount -t tmpfs tmpfs "$top"
mkdir "$top/upper" "$top/work" "$top/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$top/upper,workdir=$top/work" "$top/root"
cd "$top/root"
mount --bind "$folder" mnt
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys # what the kernel has once is not the copy's to set
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mount -t tmpfs tmpfs dev
for device in null zero full random urandom tty; do
    : >dev/$device
    mount --bind /dev/$device dev/$device
done
mkdir dev/pts dev/shm dev/mqueue dev/hugepages
ln -s pts/ptmx dev/ptmx
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s /proc/self/fd dev/fd
ip link set lo up
mkdir before
pivot_root . before # a chroot is none of which systemd could give its services parts
umount -l /before
rmdir /before
cd /
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive

[ "$init" = systemd ] || exec "$@"

rm -f /mnt/status
(
    while [ ! -S /run/systemd/private ] || ! systemctl is-active -q basic.target; do sleep 0.05; done
    status=0
    "$@" || status=$?
    echo "$status" >/mnt/status
    systemctl poweroff --force --force 2>/dev/null
) &
exec env container=copy /lib/systemd/systemd --unit=basic.target --show-status=no >/dev/null 2>&1
