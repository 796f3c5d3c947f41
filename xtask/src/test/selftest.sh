# The kernel's own test of module loading, undisturbed and in every way to fail: each under the tracer, again as long as the
# kernel skips programs. Says the name of what it runs again.
way() {
    name=$1
    shift
    for try in 1 2 3; do
        kmodtrace record -o "/out/$name.kmt" -- seed "$@" >"/out/$name.txt" 2>"/out/$name.err"
        grep -q 'missed 0,' "/out/$name.err" && return
        echo "$name"
    done
}

way undisturbed undisturbed 0006 0005
way slow-modprobe slow-modprobe
way failing-init failing-init
way nested nested
way nested-49 nested 49
way no-modprobe no-modprobe
