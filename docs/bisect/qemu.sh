#!/bin/sh
# Boots a kernel in QEMU, runs a workload in it, and brings the recordings back that it leaves in $KMODTRACE_OUT.
#
#   KMODTRACE_OUT=DIRECTORY sh qemu.sh WORKLOAD
#
# WORKLOAD is a shell script. The exit status is the workload's; 125, with one line that says why, where there is none.
# Without other words about it, the kernel is the one of the tree that this is started in:
#
#   KERNEL      the image [arch/x86/boot/bzImage]
#   MODULES     lib/modules/RELEASE, as modules_install makes it [installed from this tree, stripped, for this boot]
#   KMODTRACE   the program [kmodtrace of PATH]
#   CPUS        [2]; loads collide only where tasks run side by side
#   MEMORY      [1G]
#   TIMEOUT     seconds until the guest is given up [600]
#   APPEND      more parameters for the kernel
set -u

fail() {
    echo "qemu.sh: $1" >&2
    exit 125
}

[ $# -eq 1 ] && [ -f "$1" ] || fail "usage: KMODTRACE_OUT=DIRECTORY sh qemu.sh WORKLOAD"
[ -d "${KMODTRACE_OUT:-}" ] || fail "KMODTRACE_OUT is no directory"
kernel=${KERNEL:-arch/x86/boot/bzImage}
[ -f "$kernel" ] || fail "there is no kernel image $kernel"
busybox=$(command -v busybox) || fail "busybox is missing"
kmodtrace=${KMODTRACE:-$(command -v kmodtrace)}
[ -x "$kmodtrace" ] || fail "kmodtrace is missing: KMODTRACE says where it is"

work=$(mktemp -d) || fail "no place for the guest's files"
trap 'rm -rf "$work"' EXIT
trap 'exit 125' HUP INT TERM
root=$work/root
(cd "$work" && mkdir -p root root/bin root/sbin root/lib/modules root/dev root/proc root/sys root/tmp root/run result) || exit 125

copy() {
    mkdir -p "$root${2%/*}" && cp -L "$1" "$root$2"
}

# A program of this machine, with the libraries it is linked to.
bring() {
    copy "$1" "$2" || fail "cannot copy $1"
    for library in $(ldd "$1" 2>/dev/null | grep -o '/[^ ]*'); do
        copy "$library" "$library" || fail "cannot copy $library"
    done
}

# Modules are loaded by the real modprobe, from a real shell: busybox's shell runs its own modprobe, whatever PATH says, and so do
# its env, nice, timeout and xargs.
bring "$busybox" /bin/busybox
bring "$kmodtrace" /bin/kmodtrace
for program in sh kmod env nice timeout xargs; do
    found=$(PATH=$PATH:/usr/sbin:/sbin command -v "$program") || fail "$program is missing"
    bring "$found" "/bin/$program"
done
for name in modprobe insmod rmmod lsmod modinfo; do
    ln -s /bin/kmod "$root/sbin/$name"
done

if [ -n "${MODULES:-}" ]; then
    [ -f "$MODULES/modules.dep" ] || fail "$MODULES has no modules.dep"
    cp -r "$MODULES" "$root/lib/modules/"
else
    make -s modules_install INSTALL_MOD_PATH="$root" INSTALL_MOD_STRIP=1 || fail "cannot install modules of this tree"
fi
# They lead to the sources, which no guest has.
rm -f "$root"/lib/modules/*/build "$root"/lib/modules/*/source

cp "$1" "$root/workload" || exit 125
cat >"$root/init" <<'INIT'
#!/bin/busybox sh
export PATH=/sbin:/bin HOME=/tmp KMODTRACE_OUT=/result/out
busybox mount -t proc proc /proc
busybox --install -s /bin 2>/dev/null
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev 2>/dev/null
mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
mkdir -p $KMODTRACE_OUT
/bin/sh /workload </dev/null
echo $? >/result/status
# The second serial port carries the result: every kernel has a driver for it, and none for a disk need be there.
stty raw -echo </dev/ttyS1
tar -C /result -cf - . >/dev/ttyS1
reboot -f
INIT
chmod +x "$root/init"
(cd "$root" && find . | "$busybox" cpio --quiet -o -H newc) >"$work/initramfs" || fail "cannot make the initramfs"

# The device alone proves nothing.
if [ -w /dev/kvm ] && grep -qw -e vmx -e svm /proc/cpuinfo; then
    set -- -accel kvm -cpu host
else
    set -- -accel tcg -cpu max
fi
# no_timer_check: at boot the kernel counts ticks for 40 ms, and panics where an emulator is late. tsc=reliable: a kernel that
# doubts its clock patches code while it runs, which an emulator may run into halfway.
timeout "${TIMEOUT:-600}" qemu-system-x86_64 "$@" \
    -nodefaults -no-user-config -no-reboot -display none -vga none -smp "${CPUS:-2}" -m "${MEMORY:-1G}" \
    -kernel "$kernel" -initrd "$work/initramfs" \
    -append "console=ttyS0 quiet panic=-1 no_timer_check tsc=reliable ${APPEND:-}" \
    -chardev stdio,id=console,signal=off -serial chardev:console -serial "file:$work/result.tar" \
    </dev/null | cat # QEMU makes its output non-blocking, which whoever called this need not bear.

tar -C "$work/result" -xf "$work/result.tar" 2>/dev/null || fail "the guest ended before its workload did"
read -r status <"$work/result/status" || fail "the guest has no status of its workload"
for recording in "$work"/result/out/*.kmt; do
    [ ! -e "$recording" ] || cp "$recording" "$KMODTRACE_OUT/" || fail "cannot write to $KMODTRACE_OUT"
done
exit "$status"
