#!/bin/sh
# What goes wrong while tracing: full disks, signals, tracers that are killed, users and kernels that lack something.
#
# Runs as root in a throw-away machine that has kmodtrace, kmod with the module `dummy`, setpriv, and the usual small tools:
#
#     cargo xtask vm --kernel 6.1 --copy kmodtrace/tests/guest/bad-input.sh -- sh bad-input.sh [CASE...]
#
# Prints `ok CASE` or `not ok CASE: WHY` for each case; fails if one did. Waits for events, never for time. The last case
# locks the kernel down for good.
set -u

CASES="check own_status exec_fails duration interrupt terminate hangup nohup second_interrupt interrupted_command killed
full_disk full_device read_only two_tracers live_lines live_pipe no_stderr messages idle no_rights capabilities memlock no_btf
lockdown"

work=$(mktemp -d)
chmod 755 "$work"
cd "$work" || exit 1
failures=0

# The case went wrong. Only the first reason counts.
fail() { [ -n "$why" ] || why=$*; }

# wants WORDS FILE: the file has them.
wants() { grep -qF -- "$1" "$2" || fail "no \"$1\" in $2: $(tail -n 3 "$2" | tr '\n' '|')"; }

# has MEMBER FILE: the JSON in the file has this member.
has() { tr -d ' \n' <"$2" | grep -qF -- "$1" || fail "no $1 in $2: $(tail -n 3 "$2" | tr '\n' '|')"; }

# is WHAT GOT WANTED
is() { [ "$2" = "$3" ] || fail "$1 is $2, not $3; $(tail -n 3 err 2>/dev/null | tr '\n' '|')"; }

# one_line FILE: it holds one line, which kmodtrace said.
one_line() {
    is "number of lines in $1" "$(wc -l <"$1")" 1
    grep -q '^kmodtrace: ' "$1" || fail "not from kmodtrace: $(cat "$1")"
}

# until_true WHAT COMMAND...: tries for 60 s at most.
until_true() {
    what=$1 tries=600
    shift
    until "$@"; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || { fail "never: $what"; return 1; }
        sleep 0.1
    done
}

gone() { ! kill -0 "$1" 2>/dev/null; }
longer() { [ "$(wc -c <"$1")" -gt "$2" ]; }

# Starts a recorder; the file's header is written when everything is attached.
start() {
    rm -f "$1" err
    kmodtrace record -o "$@" 2>err &
    tracer=$!
    until_true "$1 is begun" test -s "$1"
}

# Ends it and keeps its status.
stop() {
    kill -"${1:-TERM}" $tracer
    wait $tracer
    status=$?
}

load_and_unload() { modprobe dummy && modprobe -r dummy; }

# whole FILE: it ends as it should and shows the module that was loaded.
whole() {
    kmodtrace report --json --from "$1" >report 2>report.err || fail "report failed: $(cat report.err)"
    [ ! -s report.err ] || fail "report says: $(cat report.err)"
    has '"name":"dummy"' report
}

# complete REPORT: nothing was lost, and the kernel skipped no program.
complete() { has '"lost":0,"missed":0,"clipped":0' "$1"; }

check() {
    kmodtrace check --json >out 2>err
    is status $? 0
    has '"result":"works"' out
}

own_status() {
    for end in 'exit 0' 'exit 3' 'kill -TERM $$' 'kill -KILL $$'; do
        kmodtrace record -o own.kmt -- sh -c "$end" 2>err
        got="$got $?"
        one_line err
    done
    is statuses "$got" ' 0 3 143 137'
    [ -s own.kmt.old ] || fail 'the older one was not kept'
}

exec_fails() {
    printf '\177ELF' >broken
    chmod +x broken
    kmodtrace record -o broken.kmt -- ./broken 2>err
    is status $? 126
    one_line err
}

duration() {
    kmodtrace record -o duration.kmt -d 300ms 2>err
    is status $? 0
    one_line err
    kmodtrace record -o duration.kmt -d 10000000000000000000 -- modprobe dummy 2>err
    is status $? 0
    modprobe -r dummy
    whole duration.kmt
}

# SIGNAL: it ends the recording well, with a line that sums up.
ends_well() {
    start ends.kmt
    load_and_unload
    stop "$1"
    is status $status 0
    one_line err
    whole ends.kmt
    complete report
}
interrupt() { ends_well INT; }
terminate() { ends_well TERM; }
hangup() { ends_well HUP; }

nohup() {
    (trap '' HUP; exec kmodtrace record -o nohup.kmt 2>err) &
    tracer=$!
    until_true 'nohup.kmt is begun' test -s nohup.kmt
    kill -HUP $tracer
    load_and_unload
    gone $tracer && fail 'it ended with the terminal'
    stop TERM
    is status $status 0
    whole nohup.kmt
}

