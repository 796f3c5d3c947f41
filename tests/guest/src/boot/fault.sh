# Makes the fault that the command line asks for, before kmodtrace is started: scripts are run in the order of their names.
cat > /etc/initramfs-tools/scripts/init-top/a-fault <<'END'
#!/bin/sh
case "$1" in prereqs) exit 0 ;; esac
run=/run/kmodtrace
# A file system for the tracer alone, of so many bytes.
room() {
    mkdir -m 700 $run
    mount -t tmpfs -o size=$1 tmpfs $run
}
for word in $(cat /proc/cmdline); do
    case $word in
    fault=no-btf) mount -t tmpfs tmpfs /sys/kernel/btf ;;
    fault=broken)
        head -c 100000 /usr/bin/kmodtrace > /cut
        cat /cut > /usr/bin/kmodtrace
        ;;
    fault=full)
        room 4k
        echo > $run/taken
        ;;
    fault=little-room) room 96k ;;
    fault=killed)
        (
            while [ ! -e $run/boot.pid ] || [ $(wc -l < /proc/modules) -lt 20 ]; do sleep 1; done
            cat /proc/uptime > $run/killed
            kill -9 $(cat $run/boot.pid)
        ) &
        ;;
    esac
done
END
chmod 755 /etc/initramfs-tools/scripts/init-top/a-fault
