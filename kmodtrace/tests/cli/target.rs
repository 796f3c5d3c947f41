//! Where a recording is to go and what is to be run: what is wrong with either is told before anything is attached.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, lchown, symlink};
use std::path::Path;
use std::process::Command;

use crate::support::{done, file, kmodtrace, run, sample, scratch};

/// What lies in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let folder = scratch("place");
    let text = file(&folder, "text", "not a recording");
    let missing = folder.join("missing/x").into_os_string().into_string().unwrap();
    let below = format!("{text}/x");
    let directory = folder.to_str().unwrap();
    for (path, said) in [
        (missing.as_str(), "missing: No such file or directory"),
        (&below, "text: Not a directory"),
        (directory, "is a directory: name a file in it with -o"),
        (&text, "exists and is not a recording: choose another name with -o"),
    ] {
        for args in [["record", "-o", path].as_slice(), &["trace", "-o", path], &["-o", path]] {
            let done = run(args);
            let line = done.refused(1);
            assert!(line.contains(said), "{args:?}: {line}");
        }
    }
    assert_eq!(fs::read_to_string(&text).unwrap(), "not a recording");
    assert_eq!(names(&folder), ["text"]);
}

#[test]
fn a_command_that_cannot_be_run_is_as_in_a_shell() {
    let folder = scratch("command");
    let plain = file(&folder, "plain", "#!/bin/sh\n");
    fs::set_permissions(&plain, fs::Permissions::from_mode(0o644)).unwrap();
    let missing = format!("{plain}/missing");
    let directory = folder.to_str().unwrap();
    let target = folder.join("x").into_os_string().into_string().unwrap();
    for (program, status, said) in [
        (
            "no-such-command-anywhere",
            127,
            "no-such-command-anywhere: command not found",
        ),
        ("/no/such/command", 127, "/no/such/command: command not found"),
        (&missing, 127, "command not found"),
        ("", 127, "command not found"),
        (&plain, 126, "not an executable file"),
        (directory, 126, "not an executable file"),
        ("/", 126, "not an executable file"),
    ] {
        for args in [
            ["record", "-o", &target, "--", program],
            ["trace", "-o", &target, "--", program],
        ] {
            let done = run(&args);
            let line = done.refused(status);
            assert!(line.contains(said), "{args:?}: {line}");
        }
    }
    assert_eq!(names(&folder), ["plain"]);
}

#[test]
fn a_file_on_the_path_that_cannot_be_run_is_126() {
    let folder = scratch("path");
    let plain = file(&folder, "plain-file", "#!/bin/sh\n");
    fs::set_permissions(&plain, fs::Permissions::from_mode(0o644)).unwrap();
    for (path, status) in [(folder.to_str().unwrap(), 126), ("", 127)] {
        let mut command = kmodtrace(&["record", "-o", "/dev/null", "--", "plain-file"]);
        command.env("PATH", path);
        done(command).refused(status);
    }
}

/// What is there stays as it is when nothing can be traced: a kernel without modules, or a user without rights.
#[test]
fn an_older_recording_stays_when_tracing_cannot_start() {
    let folder = scratch("older");
    let sample = sample(8);
    let older = file(&folder, "older.kmt", &sample.bytes);
    if run(&["check"]).status == Some(0) {
        // Here it can start: then the older one is kept under another name.
        let done = run(&["record", "-o", &older, "-d", "10ms"]);
        assert_eq!(done.status, Some(0), "{done:?}");
        assert_eq!(fs::read(folder.join("older.kmt.old")).unwrap(), sample.bytes);
    } else {
        run(&["record", "-o", &older]).refused(69);
        assert_eq!(names(&folder), ["older.kmt"]);
        assert_eq!(fs::read(&older).unwrap(), sample.bytes);
    }
}

#[test]
fn a_device_is_left_where_it_is() {
    run(&["record", "-o", "/dev/null", "-d", "0"]);
    assert!(!Path::new("/dev/null.old").exists() && !Path::new("/dev/null").metadata().unwrap().is_file());
}

fn mkfifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Somebody may have put a pipe there to read what is recorded.
#[test]
fn what_nobody_named_is_no_pipe() {
    let folder = scratch("planted");
    mkfifo(&folder.join("kmodtrace.data"));
    let mut command = kmodtrace(&["record"]);
    command.current_dir(&folder);
    let done = done(command);
    assert!(done.refused(1).contains("kmodtrace.data is not a file"), "{done:?}");
}

#[test]
fn pipes_and_links_of_others_are_refused() {
    if !rustix::process::geteuid().is_root() {
        // Only root can make them.
        return;
    }
    let folder = scratch("others");
    let (pipe, link, own) = (folder.join("pipe"), folder.join("link"), folder.join("own"));
    mkfifo(&pipe);
    symlink(&pipe, &own).unwrap();
    symlink(folder.join("x"), &link).unwrap();
    chown(&pipe, Some(65_534), None).unwrap();
    lchown(&link, Some(65_534), None).unwrap();
    for (path, said) in [
        (&pipe, "belongs to another user (uid 65534)"),
        (&own, "belongs to another user (uid 65534)"),
        (&link, "is a symbolic link of another user (uid 65534)"),
    ] {
        let done = run(&["record", "-o", path.to_str().unwrap()]);
        assert!(done.refused(1).contains(said), "{done:?}");
    }
}

#[test]
fn a_name_that_is_too_long_is_told() {
    let folder = scratch("long");
    let path = folder.join("x".repeat(254));
    let done = run(&["record", "-o", path.to_str().unwrap()]);
    assert!(done.refused(1).contains("File name too long"), "{done:?}");
}
