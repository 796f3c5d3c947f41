
# That a module is not there yet is told for each event.
dmesg | grep -E 'trace_kprobe|WARNING|BUG' | grep -v 'might be able to register after target module is loaded' >/out/complaints
true
