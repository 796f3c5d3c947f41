# The driver's scenarios under the tracer, each once, with the kernel's own count of how often the programs ran. A recording that
# fails is the last, because of what it may have left behind, and is named.

# NAME ARGUMENTS...: kmodtrace with these arguments.
traced() {
    name=$1
    shift
    kmodtrace "$@" >"/out/$name.txt" 2>"/out/$name.err" && return
    echo "$name"
    exit
}

# NAME FAMILIES: one recording of the driver's scenarios of these lines: the name of a log, and the driver's arguments.
scenarios() {
    name=$1 with=$2
    # Not every scenario can be made on every kernel.
    while read -r log scenario size; do
        echo "$possible" | grep -qx "$scenario" &&
            echo "load-driver $scenario $size --log /out/$log.jsonl || exit"
    done >/tmp/scenarios
    [ -s /tmp/scenarios ] || return 0
    echo "bpftool --json prog show >/out/$name.programs" >>/tmp/scenarios
    traced "$name" record $with -o "/out/$name.kmt" -- sh /tmp/scenarios
}

sysctl -qw kernel.bpf_stats_enabled=1
kmodtrace check --json >/out/check.json || exit
possible=$(load-driver list)
