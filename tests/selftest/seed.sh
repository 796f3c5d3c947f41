#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# The failure that the kernel's mailing list saw: kmod.sh, the kernel's test of module loading, gets -EINVAL where it wants
# 0. No function of the loader made that number: test_kmod puts it in the place of a NULL from get_fs_type(). What made
# get_fs_type() give NULL differs, and here are four ways:
#
#   seed undisturbed [TEST...]     kmod.sh as it is: 0006 unless tests are named; of others fewer rounds
#   seed slow-modprobe             62 threads, and a modprobe that takes 6 s: 12 of them get no slot within 5 s
#   seed failing-init              50 threads, and the file system's init fails with -ENODEV
#   seed nested [THREADS]          50 threads, and the init of a dependency requests a module itself: slot 51; with fewer
#                                  threads than 50 there is a slot for it, and nothing fails
#   seed no-modprobe               50 threads, and a modprobe that cannot start, for want of a library
#
# Exits with 0 when the test's result is the expected one: 0 undisturbed, -22 in the four ways. Its last line says what
# happened in a form for programs: way, threads, the test's result, and how many threads got no file system (undisturbed: a
# line for each test, the threads of all rounds together).

test=/sys/devices/virtual/misc/test_kmod0
options=/etc/modprobe.d/seed.conf
setting=/proc/sys/kernel/modprobe
made=/run/seed

fail() {
    echo "seed: $*" >&2
    exit 2
}

# A mark in the kernel's log, and what it says since.
begin() {
    runs=$((runs + 1))
    mark="seed: begin $$/$runs."
    echo "$mark" >/dev/kmsg
}

kernel_says() {
    dmesg | sed -n "\,$mark,,\$p"
}

threads_without_fs() {
    kernel_says | grep -c 'test_kmod0: Sync thread .* fs: NULL'
}

# get_fs_type("ktfs") in so many threads at once, as kmod.sh does it; compares with the expected result. Meanwhile runs a
# function.
run() {
    threads=$1 expected=$2 meanwhile=${3:-true}
    # What an earlier run has left loaded would be found.
    modprobe -r kt_fs kt_dep kt_init 2>/dev/null
    begin
    echo -n 1 >$test/reset &&
        echo -n 2 >$test/config_test_case &&
        echo -n ktfs >$test/config_test_fs &&
        echo -n "$threads" >$test/config_num_threads || fail "test_kmod does not take its configuration"
    echo -n 1 >$test/trigger_config &
    $meanwhile
    wait
    result=$(cat $test/test_result)
    echo "seed: $way: threads=$threads result=$result without_fs=$(threads_without_fs) expected=$expected"
    [ "$result" = "$expected" ]
}

# Waits until a function succeeds. Not for ever: what hangs in a guest should be seen.
await() {
    for try in $(seq 600); do
        "$1" && return
        sleep 0.1
    done
    echo "seed: waited in vain: $1" >&2
}

threads_have_started() {
    kernel_says | grep -q 'No errors were found while initializing threads'
}

threads_have_modprobes() {
    [ "$(cat /proc/[0-9]*/comm 2>/dev/null | grep -cx modprobe)" -ge "$threads" ]
}

# Every modprobe waits at a gate until 6 s after all threads have started.
open_gate() {
    await threads_have_started
    sleep 6
    exec 3<>$made/gate
}

# The dependency's init is held until each thread has its modprobe.
release_init() {
    await threads_have_modprobes
    echo 0 >/sys/module/kt_dep/parameters/hold
}

# Makes a modprobe of its own for the kernel to run, from standard input.
modprobe_is() {
    { echo '#!/bin/sh'; cat; } >$made/modprobe
    chmod 755 $made/modprobe
    echo $made/modprobe >$setting
}

# A machine too slow for it keeps a thread waiting for a slot, by itself: the kernel says so, and then the test must fail.
undisturbed() {
    [ $# -gt 0 ] || set -- 0006
    for number; do
        rounds=3 filesystem=xfs late=-22
        case $number in
        0005) threads=50 ;;
        # request_module() itself: nothing takes its errno away.
        0008) threads=58 late=-62 ;;
        # A small file system: fifty modprobe of xfs take longer than 5 s on an emulated machine.
        0009) threads=62 filesystem=overlay ;;
        *) threads=50 rounds=10 ;;
        esac
        begin
        DEFAULT_KMOD_FS=$filesystem bash /root/kmod/kmod.sh -c "$number" $rounds
        result=$(cat $test/test_result) expected=0
        kernel_says | grep -q 'cannot be processed, kmod busy with' && expected=$late
        echo "seed: undisturbed: test=$number rounds=$rounds threads=$threads result=$result without_fs=$(threads_without_fs) expected=$expected"
        [ "$result" = "$expected" ] || return
    done
}

runs=0
way=$1
[ $# -gt 0 ] && shift
modprobe test_kmod || fail "there is no test_kmod here: cargo xtask vm --kernel 6.1 --fixtures"
mkdir -p $made /etc/modprobe.d
modprobe=$(cat $setting)
trap 'echo "$modprobe" >$setting; rm -rf $made $options' EXIT

case $way in
undisturbed)
    undisturbed "$@"
    ;;
slow-modprobe)
    mkfifo $made/gate
    modprobe_is <<END
: <$made/gate
exec $modprobe "\$@"
END
    run 62 -22 open_gate
    ;;
failing-init)
    echo 'options kt_fs fail=19' >$options
    run 50 -22
    ;;
nested)
    threads=${1:-50}
    echo 'options kt_dep hold=1 request=kt_init request_fail=1' >$options
    if [ "$threads" -lt 50 ]; then expected=0; else expected=-22; fi
    run "$threads" $expected release_init
    ;;
no-modprobe)
    # The loader ends a program with 127 when a library is not there, or is no library.
    : >$made/libc.so.6
    modprobe_is <<END
LD_LIBRARY_PATH=$made exec $modprobe "\$@"
END
    run 50 -22
    ;;
*)
    fail "usage: seed undisturbed [TEST...] | slow-modprobe | failing-init | nested [THREADS] | no-modprobe"
    ;;
esac