# A reader that takes nothing more holds the recorder where it writes the rest.
second_interrupt() {
    mkfifo pipe
    exec 3<>pipe
    kmodtrace record -o pipe 2>err &
    tracer=$!
    # The header begins: everything is attached.
    dd bs=512 count=1 iflag=fullblock <&3 >header 2>/dev/null
    timeout 1 cat /dev/zero >&3
    tries=100
    until gone $tracer || [ $tries = 0 ]; do
        kill -INT $tracer 2>/dev/null
        sleep 0.2
        tries=$((tries - 1))
    done
    kill -KILL $tracer 2>/dev/null
    wait $tracer
    is status $? 130
    exec 3>&-
}

interrupted_command() {
    kmodtrace record -o command.kmt -- sh -c 'echo $$ >command.tid; exec sleep 1000' 2>err &
    tracer=$!
    until_true 'the command runs' test -s command.tid
    stop INT
    is status $status 0
    until_true 'the command is ended' gone "$(cat command.tid)"
}

killed() {
    start killed.kmt
    header=$(wc -c <killed.kmt)
    load_and_unload
    until_true 'a block is written' longer killed.kmt "$header"
    stop KILL
    kmodtrace report --json --from killed.kmt >report 2>report.err
    is 'status of the report' $? 0
    has '"name":"dummy"' report
    one_line report.err
    wants 'its writer was killed: it has no trailer' report.err
}

full_disk() {
    mkdir -p small
    mount -t tmpfs -o size=1m tmpfs small
    start small/full.kmt
    cat /dev/zero >small/rest 2>/dev/null
    tries=100
    until gone $tracer || [ $tries = 0 ]; do
        load_and_unload
        tries=$((tries - 1))
    done
    kill -KILL $tracer 2>/dev/null
    wait $tracer
    is status $? 1
    one_line err
    wants 'cannot write small/full.kmt: No space left on device' err
    wants 'what was written before can be read' err
    kmodtrace report --from small/full.kmt >report 2>report.err
    is 'status of the report' $? 0
    one_line report.err
    grep -qE 'cut short at byte|no trailer' report.err || fail "$(cat report.err)"
    # What is full at the beginning is told before anything is attached.
    kmodtrace record -o small/more.kmt 2>err
    is 'status on a full disk' $? 1
    one_line err
    wants 'cannot write into small: No space left on device' err
    umount small
}

full_device() {
    kmodtrace record -o /dev/full -d 1 2>err
    is status $? 1
    one_line err
    wants 'cannot write /dev/full: No space left on device' err
    [ -c /dev/full ] || fail '/dev/full was renamed'
    kmodtrace record -o - -d 1 >/dev/full 2>err
    is 'status for stdout' $? 1
    wants 'cannot write stdout: No space left on device' err
}

read_only() {
    mkdir -p fixed
    mount -t tmpfs -o ro tmpfs fixed
    kmodtrace record -o fixed/x -d 1 2>err
    is status $? 1
    one_line err
    wants 'cannot write into fixed: Read-only file system' err
    umount fixed
    $nobody kmodtrace record -o x -d 1 2>err
    is 'status of another user' $? 1
    wants 'cannot write into .: Permission denied' err
}

# What a recording has on every call, without the times: of two that return at once, either may come first.
calls() { kmodtrace report -q --from "$1" --attempts --format csv | cut -d, -f2-6,11-13 | sort; }

# seen_twice N: so many loads of each of two modules at once, seen by two tracers.
seen_twice() {
    start first.kmt
    first=$tracer
    start second.kmt
    loads=
    for _ in $(seq "$1"); do
        for module in dummy xfs; do
            modprobe $module &
            loads="$loads $!"
        done
    done
    wait $loads
    modprobe -r dummy xfs
    stop
    kill -TERM $first
    wait $first
    is status $? 0
}

two_tracers() {
    seen_twice 8
    for recording in first.kmt second.kmt; do
        kmodtrace report -q --json --from $recording >report
        complete report
    done
    calls first.kmt >first.csv
    calls second.kmt >second.csv
    [ "$(wc -l <first.csv)" -gt 2 ] || fail "only $(wc -l <first.csv) lines"
    cmp -s first.csv second.csv || fail "they differ: $(diff first.csv second.csv | head -n 4 | tr '\n' '|')"
}

live_lines() {
    kmodtrace trace -q -o lines.kmt -- sh -c 'modprobe dummy; insmod nothing; modprobe -r dummy' >lines 2>err
    is status $? 0
    kmodtrace trace -q --from lines.kmt >again
    cmp -s lines again || fail "live and replayed lines differ: $(diff lines again | tr '\n' '|')"
    is 'number of lines' "$(grep -c dummy lines)" 2
    kmodtrace trace -q >cut 2>err &
    tracer=$!
    until_true 'titles' test -s cut
    load_and_unload
    until_true 'lines' longer cut 150
    stop KILL
    is 'the last byte' "$(tail -c 1 cut | od -An -tx1 | tr -d ' ')" 0a
}

# OPTION...: ends well when its reader has gone and there is something to show.
reader_leaves() {
    rm -f first_line status err
    (kmodtrace trace "$@" 2>err; echo $? >status) | head -n 1 >first_line &
    until_true 'the titles came' test -s first_line
    tries=100
    until [ -s status ] || [ $tries = 0 ]; do
        load_and_unload
        tries=$((tries - 1))
    done
    is status "$(cat status)" 0
}

