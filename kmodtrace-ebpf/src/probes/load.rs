//! The way of a load up to its init function: the file, `load_module`, the name, the list of modules.

use kmodtrace_common::record::{File, Module};
use kmodtrace_common::{STATE_NONE, kind};

use crate::arguments::Arguments;
use crate::emit::{emit, emit_module, emit_plain, emit_ret, header, tid};
use crate::maps::{current_task, progress};
use crate::probes::mark::{entered, returned};
use crate::probes::path::emit_path;
use crate::probes::{entry, exit, int};
use crate::read::{file, module_name};

#[inline(always)]
fn emit_file_in_attempt(kind: u16, ctx: &impl Arguments) {
    if let Some(task) = current_task(tid()) {
        // Reading it costs more than all else of such a record, so it is told once.
        let untold = if task.fd < 0 { 0 } else { ctx.argument(0) };
        task.fd = -1;
        emit(&file(header::<File>(kind), untold));
    }
}

#[inline(always)]
fn read_enter(ctx: &impl Arguments) {
    emit_file_in_attempt(kind::READ_ENTER, ctx);
    // What an init function reads, such as firmware, is not the module.
    if current_task(tid()).is_some_and(|task| task.progress & progress::LOAD == 0) {
        emit_path(ctx.argument(0));
    }
}

// kernel_read_file(file, offset, buf, buf_size, file_size, id), fs/kernel_read_file.c
entry!(fentry_kernel_read_file, kprobe_kernel_read_file, read_enter);
exit!(
    fexit_kernel_read_file,
    kretprobe_kernel_read_file,
    KERNEL_READ_FILE,
    returned::<{ kind::READ_EXIT }>
);

#[inline(always)]
fn idempotent_enter(ctx: &impl Arguments) {
    emit_file_in_attempt(kind::IDEMPOTENT_ENTER, ctx);
}

// idempotent_init_module(f, uargs, flags), kernel/module/main.c since 6.5
entry!(
    fentry_idempotent_init_module,
    kprobe_idempotent_init_module,
    idempotent_enter
);
exit!(
    fexit_idempotent_init_module,
    kretprobe_idempotent_init_module,
    IDEMPOTENT_INIT_MODULE,
    returned::<{ kind::IDEMPOTENT_EXIT }>
);

// init_module_from_file(f, uargs, flags), kernel/module/main.c since 6.5
entry!(
    fentry_init_module_from_file,
    kprobe_init_module_from_file,
    entered::<{ kind::LEADER_ENTER }>
);

#[inline(always)]
fn load_enter(_ctx: &impl Arguments) {
    if let Some(task) = current_task(tid()) {
        task.progress |= progress::LOAD;
        emit_plain(kind::LOAD_ENTER);
    }
}

#[inline(always)]
fn load_exit(ret: u64) {
    if let Some(task) = current_task(tid()) {
        task.leave(progress::LOAD);
        emit_ret(kind::LOAD_EXIT, int(ret));
    }
}

// load_module(info, uargs, flags), kernel/module/main.c
entry!(fentry_load_module, kprobe_load_module, load_enter);
exit!(fexit_load_module, kretprobe_load_module, LOAD_MODULE, load_exit);

#[inline(always)]
fn name_known(ctx: &impl Arguments) {
    if current_task(tid()).is_some() {
        // Its argument is the module inside the temporary copy of the image: good for the name, not as an address.
        let name = module_name(ctx.argument(3));
        emit(&Module {
            header: header::<Module>(kind::MODULE_NAME),
            module: 0,
            state: STATE_NONE,
            checks: 0,
            name,
        });
    }
}

// module_frob_arch_sections(hdr, sechdrs, secstrings, mod), weak in kernel/module/main.c
entry!(
    fentry_module_frob_arch_sections,
    kprobe_module_frob_arch_sections,
    name_known
);

#[inline(always)]
fn add_unformed_enter(ctx: &impl Arguments) {
    if current_task(tid()).is_some() {
        emit_module(kind::ADD_UNFORMED_ENTER, ctx.argument(0), STATE_NONE);
    }
}

// add_unformed_module(mod), kernel/module/main.c: a symbol only where the compiler did not inline it
entry!(
    fentry_add_unformed_module,
    kprobe_add_unformed_module,
    add_unformed_enter
);
exit!(
    fexit_add_unformed_module,
    kretprobe_add_unformed_module,
    ADD_UNFORMED_MODULE,
    returned::<{ kind::ADD_UNFORMED_EXIT }>
);
