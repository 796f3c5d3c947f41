# Called by `git bisect run` at every commit, in the kernel's tree. Good is 0, bad is 1, 125 is neither.

# The same source gives the same kernel, whenever it is built.
export KBUILD_BUILD_TIMESTAMP='1970-01-01 00:00:00' KBUILD_BUILD_VERSION=1 KBUILD_BUILD_USER=demo KBUILD_BUILD_HOST=demo

build() {
    # shellcheck disable=SC2086
    make --silent --jobs="$jobs" $compiler LOCALVERSION=-bisect "$@" >>"$place/build.log" 2>&1
}

# No kernel but this commit's is there to be booted.
rm -rf "$made"
: >"$place/build.log"
began=$(date +%s)
echo "building: $place/build.log"
if build bzImage modules && build modules_install INSTALL_MOD_PATH="$made" INSTALL_MOD_STRIP=1; then
    echo "built in $(($(date +%s) - began)) s"
else
    echo "does not build:"
    grep --max-count=3 'error:' "$place/build.log" || tail -n 3 "$place/build.log"
    exit 125
fi
exec "$kmodtrace" bisect step --session "$session" --vm "sh '$place/boot.sh'"
