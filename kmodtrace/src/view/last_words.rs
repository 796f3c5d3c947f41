//! Signals that end or stop the program where it stands, and the terminal that has to be given back before.

use std::io;
use std::mem::zeroed;
use std::ptr::null_mut;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::stdio::{stdin, stdout};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

/// Whether the terminal is ours at this moment.
pub(super) static TAKEN: AtomicBool = AtomicBool::new(false);

/// What its line was before.
static LINE: OnceLock<Termios> = OnceLock::new();

/// No mouse, no alternate screen, a cursor (ctlseqs of xterm).
const GIVE_BACK: &[u8] = b"\x1b[?1006l\x1b[?1015l\x1b[?1003l\x1b[?1002l\x1b[?1000l\x1b[?1049l\x1b[?25h";

/// From now on SIGQUIT and SIGABRT, which is also how an abort ends, find the terminal given back. Not before it is known what that was.
pub(super) fn prepare() -> io::Result<()> {
    let line = tcgetattr(stdin())?;
    let _ = LINE.set(line);
    for signal in [libc::SIGQUIT, libc::SIGABRT] {
        // SAFETY: zeroes are an action without a mask, and both actions live until the calls return.
        unsafe {
            let mut action: libc::sigaction = zeroed();
            libc::sigaction(signal, null_mut(), &raw mut action);
            if action.sa_sigaction != libc::SIG_IGN {
                action.sa_sigaction = end as *const () as usize;
                action.sa_flags = libc::SA_RESETHAND | libc::SA_NODEFER;
                libc::sigaction(signal, &raw const action, null_mut());
            }
        }
    }
    Ok(())
}

/// Only what may be called in a handler (signal-safety(7)): loads, write, tcsetattr, raise.
extern "C" fn end(signal: libc::c_int) {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let _ = rustix::io::write(stdout(), GIVE_BACK);
        if let Some(line) = LINE.get() {
            let _ = tcsetattr(stdin(), OptionalActions::Now, line);
        }
    }
    // SAFETY: the kernel has put back the default action (SA_RESETHAND), which ends the program.
    unsafe { libc::raise(signal) };
}

/// Stops this process, as SIGTSTP does where nobody listens for it, until somebody goes on with it.
///
/// It is this thread that the kernel stops: the main thread comes first where a signal is the process's (`complete_signal`,
/// kernel/signal.c). In an orphaned process group nothing stops, and we just go on.
pub(super) fn stop() -> io::Result<()> {
    // SAFETY: zeroes are the default action, and both actions live until the calls return.
    let stopped = unsafe {
        let (default, mut ours): (libc::sigaction, libc::sigaction) = (zeroed(), zeroed());
        libc::sigaction(libc::SIGTSTP, &raw const default, &raw mut ours);
        let stopped = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TSTP);
        libc::sigaction(libc::SIGTSTP, &raw const ours, null_mut());
        stopped
    };
    stopped.map_err(io::Error::from)
}
