# Runs in the guest: rounds of the same workload with nothing, with kmodtrace and with bpftrace attached; then storms.
# The answers of load-bench are the result, one JSON object in a line; what else is needed goes to /out.
# ROUNDS, FAMILY_ROUNDS, CYCLES, CALLS, REQUESTS, TASKS and STORMS are set in front of this.

for name in dummy veth macvlan acpi_cpufreq pcc_cpufreq; do
    file=$(modinfo -n $name) || exit
    case $file in
        *.xz) xz -dc "$file" ;;
        *) cat "$file" ;;
    esac > /tmp/$name.ko || exit
done
block="load-bench block $CYCLES $CALLS $REQUESTS /tmp/dummy.ko"
storm="load-bench storm $TASKS $STORMS /tmp/dummy.ko /tmp/veth.ko /tmp/macvlan.ko /tmp/acpi_cpufreq.ko /tmp/pcc_cpufreq.ko"

# bpftrace gets the probes that kmodtrace's plan chose here, no others.
kmodtrace check > /tmp/plan || exit
awk 'FNR == NR { if ($1 == "ok") chosen[($3 ~ /^(fexit|kretprobe)/ ? "kretfunc:" : "kfunc:") $4]; next }
     $1 !~ /^k(ret)?func:/ || $1 in chosen' /tmp/plan RS= /root/probes.bt ORS='\n\n' > /tmp/probes.bt
grep -c '^ok' /tmp/plan > /out/kmodtrace.probes
grep -cE '^(k|tracepoint:)' /tmp/probes.bt > /out/bpftrace.probes

# under_kmodtrace NAME FAMILIES COMMAND...
under_kmodtrace() {
    name=$1 with=${2:+--with=$2}
    shift 2
    load-bench under "$name" kmodtrace record $with -o /tmp/kmodtrace.data -- "$@" 2> /tmp/said
    status=$?
    cat /tmp/said >> /out/kmodtrace.said
    [ $status = 0 ] || cat /tmp/said >&2
    return $status
}
under_bpftrace() {
    load-bench under bpftrace bpftrace -o /tmp/bpftrace.txt /tmp/probes.bt -c "$*" || return
    grep -c '^call' /tmp/bpftrace.txt >> /out/bpftrace.calls
}

bpftrace=$(command -v bpftrace)
$block > /tmp/warm-up || exit
$block || exit
for round in $(seq $ROUNDS); do
    under_kmodtrace kmodtrace '' $block || exit
    $block || exit
    [ -n "$bpftrace" ] || continue
    if under_bpftrace $block; then
        $block || exit
    else
        echo "going on without bpftrace, which does not do here" >&2
        bpftrace=
    fi
done
# Each optional family of probes alone, beside none of them and all.
all=mutex,rcu,printk,stacks
$block || exit
for round in $(seq $FAMILY_ROUNDS); do
    for with in none mutex rcu printk stacks $all; do
        under_kmodtrace "with $([ $with = $all ] && echo all || echo $with)" $with $block || exit
        $block || exit
    done
done
under_kmodtrace kmodtrace '' $storm || exit
mv /tmp/kmodtrace.data /out/storm.kmt
under_kmodtrace 'with all' $all $storm || exit
[ -z "$bpftrace" ] || under_bpftrace $storm