live_pipe() {
    reader_leaves
    [ ! -s err ] || fail "it said: $(cat err)"
    reader_leaves -o pipe.kmt
    one_line err
    whole pipe.kmt
}

# The terminal is gone: nobody reads what is said on stderr.
no_stderr() {
    mkfifo errors
    (exec kmodtrace record -o silent.kmt 2>errors) &
    tracer=$!
    exec 3<errors
    exec 3<&-
    until_true 'silent.kmt is begun' test -s silent.kmt
    load_and_unload
    stop HUP
    is status $status 0
    whole silent.kmt
}

# With everything that it could say.
messages() {
    RUST_LOG=trace kmodtrace -vv record -o messages.kmt -- modprobe dummy 2>/dev/full
    is status $? 0
    modprobe -r dummy
    whole messages.kmt
    kmodtrace -vv record -o messages.kmt -- modprobe dummy 2>err
    is 'status of -vv' $? 0
    modprobe -r dummy
    whole messages.kmt
}

switches() { awk '/^(non)?voluntary_ctxt_switches/ { sum += $2 } END { print sum }' /proc/$tracer/task/*/status; }

idle() {
    start idle.kmt
    load_and_unload
    until_true 'a block is written' longer idle.kmt 0
    sleep 1
    before=$(switches)
    sleep 3
    woken=$(($(switches) - before))
    [ $woken -le 3 ] || fail "woken $woken times in 3 s"
    stop
}

no_rights() {
    for command in record trace; do
        $nobody kmodtrace $command -o /tmp/nobody.kmt 2>err >out
        is "status of $command" $? 69
        one_line err
        wants 'user id 65534 lacks CAP_BPF and CAP_PERFMON' err
        wants 'sudo setcap cap_bpf,cap_perfmon,cap_syslog+ep' err
    done
    [ ! -e /tmp/nobody.kmt ] || fail 'it left a file'
    $nobody kmodtrace check >out 2>err
    is 'status of check' $? 69
    wants 'user id 65534 lacks CAP_BPF and CAP_PERFMON' out
}

# In place of this shell: the three capabilities and nothing else.
with_capabilities() {
    exec setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps -all,+bpf,+perfmon,+syslog \
        --ambient-caps -all,+bpf,+perfmon,+syslog --bounding-set +all "$@"
}

capabilities() {
    rm -f /tmp/caps.kmt
    (ulimit -l unlimited; with_capabilities kmodtrace record -o /tmp/caps.kmt 2>err) &
    tracer=$!
    until_true 'it is begun' test -s /tmp/caps.kmt
    load_and_unload
    stop
    is status $status 0
    whole /tmp/caps.kmt
}

# Before 5.11 maps count against the limit of locked memory, which a user with capabilities alone may not raise.
memlock() {
    (ulimit -l 64; exec kmodtrace record -o memlock.kmt -- modprobe dummy) 2>err
    is 'status of root' $? 0
    modprobe -r dummy
    whole memlock.kmt
    (ulimit -l 64; with_capabilities kmodtrace record -o /tmp/memlock.kmt -d 1) 2>err
    status=$?
    if [ $status != 0 ]; then
        is 'status of a user' $status 69
        wants 'locked memory, of which this process may have 64 KiB' err
        wants 'cap_sys_resource' err
    fi
    one_line err
}

no_btf() {
    : >empty
    mount --bind empty /sys/kernel/btf/vmlinux
    kmodtrace check --json >out 2>err
    is 'status of check' $? 0
    has '"btf":false' out
    kmodtrace record -o btf.kmt -- modprobe dummy 2>err
    is status $? 0
    one_line err
    kmodtrace report --json --attempts --from btf.kmt >report 2>report.err || fail "$(cat report.err)"
    has '"attempts":1' report
    has '"comm":"modprobe"' report
    # States of modules are read by offsets that BTF tells: what a load collided with is not observed.
    has '"UNFORMED":null' report
    umount /sys/kernel/btf/vmlinux
    modprobe -r dummy
}

lockdown() {
    mkdir -p /sys/kernel/security
    mount -t securityfs securityfs /sys/kernel/security 2>/dev/null
    [ -w /sys/kernel/security/lockdown ] || { why=; return; }
    echo confidentiality >/sys/kernel/security/lockdown
    kmodtrace record -o lockdown.kmt -- true 2>err
    is status $? 69
    one_line err
    wants 'kernel lockdown is set to confidentiality' err
    wants 'lockdown=integrity' err
    # Also where that is not mounted.
    umount /sys/kernel/security
    kmodtrace record -o lockdown.kmt -- true 2>err
    is 'status without securityfs' $? 69
    one_line err
    wants 'kernel lockdown is set to confidentiality' err
}

nobody='setpriv --reuid 65534 --regid 65534 --clear-groups'
for case in ${*:-$CASES}; do
    why='' got=''
    $case </dev/null
    if [ -z "$why" ]; then
        echo "ok $case"
    else
        echo "not ok $case: $why"
        failures=$((failures + 1))
    fi
    modprobe -r dummy 2>/dev/null
done
[ $failures = 0 ]
