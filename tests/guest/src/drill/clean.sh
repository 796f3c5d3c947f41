
# Sixteen tasks at once, again and again; then one that is killed in the middle, and the next one, which finds its events, one of
# them held by somebody for a moment.
recorded storm acpi_cpufreq -- sh -c 'for i in 1 2 3 4 5; do load-driver storm acpi_cpufreq --tasks 16 --log /dev/null; done'
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
