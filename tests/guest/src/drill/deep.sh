
if has kt_deep; then
    drill deep kt_deep -- sh -c 'for case; do modprobe kt_deep way=${case%-*} place=${case#*-}; done' \
        sh static-1 static-2 inline-1 probe-2 work-2
fi
