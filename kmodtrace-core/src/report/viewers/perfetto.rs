//! The protobuf of Perfetto (ui.perfetto.dev, `trace_processor`): the messages and fields that are needed of protos/perfetto/trace, by their numbers there.

use std::collections::BTreeSet;
use std::io::{self, Write};

use prost::Message;

use super::{Level, Rest, Slice, Task, Track, each, missing};
use crate::report::Report;

/// `BUILTIN_CLOCK_REALTIME` and `BUILTIN_CLOCK_MONOTONIC` (`builtin_clock.proto`).
const REALTIME: u32 = 1;
const MONOTONIC: u32 = 3;
/// All packets are of one writer.
const SEQUENCE: u32 = 1;
/// `SEQ_INCREMENTAL_STATE_CLEARED` (`trace_packet.proto`): nothing before the first one is needed.
const CLEARED: u32 = 1;

/// `TrackEvent.Type` (`track_event.proto`).
const SLICE_BEGIN: i32 = 1;
const SLICE_END: i32 = 2;
const INSTANT: i32 = 3;
const COUNTER: i32 = 4;

/// Tracks of one kind have one of these in the bits on top of their numbers, and below the thread group and the task, or another number.
const PROCESS: u64 = 1;
const TASK: u64 = 2;
const WAITS: u64 = 3;
const REQUESTS: u64 = 4;
const MODULE: u64 = 5;
const MODULES: u64 = 6;
const LEVEL: u64 = 7;
/// Number of the track that says what is missing.
const ABOUT: u32 = 99;

const fn uuid(kind: u64, task: Task) -> u64 {
    kind << 61 ^ (task.tgid as u64) << 32 ^ task.tid as u64
}

/// Of what is no task.
const fn numbered(kind: u64, number: u32) -> u64 {
    uuid(kind, Task { tgid: 0, tid: number })
}

#[derive(Message)]
struct Trace {
    #[prost(message, repeated, tag = "1")]
    packet: Vec<Packet>,
}

#[derive(Message)]
struct Packet {
    #[prost(uint64, optional, tag = "8")]
    timestamp: Option<u64>,
    #[prost(uint32, optional, tag = "58")]
    timestamp_clock_id: Option<u32>,
    #[prost(uint32, tag = "10")]
    trusted_packet_sequence_id: u32,
    #[prost(uint32, optional, tag = "13")]
    sequence_flags: Option<u32>,
    #[prost(message, optional, tag = "6")]
    clock_snapshot: Option<ClockSnapshot>,
    #[prost(message, optional, tag = "11")]
    track_event: Option<TrackEvent>,
    #[prost(message, optional, tag = "60")]
    track_descriptor: Option<TrackDescriptor>,
}

#[derive(Message)]
struct ClockSnapshot {
    #[prost(message, repeated, tag = "1")]
    clocks: Vec<Clock>,
    #[prost(uint32, tag = "2")]
    primary_trace_clock: u32,
}

#[derive(Message)]
struct Clock {
    #[prost(uint32, tag = "1")]
    clock_id: u32,
    #[prost(uint64, tag = "2")]
    timestamp: u64,
}

#[derive(Message)]
struct TrackEvent {
    #[prost(int32, tag = "9")]
    kind: i32,
    #[prost(uint64, tag = "11")]
    track_uuid: u64,
    #[prost(string, optional, tag = "23")]
    name: Option<String>,
    #[prost(string, repeated, tag = "22")]
    categories: Vec<String>,
    #[prost(int64, optional, tag = "30")]
    counter_value: Option<i64>,
    #[prost(message, repeated, tag = "4")]
    debug_annotations: Vec<Annotation>,
    #[prost(fixed64, repeated, tag = "47")]
    flow_ids: Vec<u64>,
    #[prost(fixed64, repeated, tag = "48")]
    terminating_flow_ids: Vec<u64>,
}

#[derive(Message)]
struct Annotation {
    #[prost(string, tag = "10")]
    name: String,
    #[prost(string, tag = "6")]
    string_value: String,
}

#[derive(Message)]
struct TrackDescriptor {
    #[prost(uint64, tag = "1")]
    uuid: u64,
    #[prost(uint64, optional, tag = "5")]
    parent_uuid: Option<u64>,
    #[prost(string, optional, tag = "2")]
    name: Option<String>,
    #[prost(message, optional, tag = "3")]
    process: Option<Process>,
    #[prost(message, optional, tag = "4")]
    thread: Option<Thread>,
    #[prost(message, optional, tag = "8")]
    counter: Option<Counter>,
}

#[derive(Message)]
struct Process {
    #[prost(int32, tag = "1")]
    pid: i32,
    #[prost(string, optional, tag = "6")]
    process_name: Option<String>,
}

#[derive(Message)]
#[expect(clippy::struct_field_names, reason = "as Perfetto calls them")]
struct Thread {
    #[prost(int32, tag = "1")]
    pid: i32,
    #[prost(int32, tag = "2")]
    tid: i32,
    #[prost(string, optional, tag = "5")]
    thread_name: Option<String>,
}

#[derive(Message)]
struct Counter {}

