
recorded cpufreq acpi_cpufreq -- modprobe acpi_cpufreq
# A kernel that cannot do it has said so.
[ $status = 69 ] && exit 0
drill two acpi_cpufreq,pcc_cpufreq -- sh -c 'modprobe pcc_cpufreq; modprobe acpi_cpufreq'
drill xfs xfs --functions 'init_xfs_fs' -- modprobe xfs
drill again acpi_cpufreq -- true
drill replayed acpi_cpufreq --from /tmp/cpufreq.kmt
drill nobody no_such_module -- true
kmodtrace record --drill acpi_cpufreq -o /tmp/recorded.kmt -- modprobe acpi_cpufreq 2>/out/recorded.err
echo "recorded $?"
kmodtrace why --json -i /tmp/recorded.kmt >/out/why.json
