//! Signals that end or stop the view: the terminal is as it was then.

use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::Child;

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use rustix::termios::{LocalModes, tcgetattr};

use crate::support::{file, kmodtrace, sample, scratch};
use crate::terminal::Terminal;

const TAKEN: &str = "\u{1b}[?1049h";
const GIVEN_BACK: &str = "\u{1b}[?1049l";

/// The view of a recording, on its terminal.
fn view(test: &str) -> (Child, Terminal) {
    let folder = scratch(test);
    let recording = file(&folder, "a.kmt", sample(8).bytes);
    let mut terminal = Terminal::new(24, 80);
    let mut command = kmodtrace(&["--from", &recording]);
    command
        .stdin(terminal.line())
        .stdout(terminal.line())
        .env("TERM", "xterm")
        // In an orphaned group nothing stops (is_current_pgrp_orphaned, kernel/exit.c).
        .process_group(0);
    // A shell without job control starts what it leaves in the background with SIGQUIT ignored, this test and its children included.
    // SAFETY: signal may be called between fork and exec (signal-safety(7)).
    unsafe {
        command.pre_exec(|| {
            libc::signal(libc::SIGQUIT, libc::SIG_DFL);
            Ok(())
        });
    }
    let child = command.spawn().unwrap();
    drop(command);
    terminal.wait_for(TAKEN);
    terminal.wait_for("MODULE");
    assert!(!is_of_shells(&terminal));
    (child, terminal)
}

/// Whether lines are edited by the kernel, as shells leave a terminal to programs.
fn is_of_shells(terminal: &Terminal) -> bool {
    let modes = tcgetattr(terminal.line()).unwrap().local_modes;
    modes.contains(LocalModes::ICANON | LocalModes::ECHO)
}

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

#[test]
fn quit_and_abort_give_the_terminal_back() {
    for signal in [Signal::QUIT, Signal::ABORT] {
        let (mut child, mut terminal) = view("view-ends");
        send(&child, signal);
        terminal.wait_for(GIVEN_BACK);
        assert_eq!(child.wait().unwrap().signal(), Some(signal.as_raw()));
        assert!(is_of_shells(&terminal), "{signal:?}");
    }
}

#[test]
fn a_stop_gives_the_terminal_back_and_what_follows_draws_again() {
    let (mut child, mut terminal) = view("view-stops");
    send(&child, Signal::TSTP);
    terminal.wait_for(GIVEN_BACK);
    let (_, status) = waitpid(Some(Pid::from_child(&child)), WaitOptions::UNTRACED)
        .unwrap()
        .unwrap();
    assert!(status.stopped() && is_of_shells(&terminal));
    send(&child, Signal::CONT);
    terminal.wait_for(TAKEN);
    terminal.wait_for("MODULE");
    assert!(!is_of_shells(&terminal));
    send(&child, Signal::TERM);
    terminal.wait_for(GIVEN_BACK);
    assert!(child.wait().unwrap().success());
}
