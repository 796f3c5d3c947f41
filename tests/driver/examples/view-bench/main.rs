//! What a program that draws on a terminal costs: `view-bench TEXT SECONDS COMMAND...`.
//!
//! The command runs on a pseudo terminal of its own. When its screen shows the text, and after a pause for what starting
//! leaves behind, it is watched for so many seconds; then it is told to quit with a `q`. The answer is one JSON object in
//! one line on stdout. Nothing is sent to the program while it is watched, and what it writes is taken at once.

mod process;
mod screen;
mod terminal;

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use process::{cpu_time, memory, wake_ups};
use terminal::Terminal;

/// What every frame of the view has in its head.
const FRAME: [&str; 2] = ["kmodtrace", "attempts"];
/// A program that shows nothing for so long has failed.
const PATIENCE: Duration = Duration::from_mins(5);
/// Between the text and the measurement.
const PAUSE: Duration = Duration::from_secs(3);

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let [text, seconds, command @ ..] = &words[..] else {
        eprintln!("usage: view-bench TEXT SECONDS COMMAND...");
        return ExitCode::from(2);
    };
    match watch(&text.to_string_lossy(), &seconds.to_string_lossy(), command) {
        Ok(answer) => {
            println!("{answer}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("view-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn watch(text: &str, seconds: &str, command: &[OsString]) -> Result<String> {
    let span = Duration::from_secs(seconds.parse().context("SECONDS is not a number")?);
    let started = Instant::now();
    let mut terminal = Terminal::run(command)?;
    let pid = terminal.pid()?;
    let shows = |terminal: &mut Terminal, texts: &[&str]| -> Result<Duration> {
        let seen = terminal.until(started + PATIENCE, |screen| texts.iter().all(|text| screen.has(text)))?;
        ensure!(seen, "{texts:?} was not shown:\n{}", terminal.screen());
        Ok(started.elapsed())
    };
    let first_frame = shows(&mut terminal, &FRAME)?;
    let all_there = shows(&mut terminal, &[text])?;
    terminal.take(PAUSE)?;

    let (begin, cpu_before, wake_ups_before) = (Instant::now(), cpu_time(pid)?, wake_ups(pid)?);
    let (bytes_before, attempts_before) = (terminal.bytes(), attempts(&terminal)?);
    terminal.take(span)?;
    let (took, cpu, woken) = (begin.elapsed(), cpu_time(pid)?, wake_ups(pid)?);
    let (bytes, attempts) = (terminal.bytes() - bytes_before, attempts(&terminal)?);
    let [resident, peak] = memory(pid)?;
    terminal.quit()?;

    let cpu = cpu.checked_sub(cpu_before).context("its processor time went back")?;
    Ok(format!(
        r#"{{"first_frame_s":{},"shown_s":{},"span_s":{},"cpu_s":{},"wake_ups":{},"bytes":{bytes},"attempts":[{attempts_before},{attempts}],"resident_kb":{resident},"peak_kb":{peak}}}"#,
        first_frame.as_secs_f64(),
        all_there.as_secs_f64(),
        took.as_secs_f64(),
        cpu.as_secs_f64(),
        woken.saturating_sub(wake_ups_before),
    ))
}

/// The number in the head of the view: proof that the records came as they should.
fn attempts(terminal: &Terminal) -> Result<u64> {
    let screen = terminal.screen().to_string();
    let mut words = screen.split_whitespace().skip_while(|word| *word != "attempts").skip(1);
    match words.next().map(str::parse) {
        Some(Ok(number)) => Ok(number),
        _ => bail!("no number of attempts is shown:\n{screen}"),
    }
}
