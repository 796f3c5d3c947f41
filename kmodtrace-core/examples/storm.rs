//! Writes a recording of a storm that never was: `storm RECORDS FILE`. Something to replay where nothing can be traced.

use std::error::Error;
use std::fs::File;

use kmodtrace_core::decode::split;
use kmodtrace_core::recording::{Clock, Header, Kernel, Writer};
use kmodtrace_core::synth::{CPUS, Storm};
use kmodtrace_core::units::Ktime;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [records, file] = &words[..] else {
        return Err("usage: storm RECORDS FILE".into());
    };
    let records: u64 = records.parse()?;
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
    // No attempt has fewer than two records, so this many are enough.
    let mut storm = Storm::new(records);
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
