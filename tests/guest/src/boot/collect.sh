# Put at the end of a boot's script: keeps the recording, and writes what is of interest to the disk for results.
cat > /usr/sbin/collect <<'END'
#!/bin/sh
# systemd has it there already.
[ -e /sys/kernel/tracing/trace ] || mount -t tracefs tracefs /sys/kernel/tracing
# The kernel's trace ends before the recording does, which so has all that it has.
echo 0 > /sys/kernel/tracing/tracing_on
results=/run/results
mkdir $results
# When it was started, in ticks, and the most kilobytes that it had.
tracer=/proc/$(cat /run/kmodtrace/boot.pid)
[ ! -r $tracer/status ] || (cut -d' ' -f22 $tracer/stat; sed -n 's/^VmHWM: *\([0-9]*\) kB/\1/p' $tracer/status) > $results/tracer
systemd-id128 machine-id --app-specific 62f24731f50f4332bdd407304184478a > $results/machine-id
uname -n > $results/host
cat /sys/kernel/tracing/trace > $results/trace
if [ -d /run/systemd/system ]; then
    # The unit of the real root keeps it when it takes the boot for over.
    while systemctl --quiet is-active kmodtrace-boot-keep.service; do sleep 1; done
    systemctl show --property FinishTimestampMonotonic > $results/finished
    systemd-analyze > $results/systemd-analyze
    systemd-analyze --no-pager critical-chain > $results/critical-chain
    systemctl list-jobs > $results/jobs
    journalctl --boot > $results/journal
else
    kmodtrace boot stop 2> $results/stop
fi 2>&1
cp /var/lib/kmodtrace/boots/*.kmt $results/boot.kmt
kmodtrace boot status > $results/status
kmodtrace boot report > $results/report
# Sets of boots: this one eight times.
for copy in 1 2 3 4 5 6 7; do cp $results/boot.kmt /var/lib/kmodtrace/boots/$copy.kmt; done
kmodtrace boot diff -8,-7,-6,-5 -4,-3,-2,-1 > $results/diff 2>&1
kmodtrace boot diff -1,-1 -2 2>> $results/diff
rm /var/lib/kmodtrace/boots/?.kmt
dmesg > $results/dmesg
cp -a /run/kmodtrace $results
cd /sys/devices
find . -name modalias | while read -r file; do
    [ ! -r $file ] || echo "/devices${file#.} $(cat $file)"
done > $results/modalias
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
