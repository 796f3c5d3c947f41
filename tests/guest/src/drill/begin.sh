# Inside modules while they are loaded. Leaves what drill says as JSON, its exit statuses, what its recordings say of losses, and what
# is left in tracefs after each.
events=/sys/kernel/tracing/kprobe_events

# NAME ARGUMENTS...: drill with these arguments.
drill() {
    name=$1
    shift
    kmodtrace drill --format json "$@" >/out/$name.json 2>/out/$name.err
    status=$?
    echo "$name $status"
    cat $events >/out/$name.events
}

# The same, with a recording.
recorded() {
    name=$1
    shift
    drill $name -o /tmp/$name.kmt "$@"
    [ ! -e /tmp/$name.kmt ] || kmodtrace report --quiet --json --from /tmp/$name.kmt >/out/$name.report
}

has() { grep -q "/$1\.ko" /lib/modules/*/modules.dep; }
