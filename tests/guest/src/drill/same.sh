
# The same loads under the kernel's own function graph, which shares nothing with kprobe events: `graph NAME FILTERS ARGUMENTS COMMAND`.
# Each once: where one of them misses something, which both of them tell, the scenario has failed.
tracing=/sys/kernel/tracing
echo 8192 >$tracing/buffer_size_kb
# Readers wake for each entry: the names of a module that fails are gone soon after it.
echo 0 >$tracing/buffer_percent
graph() {
    name=$1 arguments=$3
    # One that nobody calls: a filter with nothing in it, as this one is when the module has gone, takes every function there is.
    echo panic >$tracing/set_ftrace_filter
    # Kept for modules that are not there yet.
    for filter in $2; do echo "$filter" >>$tracing/set_ftrace_filter; done
    shift 3
    echo function_graph >$tracing/current_tracer
    # A tracer's own options are there while it is.
    for option in funcgraph-proc funcgraph-tail nofuncgraph-irqs; do echo $option >$tracing/trace_options; done
    cat $tracing/trace_pipe >/out/$name.graph &
    reader=$!
    recorded $name $arguments -- sh -c 'cat /sys/kernel/tracing/kprobe_events >/out/$0.probed; exec "$@"' $name "$@"
    sleep 1
    kill $reader
    wait $reader
    echo nop >$tracing/current_tracer
    : >$tracing/set_ftrace_filter
}

modprobe -r xfs
graph graph-cpufreq :mod:acpi_cpufreq 'acpi_cpufreq' modprobe acpi_cpufreq
graph graph-pcc :mod:pcc_cpufreq 'pcc_cpufreq' modprobe pcc_cpufreq
graph graph-xfs 'xfs_*init*:mod:xfs' 'xfs --functions xfs_*init*' modprobe xfs
# Init functions that make the kernel load another module: the first does not wait for it, the second does.
ended='grep -q "^stm_p_basic .* Live" /proc/modules && ! pidof modprobe >/dev/null'
has stm_core && graph graph-nowait ':mod:stm_core :mod:stm_p_basic' 'stm_core,stm_p_basic' \
    sh -c "modprobe stm_core; for i in \$(seq 60); do $ended && exit; sleep 1; done"
if has kt_deep; then
    graph graph-request ':mod:kt_init :mod:kt_dep' 'kt_init,kt_dep' modprobe kt_init request=kt_dep
    for way in static probe work; do
        graph graph-$way :mod:kt_deep 'kt_deep' modprobe kt_deep way=$way place=2
    done
fi

# A module that is loaded already: its functions, without those that ran at its load.
modprobe dummy numdummies=0
graph loaded :mod:dummy dummy ip link add dummy7 type dummy
ip link del dummy7
rmmod dummy
