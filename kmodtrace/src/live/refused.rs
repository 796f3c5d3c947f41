//! The calls that the BPF side only counted: how many there were in the end.

use anyhow::{Context as _, Result};
use aya::maps::{HashMap, Map, MapData, MapError};
use kmodtrace_common::{COMM_LEN, UNREAD};

/// A user and a program, as bytes: the effective user, then the task's name.
type Who = [u8; 4 + COMM_LEN];

/// The number of calls, and when it was last told.
type Count = [u64; 2];

/// The map of them.
pub(crate) struct Refused(HashMap<MapData, Who, Count>);

impl Refused {
    /// Gives the map the entry of those that find no room in it.
    pub(crate) fn new(map: Map) -> Result<Self> {
        let mut map = HashMap::try_from(map).context("the BPF object has another map REFUSED")?;
        let mut others = [0; 4 + COMM_LEN];
        others[..4].copy_from_slice(&UNREAD.to_ne_bytes());
        map.insert(others, [0; 2], 0)
            .context("cannot write to the map REFUSED")?;
        Ok(Self(map))
    }

    /// Users, programs and calls. Not while tracing: each system call on a map makes the kernel skip programs on kprobes.
    pub(crate) fn read(&self) -> Result<Vec<(u32, [u8; COMM_LEN], u64)>, MapError> {
        let mut all = Vec::new();
        for entry in &self.0 {
            let (who, [calls, _]) = entry?;
            let (mut uid, mut comm) = ([0; 4], [0; COMM_LEN]);
            uid.copy_from_slice(&who[..4]);
            comm.copy_from_slice(&who[4..]);
            if calls > 0 {
                all.push((u32::from_ne_bytes(uid), comm, calls));
            }
        }
        Ok(all)
    }
}
