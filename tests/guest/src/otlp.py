"""Takes what kmodtrace sends to a collector, reads it by OpenTelemetry's own description, and compares it with the report of the same recording
as JSON. Arguments: the program, the recording, that report."""

import collections
import json
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

from google.protobuf.unknown_fields import UnknownFieldSet
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

tool, recording = sys.argv[1:3]
with open(sys.argv[3]) as file:
    report = json.load(file)

taken, answers = [], []


class Collector(BaseHTTPRequestHandler):
    """Answers as it is told to, and 200 where it is told nothing."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        status = answers.pop(0) if answers else 200
        if status == 200:
            taken.append((self.path, self.headers["content-type"], body))
        self.send_response(status)
        self.send_header("retry-after", "0")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Collector)
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{server.server_port}"


def export(to=address, name=recording, **options):
    return subprocess.run([tool, "export", "otlp", to, name], capture_output=True, text=True, timeout=120, **options)


def spans():
    """All that were taken so far, and what they are of."""
    found, resources = [], []
    for path, kind, body in taken:
        assert kind == "application/x-protobuf" and path in ("/v1/traces", "/v1/metrics"), (path, kind)
        if path == "/v1/metrics":
            continue
        request = ExportTraceServiceRequest()
        request.ParseFromString(body)
        assert not len(UnknownFieldSet(request))
        for of in request.resource_spans:
            resources.append({one.key: one.value for one in of.resource.attributes})
            for scope in of.scope_spans:
                assert scope.scope.name == "kmodtrace"
                found += scope.spans
    return found, resources


# A collector that is busy at first gets all of it, once.
answers += [503, 429]
done = export()
assert done.returncode == 0, done
found, resources = spans()
metrics = ExportMetricsServiceRequest()
(body,) = [body for path, _, body in taken if path == "/v1/metrics"]
metrics.ParseFromString(body)
assert not len(UnknownFieldSet(metrics))
taken.clear()
assert export().returncode == 0
assert [span.SerializeToString() for span in spans()[0]] == [span.SerializeToString() for span in found], "not the same again"
whole = list(taken)
taken.clear()
with open(recording, "rb") as pipe, subprocess.Popen(["cat"], stdin=pipe, stdout=subprocess.PIPE) as cat:
    done = export(name="-", stdin=cat.stdout)
assert done.returncode == 0 and taken == whole, f"not the same from stdin: {done}"

source = report["recording"]
offset = source["began_unix_ns"] - source["began_ns"]
for of in resources:
    assert of["service.name"].string_value == "kmodtrace"
    assert of["os.version"].string_value == report["kernel"]["release"]
    assert ("host.id" in of) == (source["machine_id"] is not None)

by_id = {span.span_id: span for span in found}
assert len(by_id) == len(found) and all(len(id) == 8 and any(id) for id in by_id), "ids of spans"
assert len({span.trace_id for span in found}) == 1 and len(found[0].trace_id) == 16, "one trace"
roots = [span for span in found if not span.parent_span_id]
assert len(roots) == 1, roots
assert all(span.end_time_unix_nano >= span.start_time_unix_nano for span in found)


def told(span):
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


of_kind = collections.defaultdict(list)
for span in found:
    of_kind[span.name.split()[0] if span.name.split()[0] in ("load", "unload", "request", "wait") else "other"].append(span)

begun = lambda rows: [row for row in rows if row["start_ns"] is not None]
ended = roots[0].end_time_unix_nano
compared = 0
children = collections.defaultdict(list)
for span in found:
    children[span.parent_span_id].append(span)

for what, rows in (("load", begun(report["attempts"])), ("unload", begun(report["unloads"]))):
    key = lambda span: (span.start_time_unix_nano, told(span)["thread.id"])
    wanted = sorted(rows, key=lambda row: (row["start_ns"], row["tid"]))
    seen = sorted(of_kind[what], key=key)
    assert len(seen) == len(wanted), f"{what}: {len(seen)} spans, {len(wanted)} rows"
    for span, row in zip(seen, wanted):
        said = told(span)
        assert span.start_time_unix_nano == row["start_ns"] + offset, row["id"]
        end = ended if row["end_ns"] is None else row["end_ns"] + offset
        assert span.end_time_unix_nano == max(end, span.start_time_unix_nano), row["id"]
        assert said.get("kmodtrace.module") == row["module"] and said.get("kmodtrace.errno") == row["errno_name"], said
        assert (span.status.code == Status.STATUS_CODE_ERROR) == bool(row["errno"]), row["id"]
        assert said["thread.id"] == row["tid"] and said["process.pid"] == row["tgid"]
        if row["origin"]:
            assert said["kmodtrace.origin.function"] == row["origin"]["function"]
        lasted = lambda span: span.end_time_unix_nano - span.start_time_unix_nano
        parts = children[span.span_id]
        stages = [part for part in parts if "kmodtrace.stage" in told(part)]
        assert [(part.name, lasted(part)) for part in stages] == [(stage["name"], stage["duration_ns"]) for stage in row["stages"]]
        assert sum(map(lasted, stages)) in (0, lasted(span)), row["id"]
        waits = [part for part in parts if part.name.startswith("wait ")]
        assert [told(part).get("kmodtrace.wait.duration_ns") for part in waits] == [wait["duration_ns"] for wait in row["waits"]]
        links = [wait for wait in row["waits"] if wait["on_id"] is not None]
        assert len(span.links) == len(links)
        for link, wait in zip(span.links, links):
            owner = by_id.get(link.span_id)
            assert owner is None or told(owner)["thread.id"] == wait["on_tid"], (row["id"], wait)
        compared += 1 + len(stages) + len(waits) + len(links)

requests = sorted(begun(report["requests"]), key=lambda row: (row["start_ns"], row["tid"]))
seen = sorted(of_kind["request"], key=lambda span: (span.start_time_unix_nano, told(span)["thread.id"]))
assert len(seen) == len(requests)
for span, row in zip(seen, requests):
    assert span.start_time_unix_nano == row["start_ns"] + offset and told(span)["kmodtrace.request.name"] == row["name"]
    assert told(span).get("kmodtrace.request.outcome") == row["outcome"]
    compared += 1

# Metrics: what they add up to is what the report has.
(of,) = metrics.resource_metrics
assert {one.key for one in of.resource.attributes} >= {"service.name", "os.version"}
by_name = {metric.name: metric for metric in of.scope_metrics[0].metrics}
observed = lambda name: name in by_name
loads = collections.Counter()
for point in by_name["kmodtrace.loads"].sum.data_points if observed("kmodtrace.loads") else []:
    labels = {one.key: one.value.string_value for one in point.attributes}
    loads[labels["kmodtrace.module"], labels["kmodtrace.outcome"]] += point.as_int
wanted = collections.Counter()
for module in report["modules"]:
    for outcome, count in module["outcomes"].items():
        wanted[module["name"] or "(unknown)", outcome] += count
seen = {key: count for key, count in loads.items() if key[1] != "(unseen)"}
assert seen == dict(wanted), (seen, wanted)
for name, field in (("kmodtrace.load_time", "load_ns"), ("kmodtrace.init_time", "init_ns")):
    of_modules = {module["name"] or "(unknown)": module[field] for module in report["modules"] if module.get(field)}
    points = by_name[name].exponential_histogram.data_points if observed(name) else []
    assert {point.attributes[0].value.string_value for point in points} == {
        module for module, spread in of_modules.items() if spread["count"]
    }, name
    for point in points:
        spread = of_modules[point.attributes[0].value.string_value]
        assert (point.count, point.sum, point.scale) == (spread["count"], spread["total"], 4), name
        assert point.zero_count + sum(point.positive.bucket_counts) == point.count
        # Bucket by bucket: the report has the largest whole number that is not above the bound.
        bounds = [
            (int(2 ** ((point.positive.offset + at + 1) / 16) * (1 + 1e-12)), count)
            for at, count in enumerate(point.positive.bucket_counts)
            if count
        ]
        told_there = [(bucket["upper_ns"], bucket["count"]) for bucket in spread["buckets"] if bucket["upper_ns"] > 0]
        assert len(bounds) == len(told_there), name
        for (bound, count), (upper, there) in zip(bounds, told_there):
            assert count == there and abs(bound - upper) <= max(1, upper * 1e-9), (bound, upper)
        compared += 1
compared += len(seen)

# Who is refused is not asked again, and who is nowhere is given up: in one line each.
answers.append(400)
refused = export()
assert refused.returncode == 1 and refused.stderr.count("\n") == 1 and "refuses it with 400" in refused.stderr, refused
if "--unreachable" in sys.argv:
    server.shutdown()
    server.server_close()
    began = time.monotonic()
    gone = export()
    assert gone.returncode == 1 and gone.stderr.count("\n") == 1 and address in gone.stderr, gone
    assert time.monotonic() - began < 60
print(compared)
