//! What a user without any privilege can do to a tracer of module loads: calls that the kernel refuses at once, as many as it gets.
//!
//! It gives up its privileges, and makes its calls from several threads that bear the name of udev's workers: loads without a file,
//! and unloads of ever new names. At the end it tells in a line of JSON how many calls it made, all of which must have been refused.

use std::ffi::CString;
use std::io;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

const USAGE: &str = "usage: flood THREADS SECONDS";

/// `nobody`, in every Debian.
const NOBODY: libc::uid_t = 65_534;

fn main() -> ExitCode {
    match run() {
        Ok(calls) => {
            println!("{{\"uid\":{NOBODY},\"calls\":{calls}}}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("flood: {error:#}\n{USAGE}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<u64> {
    let mut words = std::env::args().skip(1).map(|word| word.parse::<u64>());
    let mut number = || words.next().context("a number is missing")?.context("not a number");
    let (threads, seconds) = (number()?, number()?);
    // SAFETY: no memory is handed over.
    let given_up = unsafe { libc::setgid(NOBODY) == 0 && libc::setuid(NOBODY) == 0 };
    ensure!(given_up, "cannot give up privileges: {}", io::Error::last_os_error());
    let until = Instant::now() + Duration::from_secs(seconds);
    let threads: Vec<_> = (0..threads)
        .map(|number| thread::spawn(move || flood(number, until)))
        .collect();
    let mut calls = 0;
    for thread in threads {
        calls += thread.join().ok().context("a thread panicked")??;
    }
    Ok(calls)
}

/// The calls of one thread.
fn flood(number: u64, until: Instant) -> Result<u64> {
    // SAFETY: the name is a NUL-terminated string, which is copied.
    unsafe { libc::prctl(libc::PR_SET_NAME, c"(udev-worker)".as_ptr()) };
    let mut calls = 0;
    while Instant::now() < until {
        let name = CString::new(format!("flood_{number}_{calls}"))?;
        // SAFETY: both strings are NUL-terminated and live until the calls return.
        let returned = unsafe {
            [
                libc::syscall(libc::SYS_finit_module, -1, c"".as_ptr(), 0),
                libc::syscall(libc::SYS_delete_module, name.as_ptr(), libc::O_NONBLOCK),
            ]
        };
        ensure!(returned == [-1, -1], "a call was not refused: {returned:?}");
        let error = io::Error::last_os_error();
        ensure!(error.raw_os_error() == Some(libc::EPERM), "refused with {error}");
        calls += 2;
    }
    Ok(calls)
}
