# A session of bisect on the kernel that runs: RUNS runs of a workload whose driver says what it got, a step that is killed and gone on
# with, a rule about what nobody watches, and a kernel that is compared with itself. Says the exit status of each.
cd /out
load="load-driver storm acpi_cpufreq --tasks 8"

kmodtrace bisect start --session all --bad-when 'module(acpi_cpufreq).init.count>4' --runs "$RUNS" --rate 1 &&
    kmodtrace bisect step --session all --label "$NAME" -- $load
echo "all $?"

kmodtrace bisect start --session killed --bad-when 'module(acpi_cpufreq).errno(EINVAL)>0' --runs 2 --rate 1
cat >/tmp/workload <<'WORKLOAD'
[ -e /tmp/second ] || exec touch /tmp/second
[ -e /tmp/up ] || { touch /tmp/up; exec sleep 1000; }
WORKLOAD
step() {
    kmodtrace bisect step --session killed -- sh -c "sh /tmp/workload; $load"
}
step &
until [ -e /tmp/up ]; do sleep 1; done
sum=$(md5sum </out/killed/0001/01.kmt)
kill -9 $(cat /out/killed/lock)
wait
[ -e /out/killed/0001/02.kmt.part ] || echo "nothing was left of the run that was killed"
step
echo "killed $?"
[ "$sum" = "$(md5sum </out/killed/0001/01.kmt)" ] || echo "a recording from before has changed"

kmodtrace bisect start --session unseen --bad-when 'wait(mutex).max>1s' --rate 1
kmodtrace bisect step --session unseen -- $load
echo "unseen $?"
kmodtrace bisect step --session unseen -- /nowhere
echo "nowhere $?"
true
