
# Again and again under one drill, beside an event of somebody else.
echo 'p:mine/x vfs_read' >>$events
recorded cycles dummy -- sh -c \
    'i=0; while [ $i -lt 20 ]; do modprobe dummy numdummies=0 && rmmod dummy || echo "cycle $i"; i=$((i + 1)); done >&2'
echo '-:mine/x' >>$events
