//! Addresses of the kernel's code as symbols, told by the kernel itself while they mean something.

use aya_ebpf::EbpfContext;
use aya_ebpf::helpers::generated::{bpf_get_stack, bpf_snprintf};
use aya_ebpf::macros::map;
use aya_ebpf::maps::PerCpuArray;
use kmodtrace_common::record::{Site, Stack};
use kmodtrace_common::{SYMBOL_LEN, kind};

use crate::arguments::Arguments;
use crate::emit::emit_in_place;
use crate::globals::HAVE_SNPRINTF;
use crate::read::zero;

/// Symbol and module, as `%ps` prints them. In a frozen read-only map, as the helper demands.
#[unsafe(no_mangle)]
static SYMBOL_FORMAT: [u8; 4] = *b"%ps\0";

/// Writes the symbol at this address where it is to be; an empty one for 0, and where the kernel has no `bpf_snprintf`.
///
/// # Safety
///
/// As for [`zero`].
#[inline(always)]
pub unsafe fn symbol_into(address: u64, to: *mut [u8; SYMBOL_LEN]) {
    // SAFETY: the caller vouches for the destination; the data are ours and of the size given, and the format is constant.
    unsafe {
        zero(to);
        if address != 0 && HAVE_SNPRINTF.load() != 0 {
            let mut data = [address];
            bpf_snprintf(
                to.cast(),
                SYMBOL_LEN as u32,
                SYMBOL_FORMAT.as_ptr().cast(),
                data.as_mut_ptr(),
                size_of_val(&data) as u32,
            );
        }
    }
}

/// Sends a number and who made the call that returns to this address: the address itself may be the next function's already.
#[inline(always)]
pub fn emit_caller(kind: u16, value: i64, return_address: u64) {
    emit_function(kind, value, return_address.saturating_sub(1));
}

/// Sends a number and the function that this address lies in.
#[inline(always)]
pub fn emit_function(kind: u16, value: i64, address: u64) {
    emit_in_place::<Site>(kind, |site| {
        // SAFETY: the record is reserved, and these are all of its fields.
        unsafe {
            (&raw mut (*site).value).write(value);
            symbol_into(address, &raw mut (*site).symbol);
        }
    });
}

/// Frames in one call of `bpf_snprintf`, which takes 12 arguments (`MAX_BPRINTF_VARARGS`, include/linux/bpf.h).
const LINES: usize = 12;
const FRAMES: usize = 2 * LINES;
/// Bytes for the text of one call.
const HALF: usize = kmodtrace_common::STACK_LEN / 2;

#[unsafe(no_mangle)]
static STACK_FORMAT: [u8; 4 * LINES + 1] = *b"%ps\n%ps\n%ps\n%ps\n%ps\n%ps\n%ps\n%ps\n%ps\n%ps\n%ps\n%ps\n\0";

/// Return addresses of a stack.
#[map]
static STACK_FRAMES: PerCpuArray<[u64; FRAMES]> = PerCpuArray::with_max_entries(1, 0);

/// Sends the kernel stack of the task that runs. What lies behind the NUL is what the ring held before.
#[inline(always)]
pub fn emit_stack<C: Arguments + EbpfContext>(ctx: &C) {
    let Some(frames) = STACK_FRAMES.get_ptr_mut(0) else {
        return;
    };
    // SAFETY: the map's slot is of this size and nobody else's while the program runs.
    let bytes = unsafe {
        *frames = [0; FRAMES];
        bpf_get_stack(
            ctx.as_ptr(),
            frames.cast(),
            size_of::<[u64; FRAMES]>() as u32,
            C::OWN_FRAMES,
        )
    };
    if bytes <= 0 {
        return;
    }
    emit_in_place::<Stack>(kind::STACK, |stack| {
        // SAFETY: the record is reserved; each call writes at most HALF bytes, the second one behind the first.
        unsafe {
            (&raw mut (*stack).frames).write(bytes as u64 / 8);
            let text = (&raw mut (*stack).text).cast::<u8>();
            // What it would have written, its NUL included. The mask changes nothing, but the verifier understands it.
            let said = lines(text, frames.cast()).clamp(1, HALF as i64) - 1;
            let used = said as usize & (HALF - 1);
            lines(text.add(used), frames.cast::<u64>().add(LINES));
        }
    });
}

/// Writes the symbols of 12 frames.
#[inline(always)]
unsafe fn lines(text: *mut u8, frames: *mut u64) -> i64 {
    // SAFETY: the caller vouches for both; the format is constant.
    unsafe {
        bpf_snprintf(
            text.cast(),
            HALF as u32,
            STACK_FORMAT.as_ptr().cast(),
            frames,
            (LINES * 8) as u32,
        )
    }
}
