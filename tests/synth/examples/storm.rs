//! Writes a recording of a storm that never was, for where nothing can be traced. `storm RECORDS FILE` is something to
//! replay as fast as it can be read; `storm --attempts COUNT FILE RATE` is something to play as it happens: so many system
//! calls, so many of them a second.

use std::error::Error;
use std::fs::File;

use kmodtrace_core::model::{Clock, Ktime};
use kmodtrace_core::recording::{Header, Kernel, Writer};
use kmodtrace_core::records::decode::split;
use synth::{CPUS, Storm};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (records, mut storm, file) = match words[..] {
        // No attempt has fewer than two records, so this many are enough.
        [records, file] => (records.parse()?, Storm::new(records.parse()?), file),
        ["--attempts", count, file, rate] => (u64::MAX, Storm::new(count.parse()?).paced(rate.parse()?), file),
        _ => return Err("usage: storm RECORDS FILE, or storm --attempts COUNT FILE RATE".into()),
    };
    let kernel = Kernel {
        release: "synthetic".to_owned(),
        version: String::new(),
        arch: "x86_64".to_owned(),
    };
    let clock = Clock {
        monotonic_ns: Ktime(0),
        realtime_ns: 0,
    };
    let header = Header::new(env!("CARGO_PKG_VERSION"), kernel, clock, CPUS, serde_json::json!({}));
    let mut writer = Writer::new(File::create_new(file)?, &header)?;
    let mut written = 0;
    while written < records {
        let Some(round) = storm.next() else { break };
        for record in split(&round) {
            writer.push(record?)?;
            written += 1;
        }
    }
    writer.finish(&storm.trailer())?;
    println!("{written}");
    Ok(())
}
