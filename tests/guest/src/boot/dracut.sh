# Starts the tracer from the initramfs as a service: systemd waits until it says that it is ready, and takes it along to the real root.
module=/usr/lib/dracut/modules.d/50kmodtrace
mkdir $module
cat > $module/module-setup.sh <<'END'
check() { return 0; }
depends() { echo systemd; }
install() {
    inst_multiple kmodtrace /usr/lib/systemd/system/kmodtrace-boot.service
    $SYSTEMCTL -q --root "$initdir" add-wants sysinit.target kmodtrace-boot.service
}
END
chmod 755 $module/module-setup.sh
# The real root's manager stops what it has no file for.
cat > /usr/lib/systemd/system/kmodtrace-boot.service <<'END'
[Unit]
DefaultDependencies=no
Before=systemd-udevd.service systemd-modules-load.service dracut-pre-udev.service
IgnoreOnIsolate=yes
SurviveFinalKillSignal=yes
[Service]
Type=notify
ExecStart=/usr/bin/kmodtrace record --output /run/kmodtrace/boot.kmt
RuntimeDirectory=kmodtrace
RuntimeDirectoryPreserve=yes
KillSignal=SIGINT
TimeoutStartSec=60
END
