//! The kernel's own requests for modules (`__request_module`, kernel/module/kmod.c), and the helpers that answer them.
//!
//! Nothing is attached to `__request_module`: trampolines do not take variable arguments, and a return probe would show itself as the
//! caller that the tracepoint `module_request` tells.

use super::{function, passed, wanted};
use crate::plan::existence::{Existence, Sign, Trace};
use crate::plan::spec::{Attach, Candidate, Hook, Mechanism, ProbeSpec, Stage};

/// The queue in which requests waited for a slot before "module: use a semaphore for the modprobe limit" made it a semaphore (6.4).
const QUEUE: &str = "kmod_wq";
/// The data of the loader became an array of this in the same version.
const MEMORY: Trace = Trace::Type("module_memory");
/// It came later (6.5).
const LATER: Trace = Trace::Type("idempotent");
const QUEUED: Existence = &[
    Sign::With(Trace::Data(QUEUE)),
    Sign::Without(MEMORY),
    Sign::Unless(LATER),
];
const SEMAPHORE: Existence = &[Sign::Without(Trace::Data(QUEUE)), Sign::With(MEMORY), Sign::If(LATER)];
/// With `CONFIG_MODULE_DEBUG_AUTOLOAD_DUPS` (6.4).
const DUP_REQUESTS: Existence = &[
    Sign::With(Trace::Type("kmod_dup_req")),
    Sign::With(Trace::Function("kmod_dup_request_exists_wait")),
];

/// `int security_kernel_module_request(char *kmod_name)`
const SECURITY: Hook = function("security_kernel_module_request", 1);
/// `int down_timeout(struct semaphore *sem, long timeout)`
const DOWN_TIMEOUT: Hook = passed("down_timeout", 2);
/// `long prepare_to_wait_event(struct wait_queue_head *wq_head, struct wait_queue_entry *wq_entry, int state)`
const PREPARE_TO_WAIT: Hook = passed("prepare_to_wait_event", 3);
const MODULE_REQUEST: Hook = tracepoint!("module", "module_request", "ip" at 8, "wait" at 16);
/// `bool kmod_dup_request_exists_wait(char *module_name, bool wait, int *dup_ret)`
const DUP_REQUEST: Hook = passed("kmod_dup_request_exists_wait", 3);
/// `int call_usermodehelper_exec(struct subprocess_info *sub_info, int wait)`
const EXEC: Hook = function("call_usermodehelper_exec", 2);
/// `static void call_usermodehelper_exec_work(struct work_struct *work)`
const EXEC_WORK: Hook = function("call_usermodehelper_exec_work", 1);
/// `static int call_usermodehelper_exec_async(void *data)`
const EXEC_ASYNC: Hook = function("call_usermodehelper_exec_async", 1);
const FORK: Hook = tracepoint!("sched", "sched_process_fork");
/// `void wake_up_new_task(struct task_struct *p)`: the next thing that whoever forked does. The format of the tracepoint has no
/// thread group.
const WAKE_UP: Hook = function("wake_up_new_task", 1);
const RUN: Hook = tracepoint!("sched", "sched_process_exec", "filename" at 8);
const END: Hook = tracepoint!("sched", "sched_process_exit");
/// `struct file_system_type *get_fs_type(const char *name)`
const GET_FS_TYPE: Hook = passed("get_fs_type", 1);

const REQUESTS: &str = "requests of the kernel: who asks for which module, and what came of it";
const SLOTS: &str = "waits for a slot of the kernel's limit of helpers";
const DUPS: &str = "requests that another task's request stands for";
const HELPERS: &str = "helpers: which task answers a request, what it runs, and what it ends with";
const FS_TYPES: &str = "whether get_fs_type found the file system after its request";

const fn request(id: &'static str, candidates: &'static [Candidate], loses: &'static str) -> ProbeSpec {
    wanted(id, Stage::Request, candidates, loses)
}

/// Requests.
pub(super) const PROBES: &[ProbeSpec] = &[
    request(
        "get_fs_type.enter",
        // A kprobe has the registers, and with them the caller.
        candidates!([KprobeMulti GET_FS_TYPE] [Kprobe GET_FS_TYPE] [Fentry GET_FS_TYPE]),
        FS_TYPES,
    ),
    request("security_kernel_module_request.enter", enter!(SECURITY), REQUESTS),
    request("security_kernel_module_request.exit", exit!(SECURITY), REQUESTS),
    request("down_timeout.enter", enter!(DOWN_TIMEOUT), SLOTS).exists_if(SEMAPHORE),
    request("down_timeout.exit", exit!(DOWN_TIMEOUT), SLOTS).exists_if(SEMAPHORE),
    // Its return probe would not see which queue it was for.
    request(
        "prepare_to_wait_event.exit",
        candidates!([Fexit PREPARE_TO_WAIT; QUEUE]),
        SLOTS,
    )
    .exists_if(QUEUED),
    request("module_request.hit", hit!(MODULE_REQUEST), REQUESTS),
    request("kmod_dup_request_exists_wait.enter", enter!(DUP_REQUEST), DUPS).exists_if(DUP_REQUESTS),
    request("kmod_dup_request_exists_wait.exit", exit!(DUP_REQUEST), DUPS).exists_if(DUP_REQUESTS),
    request("call_usermodehelper_exec.enter", enter!(EXEC), HELPERS),
    request(
        "call_usermodehelper_exec_work.enter",
        enter!(EXEC_WORK),
        "how long helpers wait for a kworker",
    ),
    request("call_usermodehelper_exec_async.enter", enter!(EXEC_ASYNC), HELPERS),
    request(
        "sched_process_fork.hit",
        candidates!([KprobeMulti WAKE_UP] [RawTracepoint FORK] [Kprobe WAKE_UP]),
        HELPERS,
    ),
    request("sched_process_exec.hit", hit!(RUN), HELPERS),
    request("sched_process_exit.hit", hit!(END), HELPERS),
    request("call_usermodehelper_exec.exit", exit!(EXEC), REQUESTS),
    request("get_fs_type.exit", exit!(GET_FS_TYPE), FS_TYPES),
];