/// Writes it. Times are those of `CLOCK_MONOTONIC`, with a snapshot of real time: a trace of perf or ftrace by that clock can be laid over it.
pub fn write_perfetto(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let recording = report.recording.as_ref();
    let (began_ns, unix_ns) = recording.map_or((0, 0), |recording| (recording.began_ns, recording.began_unix_ns));
    let mut packets = Packets {
        out,
        known: BTreeSet::new(),
    };
    packets.put(Packet {
        sequence_flags: Some(CLEARED),
        clock_snapshot: Some(ClockSnapshot {
            clocks: Vec::from(
                [(MONOTONIC, began_ns), (REALTIME, unix_ns)].map(|(clock_id, timestamp)| Clock { clock_id, timestamp }),
            ),
            primary_trace_clock: MONOTONIC,
        }),
        ..Packet::default()
    })?;
    let modules = numbered(MODULES, 0);
    let about = numbered(LEVEL, ABOUT);
    for (uuid, name) in [(modules, "modules"), (about, "kmodtrace")] {
        packets.track(TrackDescriptor {
            name: Some(name.to_owned()),
            ..TrackDescriptor::of(uuid, None)
        })?;
    }
    packets.event(
        began_ns,
        TrackEvent {
            name: Some(missing(&report.quality)),
            ..TrackEvent::of(INSTANT, about)
        },
    )?;
    let Rest { levels, targets } = each(report, |slice| packets.slice(slice, modules))?;
    for target in targets {
        let event = TrackEvent {
            name: Some("somebody waits for it".to_owned()),
            terminating_flow_ids: vec![target.arrow],
            ..TrackEvent::of(INSTANT, uuid(TASK, target.task))
        };
        packets.event(target.time_ns, event)?;
    }
    for level in Level::ALL {
        packets.track(TrackDescriptor {
            name: Some(level.name().to_owned()),
            counter: Some(Counter {}),
            ..TrackDescriptor::of(numbered(LEVEL, level as u32), None)
        })?;
    }
    for (time_ns, level, value) in levels {
        let event = TrackEvent {
            counter_value: Some(value),
            ..TrackEvent::of(COUNTER, numbered(LEVEL, level as u32))
        };
        packets.event(time_ns, event)?;
    }
    Ok(())
}

impl TrackDescriptor {
    fn of(uuid: u64, parent_uuid: Option<u64>) -> Self {
        Self {
            uuid,
            parent_uuid,
            ..Self::default()
        }
    }
}

impl TrackEvent {
    fn of(kind: i32, track_uuid: u64) -> Self {
        Self {
            kind,
            track_uuid,
            ..Self::default()
        }
    }
}

struct Packets<'o, W> {
    out: &'o mut W,
    /// Tracks that are described.
    known: BTreeSet<u64>,
}

impl<W: Write> Packets<'_, W> {
    fn put(&mut self, packet: Packet) -> io::Result<()> {
        let packet = Packet {
            trusted_packet_sequence_id: SEQUENCE,
            ..packet
        };
        // Traces behind one another are one trace.
        self.out.write_all(&Trace { packet: vec![packet] }.encode_to_vec())
    }

    fn event(&mut self, time_ns: u64, event: TrackEvent) -> io::Result<()> {
        self.put(Packet {
            timestamp: Some(time_ns),
            timestamp_clock_id: Some(MONOTONIC),
            track_event: Some(event),
            ..Packet::default()
        })
    }

    /// Describes a track before its first event.
    fn track(&mut self, track: TrackDescriptor) -> io::Result<()> {
        if !self.known.insert(track.uuid) {
            return Ok(());
        }
        self.put(Packet {
            track_descriptor: Some(track),
            ..Packet::default()
        })
    }

    /// Describes a task's track, and that of its process.
    fn task(&mut self, task: Task, comm: &str) -> io::Result<u64> {
        let name = Some(comm.to_owned()).filter(|comm| !comm.is_empty());
        let Task { tgid, tid } = task;
        let process = numbered(PROCESS, tgid);
        self.track(TrackDescriptor {
            process: Some(Process {
                pid: tgid.cast_signed(),
                process_name: name.clone().filter(|_| tgid == tid),
            }),
            ..TrackDescriptor::of(process, None)
        })?;
        let task = uuid(TASK, task);
        self.track(TrackDescriptor {
            thread: Some(Thread {
                pid: tgid.cast_signed(),
                tid: tid.cast_signed(),
                thread_name: name,
            }),
            ..TrackDescriptor::of(task, Some(process))
        })?;
        Ok(task)
    }

    fn slice(&mut self, slice: Slice, modules: u64) -> io::Result<()> {
        let (of_task, name, uuid) = match slice.track {
            Track::Task(task) => (Some(task), None, uuid(TASK, task)),
            Track::Waits(task) => (Some(task), Some("waits".to_owned()), uuid(WAITS, task)),
            Track::Requests(task) => (Some(task), Some("requests".to_owned()), uuid(REQUESTS, task)),
            Track::Module { number, name } => (None, Some(name), numbered(MODULE, number)),
        };
        let parent = of_task.map(|task| self.task(task, &slice.comm)).transpose()?;
        self.track(TrackDescriptor {
            name,
            ..TrackDescriptor::of(uuid, Some(parent.unwrap_or(modules)))
        })?;
        let note = |(name, value): (&str, String)| Annotation {
            name: name.to_owned(),
            string_value: value,
        };
        let begin = TrackEvent {
            name: Some(slice.name),
            categories: vec![slice.kind.to_owned()],
            debug_annotations: slice.notes.into_iter().map(note).collect(),
            flow_ids: slice.arrow.into_iter().collect(),
            ..TrackEvent::of(SLICE_BEGIN, uuid)
        };
        self.event(slice.start_ns, begin)?;
        match slice.duration_ns {
            Some(duration) => self.event(slice.start_ns.saturating_add(duration), TrackEvent::of(SLICE_END, uuid)),
            None => Ok(()),
        }
    }
}
