#!/bin/sh
# A workload: eight tasks ask for one module at the same time, and kmodtrace records what they get.
#
# A task that comes when the failed load of another is over begins one of its own, as if there had been no other. So they all wait at
# a gate until each has been started: modprobe reads its configuration from a pipe, which lasts until that is opened to write.
gate=$(mktemp -d) && mkfifo "$gate/gate.conf" || exit
# shellcheck disable=SC2016 # $0 is for the inner shell.
kmodtrace record -o "$KMODTRACE_OUT/storm.kmt" -- sh -c '
    for task in 1 2 3 4 5 6 7 8; do
        modprobe -C "$0" acpi_cpufreq &
    done
    sleep 3
    # Opened once more for one that was late, which would wait for ever.
    for time in 1 2; do
        : <>"$0/gate.conf"
        sleep 1
    done
    wait' "$gate"
