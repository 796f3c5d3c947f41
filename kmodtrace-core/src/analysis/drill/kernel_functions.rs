//! Functions of the kernel that init functions call, and that tell most about them.
//!
//! All the machine calls them, and pays for the probe: a look into a map where the task is in no load. So `kmalloc` and what else runs
//! a thousand times a second is not here.

/// Each by the names that it has had, the newest first.
pub const OUTSIDE: &[&[&str]] = &[
    // Another module: kernel/module/kmod.c.
    &["__request_module"],
    // Registration: drivers/base, fs, block, net.
    &["driver_register"],
    &["bus_register"],
    &["class_register", "__class_register"],
    &["device_add"],
    &["__register_chrdev"],
    &["__register_blkdev"],
    &["register_filesystem"],
    &["register_netdevice"],
    &["cpufreq_register_driver"],
    // Firmware: drivers/base/firmware_loader/main.c. The others are made of the first.
    &["_request_firmware", "request_firmware"],
    &["request_firmware_nowait"],
    // Allocation of what is large, or slow to come by: mm, kernel/workqueue.c, kernel/kthread.c. With allocation profiling (6.10)
    // the names end otherwise.
    &["__vmalloc_node_range_noprof", "__vmalloc_node_range"],
    &["pcpu_alloc_noprof", "pcpu_alloc"],
    &["__kmem_cache_create_args", "kmem_cache_create_usercopy"],
    &["alloc_workqueue_noprof", "alloc_workqueue"],
    &["kthread_create_on_node"],
    // Waiting: kernel/sched/completion.c, kernel/time, kernel/workqueue.c, kernel/rcu.
    &["wait_for_completion"],
    &["wait_for_completion_timeout"],
    &["msleep"],
    &["__flush_work"],
    &["__flush_workqueue", "flush_workqueue"],
    &["synchronize_rcu"],
];
