#!/usr/bin/busybox sh
# The first process of a guest. Serial ports: ttyS0 the kernel's console, or the user's terminal; ttyS1 and ttyS2 what the
# command writes; ttyS3 what the host is told: lines, then a tar archive of /out.
export PATH=/usr/local/bin:/usr/sbin:/usr/bin HOME=/root LANG=C.UTF-8 TERM=dumb

attach() { mkdir -p "$3" && mount -t "$1" "$2" "$3" 2>/dev/null; }
attach proc proc /proc
attach sysfs sysfs /sys
attach devtmpfs devtmpfs /dev
attach devpts devpts /dev/pts
attach tmpfs tmpfs /dev/shm
attach tmpfs tmpfs /tmp
attach tmpfs tmpfs /run
attach tmpfs tmpfs /out
attach debugfs debugfs /sys/kernel/debug
attach tracefs tracefs /sys/kernel/tracing
attach bpf bpf /sys/fs/bpf
attach cgroup2 cgroup2 /sys/fs/cgroup
ln -sf /proc/self/fd /dev/fd
ln -sf /proc/self/fd/0 /dev/stdin
ln -sf /proc/self/fd/1 /dev/stdout
ln -sf /proc/self/fd/2 /dev/stderr
ip link set lo up 2>/dev/null

for port in 1 2 3; do stty -F /dev/ttyS$port raw -echo; done
exec 9>/dev/ttyS3
echo "release $(uname -r)" >&9

on_terminal() {
    stty rows "$rows" cols "$cols" </dev/console
    export TERM="$term"
    cd /root
    if [ -e /etc/guest/command ]; then
        setsid -c /usr/bin/sh -c "$(cat /etc/guest/command)" sh </dev/ttyS0 >/dev/ttyS0 2>&1
    else
        shell=/usr/bin/bash
        [ -x $shell ] || shell=/usr/bin/sh
        export PS1='guest:\w# '
        setsid -c $shell -i </dev/ttyS0 >/dev/ttyS0 2>&1
    fi
}

# Pipes, not the ports themselves: a program asks whether its output is a terminal.
through_pipes() {
    mkfifo /run/guest.out /run/guest.err
    cat /run/guest.out >/dev/ttyS1 9>&- &
    out=$!
    cat /run/guest.err >/dev/ttyS2 9>&- &
    err=$!
    # By its whole name: to busybox `sh` is busybox.
    (cd /root && exec /usr/bin/sh -c "$(cat /etc/guest/command)" sh) </dev/null >/run/guest.out 2>/run/guest.err 9>&-
    status=$?
    # Something the command left running may hold the pipes open for ever.
    (sleep 10; kill $out $err) 9>&- 2>/dev/null &
    wait $out $err
    return $status
}

if [ -e /etc/guest/terminal ]; then
    . /etc/guest/terminal
    on_terminal
else
    through_pipes
fi
echo "status $?" >&9
echo "out" >&9
tar -C /out -cf - . >&9
echo "end $?" >&9
exec 9>&-
reboot -f
