# Called by `kmodtrace bisect step` as often as it needs more runs: one boot. Recordings are left in $KMODTRACE_OUT.

exec "$xtask" vm --no-build --copy "$kmodtrace:usr/local/bin/kmodtrace" \
    --kernel-image "$image" --modules-dir "$made"/lib/modules/* --modules "$module" \
    --out "$KMODTRACE_OUT" -- "$(cat "$place/guest.sh")"
