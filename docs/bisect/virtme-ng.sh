#!/bin/sh
# Boots a kernel with virtme-ng, which lends the guest this machine's files, and runs a workload in it that leaves recordings
# in $KMODTRACE_OUT.
#
#   KMODTRACE_OUT=DIRECTORY sh virtme-ng.sh WORKLOAD
#
# WORKLOAD is a shell script. The exit status is the workload's; 125, with one line that says why, where there is none.
# Without other words about it, the kernel is the one of the tree that this is started in:
#
#   KERNEL      the tree, or an image with its lib/modules beside it [.]
#   KMODTRACE   the program [kmodtrace of PATH]; it need not be static
#   VNG         virtme-ng [vng of PATH]
#   CPUS        [2]; loads collide only where tasks run side by side
#   MEMORY      [1G]
#   TIMEOUT     seconds until the guest is given up [600]
#   APPEND      more parameters for the kernel
set -u

fail() {
    echo "virtme-ng.sh: $1" >&2
    exit 125
}

[ $# -eq 1 ] && [ -f "$1" ] || fail "usage: KMODTRACE_OUT=DIRECTORY sh virtme-ng.sh WORKLOAD"
[ -d "${KMODTRACE_OUT:-}" ] || fail "KMODTRACE_OUT is no directory"
kmodtrace=${KMODTRACE:-$(command -v kmodtrace)}
[ -x "$kmodtrace" ] || fail "kmodtrace is missing: KMODTRACE says where it is"
vng=$(command -v "${VNG:-vng}") || fail "virtme-ng is missing: VNG says where it is"
kmodtrace=$(realpath "$kmodtrace")
workload=$(realpath "$1")
# The device alone proves nothing, and virtme-ng takes it for granted.
if [ ! -w /dev/kvm ] || ! grep -qw -e vmx -e svm /proc/cpuinfo; then
    set -- --disable-kvm
else
    set --
fi
# What it starts in turn lies beside it.
PATH=${vng%/*}:$PATH
work=$(mktemp -d) || fail "no place for what the guest says"
trap 'rm -rf "$work"' EXIT
trap 'exit 125' HUP INT TERM
mkdir "$work/said" || exit 125

# Runs in the guest, where /run is new: nothing of this machine is hidden below these directories. What the workload says and how it
# ends is left in a file, because virtme-ng has streams for that only where udev runs in the guest.
cat >"$work/said/run" <<RUN
export KMODTRACE_OUT=/run/recordings PATH='${kmodtrace%/*}':/usr/sbin:/usr/bin:/sbin:/bin
sh '$workload' >/run/said/output 2>&1
echo \$? >/run/said/status
RUN

# --force-9p: what virtme-ng would rather have is not in every distribution, nor in every kernel. cache=loose: no file of this machine
# changes meanwhile, and programs that are read again and again would not start at the same time. The rest of these flags is its own.
# no_timer_check: at boot the kernel counts ticks for 40 ms, and panics where an emulator is late. tsc=reliable: a kernel that
# doubts its clock patches code while it runs, which an emulator may run into halfway.
timeout "${TIMEOUT:-600}" "$vng" --run "${KERNEL:-.}" --verbose --force-9p "$@" \
    --cpus "${CPUS:-2}" --memory "${MEMORY:-1G}" \
    --append "rootflags=version=9p2000.L,trans=virtio,access=any,msize=524288,cache=loose" \
    --append "no_timer_check tsc=reliable ${APPEND:-}" \
    --rwdir "/run/recordings=$(realpath "$KMODTRACE_OUT")" --rwdir "/run/said=$work/said" --exec "sh /run/said/run" \
    </dev/null 2>&1 | cat >"$work/console" # QEMU writes to a pipe in order, and over what is there in a file.

cat "$work/said/output" 2>/dev/null
if ! read -r status 2>/dev/null <"$work/said/status"; then
    tail -n 30 "$work/console" >&2
    fail "the guest ended before its workload did"
fi
exit "$status"
