//! Writes recordings of a fleet that never was: `fleet MACHINES DIR` makes a file for each machine.

use std::error::Error;
use std::fs;
use std::io;
use std::path::Path;
use std::thread;

use synth::Machine;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [machines, folder] = &words[..] else {
        return Err("usage: fleet MACHINES DIR".into());
    };
    let (machines, folder) = (machines.parse::<u64>()?, Path::new(folder));
    fs::create_dir_all(folder)?;
    let threads = thread::available_parallelism()?.get();
    let some = |first: usize| {
        let mut numbers = (0..machines).skip(first).step_by(threads);
        move || numbers.try_for_each(|number| Machine::new(number).write(folder))
    };
    thread::scope(|scope| -> io::Result<()> {
        let all: Vec<_> = (0..threads).map(|first| scope.spawn(some(first))).collect();
        all.into_iter()
            .try_for_each(|one| one.join().map_err(|_| io::Error::other("a thread panicked"))?)
    })?;
    Ok(())
}
