
# That a module is not there yet is told for each event. And the function graph makes fprobes warn of a return that they did not
# ask for, once: every call of it has the mark of the user with index 0, who may be they (`set_bitmap`, kernel/trace/fgraph.c, 7.2).
dmesg | grep -E 'trace_kprobe|WARNING|BUG' |
    grep -v -e 'might be able to register after target module is loaded' -e ' at fprobe_return+' >/out/complaints
true
