# Runs in the guest: so many storms, a recording each. There is no hardware for the module, so all of its loads fail.

cat >/tmp/storm <<STORM
for task in 1 2 3 4 5 6 7 8; do
    modprobe $module 2>/dev/null &
done
wait
STORM
for run in $(seq "$runs"); do
    kmodtrace --quiet record --output "/out/$run.kmt" -- sh /tmp/storm || exit
done
