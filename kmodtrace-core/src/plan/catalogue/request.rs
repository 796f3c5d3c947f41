//! The kernel's own requests for modules (`__request_module`, kernel/module/kmod.c), and the helpers that answer them.
//!
//! No trampoline is attached to `__request_module`: they do not take variable arguments. Nor is a return probe, which would show itself
//! as the caller that the tracepoint `module_request` tells.

use kmodtrace_common::functions;

use super::{function, wanted};
use crate::plan::existence::{Existence, Sign, Trace};
use crate::plan::spec::{Attach, AttachStage, Candidate, Hook, Mechanism, ProbeSpec};

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

const REQUEST_MODULE: Hook = function(functions::REQUEST_MODULE);
const SECURITY: Hook = function(functions::SECURITY_KERNEL_MODULE_REQUEST);
const DOWN_TIMEOUT: Hook = function(functions::DOWN_TIMEOUT);
const PREPARE_TO_WAIT: Hook = function(functions::PREPARE_TO_WAIT_EVENT);
const MODULE_REQUEST: Hook = tracepoint!("module", "module_request", "ip" at 8, "wait" at 16);
const DUP_REQUEST: Hook = function(functions::KMOD_DUP_REQUEST_EXISTS_WAIT);
const EXEC: Hook = function(functions::CALL_USERMODEHELPER_EXEC);
const EXEC_WORK: Hook = function(functions::CALL_USERMODEHELPER_EXEC_WORK);
const EXEC_ASYNC: Hook = function(functions::CALL_USERMODEHELPER_EXEC_ASYNC);
const FORK: Hook = tracepoint!("sched", "sched_process_fork");
const WAKE_UP: Hook = function(functions::WAKE_UP_NEW_TASK);
const RUN: Hook = tracepoint!("sched", "sched_process_exec", "filename" at 8);
const END: Hook = tracepoint!("sched", "sched_process_exit");
const FINALIZE_EXEC: Hook = function(functions::FINALIZE_EXEC);
const DO_EXIT: Hook = function(functions::DO_EXIT);
const GET_FS_TYPE: Hook = function(functions::GET_FS_TYPE);

const REQUESTS: &str = "requests of the kernel: who asks for which module, and what came of it";
const SLOTS: &str = "waits for a slot of the kernel's limit of helpers";
const DUPS: &str = "requests that another task's request stands for";
const HELPERS: &str = "helpers: which task answers a request, what it runs, and what it ends with";
const FS_TYPES: &str = "whether get_fs_type found the file system after its request";

const fn request(id: &'static str, candidates: &'static [Candidate], loses: &'static str) -> ProbeSpec {
    wanted(id, AttachStage::Request, candidates, loses)
}

/// Requests.
pub(super) const PROBES: &[ProbeSpec] = &[
    request(
        "get_fs_type.enter",
        // A kprobe has the registers, and with them the caller.
        candidates!([KprobeMulti GET_FS_TYPE] [Kprobe GET_FS_TYPE] [Fentry GET_FS_TYPE]),
        FS_TYPES,
    ),
    // What the tracepoint tells, except when a slot was had: the return of down_timeout knows that. A tracepoint takes a grace period
    // to go.
    request(
        "__request_module.enter",
        candidates!([KprobeMulti REQUEST_MODULE]),
        REQUESTS,
    )
    .exists_if(SEMAPHORE)
    .replaced_by("module_request.hit"),
    request("security_kernel_module_request.enter", enter!(SECURITY), REQUESTS).begins(),
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
    request("module_request.hit", hit!(MODULE_REQUEST), REQUESTS).spare_for("__request_module.enter"),
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
        candidates!([RawTracepoint FORK] [KprobeMulti WAKE_UP] [Kprobe WAKE_UP]),
        HELPERS,
    ),
    request(
        "sched_process_exec.hit",
        hit!(RUN or KprobeMulti FINALIZE_EXEC),
        HELPERS,
    ),
    request("sched_process_exit.hit", hit!(END or KprobeMulti DO_EXIT), HELPERS),
    request("call_usermodehelper_exec.exit", exit!(EXEC), REQUESTS),
    request("get_fs_type.exit", exit!(GET_FS_TYPE), FS_TYPES),
];
