# Put at the end of a boot's script: stops the tracer, and writes what is of interest to the disk for results.
cat > /usr/sbin/collect <<'END'
#!/bin/sh
# The kernel's trace ends before the recording does, which so has all that it has.
echo 0 > /sys/kernel/tracing/tracing_on
results=/run/results
mkdir $results
cat /sys/kernel/tracing/trace > $results/trace
for process in /proc/[0-9]*; do
    [ "$(cat $process/comm)" != kmodtrace ] || tracer=$process
done
if [ -n "$tracer" ]; then
    kill -INT ${tracer#/proc/}
    # It takes what the ring holds, then lets go of its probes.
    tenths=0
    while [ -d $tracer ] && [ $tenths -lt 600 ]; do
        sleep 0.1
        tenths=$((tenths + 1))
    done
fi
dmesg > $results/dmesg
cp -a /run/kmodtrace /run/udev $results
rm -f $results/udev/control
if [ -d /run/systemd/system ]; then
    systemd-analyze > $results/systemd-analyze
    systemctl list-jobs > $results/jobs
    journalctl --boot > $results/journal
fi 2>&1
for disk in /sys/block/*; do
    [ "$(cat $disk/serial 2>/dev/null)" != results ] || tar -C $results -cf /dev/${disk##*/} .
done
sync
END
# A real root as small as it gets: udevd and the cold plug, and nothing of systemd.
cat > /usr/sbin/small <<'END'
#!/bin/sh
export PATH=/usr/sbin:/usr/bin
/usr/lib/systemd/systemd-udevd --daemon
udevadm trigger --type=subsystems --action=add
udevadm trigger --type=devices --action=add
udevadm settle
collect
echo o > /proc/sysrq-trigger
# Process 1 may not end before the machine does.
sleep 60
END
cat > /etc/systemd/system/collect.service <<'END'
[Service]
# Not a job that the boot waits for.
Type=simple
ExecStart=/bin/sh -c 'systemctl is-system-running --wait; udevadm settle; collect; systemctl poweroff --force --force'
END
chmod 755 /usr/sbin/collect /usr/sbin/small
