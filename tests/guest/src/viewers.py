"""Reads a trace by Perfetto's own description of it, and compares it with the report of the same recording as JSON."""

import json
import sys

from google.protobuf.unknown_fields import UnknownFieldSet
from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import Trace, TrackEvent

trace = Trace()
with open(sys.argv[1], "rb") as file:
    trace.ParseFromString(file.read())
with open(sys.argv[2]) as file:
    report = json.load(file)

tracks, events = {}, []
for number, packet in enumerate(trace.packet):
    assert not len(UnknownFieldSet(packet)), f"packet {number} has fields that Perfetto does not know"
    if packet.HasField("track_descriptor"):
        tracks[packet.track_descriptor.uuid] = packet.track_descriptor
    if packet.HasField("track_event"):
        assert packet.track_event.track_uuid in tracks, f"packet {number} is on no track"
        events.append((packet.timestamp, number, packet.track_event))

# Slices of a track lie inside one another, as a viewer makes them of beginnings and ends in the order of time.
slices, begun, flows, ended = [], {}, set(), set()
for time, _, event in sorted(events, key=lambda event: event[:2]):
    flows.update(event.flow_ids)
    ended.update(event.terminating_flow_ids)
    stack = begun.setdefault(event.track_uuid, [])
    if event.type == TrackEvent.TYPE_SLICE_BEGIN:
        stack.append((time, event))
    elif event.type == TrackEvent.TYPE_SLICE_END:
        start, begin = stack.pop()
        notes = {note.name: note.string_value for note in begin.debug_annotations}
        slices.append((begin.categories[0], event.track_uuid, start, time - start, begin.name, notes))
for uuid, stack in begun.items():
    slices += [(begin.categories[0], uuid, start, None, begin.name, {}) for start, begin in stack]
assert ended <= flows, "arrows that begin nowhere"


def task(uuid):
    """The thread that a track is of, its parents included."""
    while not tracks[uuid].HasField("thread"):
        uuid = tracks[uuid].parent_uuid
    return tracks[uuid].thread.tid


def compare(kind, wanted):
    """Tasks, times and durations of all slices of a kind."""
    seen = [(task(uuid), start, duration) for of, uuid, start, duration, *_ in slices if of == kind]
    key = lambda slice: (slice[0], slice[1], -1 if slice[2] is None else slice[2])
    assert sorted(seen, key=key) == sorted(wanted, key=key), f"{kind}: {len(seen)} slices, {len(wanted)} in the report"
    return len(seen)


placed = lambda rows: [row for row in rows if row["start_ns"] is not None]
calls = placed(report["attempts"]) + placed(report["unloads"])
whole = lambda rows: [(row["tid"], row["start_ns"], row["duration_ns"]) for row in placed(rows)]
parts = lambda what: [(row["tid"], part["start_ns"], part["duration_ns"]) for row in calls for part in row[what]]
compared = compare("load", whole(report["attempts"])) + compare("unload", whole(report["unloads"]))
compared += compare("request", whole(report["requests"]))
compared += compare("stage", parts("stages")) + compare("wait", parts("waits"))

states = [(tracks[uuid].name, start, duration, name) for of, uuid, start, duration, name, _ in slices if of == "state"]
told = [(row["module"], row["start_ns"], row["duration_ns"], row["state"]) for row in report["states"]]
assert sorted(map(str, states)) == sorted(str(row) for row in told if row[3] != "LIVE"), "states of modules"

outcomes = {int(notes["id"]): notes.get("outcome") for of, *_, notes in slices if of == "load" and notes}
for row in placed(report["attempts"]):
    if row["duration_ns"] is not None:
        assert outcomes[row["id"]] == row["errno_name"], f"outcome of attempt {row['id']}"
print(compared + len(states))
