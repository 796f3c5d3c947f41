#!/bin/sh
# A workload: eight tasks ask for one module at the same time, and kmodtrace records what they get.
kmodtrace record -o "$KMODTRACE_OUT/storm.kmt" -- sh -c '
    for task in 1 2 3 4 5 6 7 8; do
        modprobe acpi_cpufreq &
    done
    wait'
