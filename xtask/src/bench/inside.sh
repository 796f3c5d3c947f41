# Runs in the guest: loads of xfs with nothing, with some of its functions drilled, and with all of them.
# ROUNDS, ALL_ROUNDS, CYCLES and SOME are set in front of this.

file=$(modinfo -n xfs) || exit
case $file in
    *.xz) xz -dc "$file" ;;
    *) cat "$file" ;;
esac > /tmp/xfs.ko || exit
# What it needs stays.
modprobe xfs && rmmod xfs || exit
block="load-bench block $CYCLES 1 0 /tmp/xfs.ko"
$block > /tmp/warm-up || exit
# under NAME ARGUMENTS
under() {
    name=$1
    shift
    load-bench under "$name" kmodtrace drill xfs "$@" --format json -o /tmp/xfs.kmt -- $block > /tmp/answer 2> /tmp/said
    status=$?
    cat /tmp/said >> /out/drill.said
    [ $status = 0 ] || { cat /tmp/said >&2; exit $status; }
    # Of the loads themselves nobody asks here.
    grep '"what":' /tmp/answer
}
$block || exit
for round in $(seq $ROUNDS); do
    under some --functions "$SOME"
    $block || exit
done
for round in $(seq $ALL_ROUNDS); do
    under all
    $block || exit
done
