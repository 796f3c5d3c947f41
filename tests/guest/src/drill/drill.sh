# Inside modules while they are loaded. Leaves what drill says, its exit statuses, and what is left in tracefs after each.
events=/sys/kernel/tracing/kprobe_events
drill() {
    name=$1
    shift
    kmodtrace drill "$@" >/out/$name.txt 2>/out/$name.err
    status=$?
    echo "$name $status"
    cat $events >/out/$name.events
}

drill cpufreq acpi_cpufreq -o /out/cpufreq.kmt -- modprobe acpi_cpufreq
# A kernel that cannot do it has said so.
[ $status = 69 ] && exit 0
drill two acpi_cpufreq,pcc_cpufreq -- sh -c 'modprobe pcc_cpufreq; modprobe acpi_cpufreq'
drill xfs xfs --functions 'init_xfs_fs' -- modprobe xfs
drill again acpi_cpufreq -- true
drill replayed acpi_cpufreq --from /out/cpufreq.kmt
drill nobody no_such_module -- true
kmodtrace record --drill acpi_cpufreq -o /out/recorded.kmt -- modprobe acpi_cpufreq 2>/out/recorded.err
echo "recorded $?"
kmodtrace why -i /out/recorded.kmt >/out/why.txt

if grep -q kt_deep /lib/modules/*/modules.dep; then
    drill deep kt_deep -- sh -c 'for case; do modprobe kt_deep way=${case%-*} place=${case#*-}; done' \
        sh static-1 static-2 inline-1 probe-2 work-2
fi

# Sixteen tasks at once, again and again; then one that is killed in the middle, and the next one, which finds its events, one of
# them held by somebody for a moment.
drill storm acpi_cpufreq -- sh -c 'for i in 1 2 3 4 5; do load-driver storm acpi_cpufreq --tasks 16 --log /dev/null; done'
kmodtrace drill acpi_cpufreq -- sleep 1000 >/dev/null 2>&1 &
until grep -q acpi_cpufreq $events || ! kill -0 $! 2>/dev/null; do sleep 1; done
kill -9 $!
wait
cat $events >/out/killed.events
held=$(echo /sys/kernel/tracing/events/kmodtrace_*/e1_*/enable)
echo 1 >$held
{
    sleep 2
    echo 0 >$held
} &
drill after acpi_cpufreq -- modprobe acpi_cpufreq
