# Starts the tracer from the initramfs: it runs on in the real root, and its recording goes there with /run.
cd /usr/share/initramfs-tools
cat > hooks/kmodtrace <<'END'
#!/bin/sh
[ "$1" != prereqs ] || exit 0
. /usr/share/initramfs-tools/hook-functions
copy_exec /usr/bin/kmodtrace
END
# By its name it comes before udev's.
cat > scripts/init-top/kmodtrace <<'END'
#!/bin/sh
[ "$1" != prereqs ] || exit 0
mount -t tracefs tracefs /sys/kernel/tracing
mkdir /run/kmodtrace
kmodtrace record --output /run/kmodtrace/boot.kmt > /run/kmodtrace/log 2>&1 &
# Nothing here listens to sd_notify. The recording is there once all probes are attached.
tenths=0
while [ ! -s /run/kmodtrace/boot.kmt ] && [ $tenths -lt 300 ]; do
    sleep 0.1
    tenths=$((tenths + 1))
done
END
chmod 755 hooks/kmodtrace scripts/init-top/kmodtrace
