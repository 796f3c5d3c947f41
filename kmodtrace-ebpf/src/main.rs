//! kmodtrace's BPF programs: each writes down what it saw as a record of `kmodtrace-common`, nothing more.
//!
//! What a record means, which attempt it belongs to and who waited for whom is joined in user space. The only state
//! kept here is what a program needs to know whether a function was called by a module system call at all.
//!
//! Every probed function has a program for each way to attach to it, named `{mechanism}_{function}`; user space loads
//! those that its plan chose. A program of this object that no plan knows, or the other way round, fails a test.

#![no_std]
#![no_main]
// Inline assembly for BPF is not stable yet; every compiler that builds for BPF takes unstable features.
#![feature(asm_experimental_arch)]

mod arguments;
mod emit;
mod globals;
mod maps;
mod probes;
mod read;
mod refused;
mod symbol;

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    // The verifier refuses a program that could reach this, so none that loads does.
    loop {}
}

#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
