# The kernel's own test of module loading, undisturbed and in every way to fail: each under the tracer.
way() {
    name=$1
    shift
    kmodtrace record -o "/out/$name.kmt" -- seed "$@" >"/out/$name.txt" 2>"/out/$name.err"
}

way undisturbed undisturbed 0006 0005
way slow-modprobe slow-modprobe
way failing-init failing-init
way nested nested
way nested-49 nested 49
way no-modprobe no-modprobe
