# Each of the driver's scenarios under the tracer, with the kernel's own count of how often the programs ran; then more attempts
# than there is room for, and the storm of stock modules with its lines, live. Says the name of what it runs again.

# A preemptible kernel skips a program when the task that it preempted inside that very program shares the CPU
# (__bpf_prog_enter_recur, kernel/bpf/trampoline.c). kmodtrace counts that as missed, and such a recording cannot be complete:
# it is made again, a few times at most.
traced() {
    name=$1
    shift
    for try in 1 2 3 4 5 6 7 8; do
        kmodtrace "$@" >"/out/$name.txt" 2>/tmp/said || { cat /tmp/said >&2; exit 1; }
        grep -q 'missed 0,' /tmp/said && return
        echo "$name"
    done
}

# NAME FAMILIES DRIVER-ARGUMENTS...
scenario() {
    name=$1 with=$2
    shift 2
    cat >/tmp/scenario <<END
load-driver $* --log /out/$name.jsonl || exit
bpftool --json prog show > /out/$name.programs
END
    traced "$name" record $with -o "/out/$name.kmt" -- sh /tmp/scenario
}

sysctl -qw kernel.bpf_stats_enabled=1
kmodtrace check --json >/out/check.json || exit

# More tasks asleep at once than a kretprobe has instances for.
scenario same-file-64 '' same-file --tasks 64
scenario copies-64 '' copies --tasks 64
scenario failing-init-64 '' failing-init --tasks 64
scenario storm-with-all '--with mutex,rcu,printk,stacks' storm
scenario requests-with-all '--with mutex,rcu,printk,stacks' requests
for each in $(load-driver list); do
    scenario "$each" '' "$each"
done

kmodtrace record -q --max-in-flight 4 -o /out/clipped.kmt -- load-driver copies --log /out/clipped.log || exit

cat >/tmp/storm <<'END'
modprobe -r xfs 2>/dev/null
for task in 1 2 3 4 5 6 7 8; do
    for module in acpi_cpufreq pcc_cpufreq xfs; do
        modprobe $module 2>/dev/null &
    done
done
wait
END
traced stock-storm trace -o /out/stock-storm.kmt -- sh /tmp/storm
