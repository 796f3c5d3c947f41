"""Asks an engine the questions of docs/fleet.md, and works the answers out of reports as JSON.

Arguments: the engine, the documentation, kmodtrace, a folder of its own, and the recordings. Prints how many rows of answers were compared.
"""

import collections
import json
import pathlib
import re
import subprocess
import sys

engine, documentation, kmodtrace, folder, *recordings = sys.argv[1:]
folder = pathlib.Path(folder)
DIR = folder / "tables"
TEN_SECONDS = 10_000_000_000
# A question of theirs, by the first line.
BLOCKS = dict(re.findall(r"```sql\n-- ([^\n]*)\n(.*?)```", pathlib.Path(documentation).read_text(), re.DOTALL))


def duckdb():
    import duckdb

    connection = duckdb.connect()

    def ask(sql):
        return connection.execute(sql).fetchall()

    return "DuckDB", ask


def datafusion():
    import datafusion

    context = datafusion.SessionContext()

    def ask(sql):
        found = context.sql(sql.rstrip().rstrip(";"))
        return [tuple(column.as_py() for column in row) for batch in found.collect() for row in zip(*batch.columns)]

    return "DataFusion", ask


def pyspark():
    from pyspark.sql import SparkSession

    # A task for each partition is more than so few rows need.
    settings = {"spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "2", "spark.sql.session.timeZone": "UTC"}
    builder = SparkSession.builder.master("local[2]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")

    def ask(sql):
        return [tuple(row) for row in session.sql(sql.rstrip().rstrip(";")).collect()]

    return "Spark", ask


def opened(where):
    """The engine with the tables in this folder, each as the documentation opens it."""
    name, ask = {"duckdb": duckdb, "datafusion": datafusion, "pyspark": pyspark}[engine]()
    for statement in BLOCKS[name].strip().split("\n"):
        ask(statement.replace("'fleet/", f"'{where}/"))
    return name, ask


def rank(values, share):
    """The smallest value that so many of a hundred are not above."""
    values = sorted(values)
    return values[-(-share * len(values) // 100) - 1]


def identity(head):
    known = [head["machine_id"], head["boot_id"], str(head["began_unix_ns"])]
    return "/".join(part for part in known if part is not None)


reports = {}
for recording in recordings:
    cache = folder / (pathlib.Path(recording).name + ".json")
    if not cache.exists():
        printed = subprocess.run([kmodtrace, "report", "--attempts", "--format", "json", recording], check=True, capture_output=True)
        cache.write_bytes(printed.stdout)
    report = json.loads(cache.read_text())
    reports[identity(report["recording"])] = report
assert len(reports) == len(recordings), "two recordings have one identity"
boots = {name: report for name, report in reports.items() if "before" in report["account"]}
assert boots, "no recording is of a boot"


def release(report):
    return report["kernel"]["release"]


def question_1():
    for name, report in boots.items():
        head, cost = report["recording"], report["account"]["in_flight_ns"]
        if cost > TEN_SECONDS:
            yield head["host"], head["machine_id"], release(report), head["tags"].get("rack"), cost, name


def question_2():
    kernels = collections.defaultdict(list)
    for report in boots.values():
        kernels[release(report)].append((report["account"]["in_flight_ns"], report["recording"]["machine_id"]))
    for kernel, rows in kernels.items():
        costs = [cost for cost, _ in rows]
        slow = sum(cost > TEN_SECONDS for cost in costs)
        yield kernel, len({machine for _, machine in rows}), len(rows), slow, rank(costs, 50), rank(costs, 99)


def question_3():
    times = collections.defaultdict(list)
    for report in boots.values():
        for row in report["attempts"]:
            if row["role"] == "leader" and row["duration_ns"] is not None:
                times[release(report), row["module"]].append(row["duration_ns"])
    whole = collections.Counter()
    for (kernel, _), long in times.items():
        whole[kernel] += sum(long)
    rows = [(kernel, module, len(long), sum(long), max(long), 100 * sum(long) / whole[kernel]) for (kernel, module), long in times.items()]
    yield from sorted(rows, key=lambda row: (-row[3], row[0], row[1]))[:20]


def question_4():
    failures, machines = collections.Counter(), collections.defaultdict(set)
    for name, report in reports.items():
        for row in report["attempts"] + report["unloads"] + report["requests"]:
            origin = row["origin"]
            if origin and origin["errno"]:
                # Requests have no name of an errno that they did not return.
                errno = row.get("errno_name") or row["outcome"]
                key = errno, origin["stage"], origin["function"]
                failures[key] += 1
                machines[key].add(report["recording"]["machine_id"] or name)
    for key, count in failures.items():
        yield *key, count, len(machines[key])


def question_5():
    times = collections.defaultdict(list)
    for report in reports.values():
        for row in report["attempts"] + report["unloads"]:
            for wait in row["waits"]:
                module = wait["module"] or row["module"]
                if wait["duration_ns"] is not None and module is not None:
                    times[module, wait["kind"], row["collided_with"] or "none"].append(wait["duration_ns"])
    for key, long in times.items():
        yield *key, len(long), sum(long), rank(long, 99), max(long)


def question_6():
    # Of loads, as `collided_with` has it, and of the spans of states.
    met, going, total = collections.Counter(), collections.Counter(), collections.Counter()
    for report in reports.values():
        for row in report["attempts"]:
            met[row["module"]] += row["collided_with"] == "GOING"
        for row in report["states"]:
            if row["state"] == "GOING":
                going[row["module"]] += 1
                total[row["module"]] += row["duration_ns"] or 0
    for module in {module for counted in (met, going) for module, count in counted.items() if count}:
        yield module, met[module], going[module], total[module]


def buckets():
    counted = collections.Counter()
    for report in reports.values():
        for module in report["modules"]:
            for bucket in module["load_ns"]["buckets"]:
                counted[module["name"], bucket["upper_ns"]] += bucket["count"]
    for key, count in counted.items():
        yield *key, count


def plain(rows):
    """Rows that compare, whatever the engine's numbers are, in an order in which null has a place."""
    number = lambda value: value if value is None or isinstance(value, str) else round(float(value), 6) if value % 1 else int(value)
    return sorted((tuple(map(number, row)) for row in rows), key=lambda row: [(value is not None, str(value)) for value in row])


def equal(what, seen, wanted):
    seen, wanted = plain(seen), plain(wanted)
    assert wanted, f"{what}: nothing is wanted"
    assert seen == wanted, f"{what}: {[row for row in seen if row not in wanted][:3]}, and not {[row for row in wanted if row not in seen][:3]}"
    return len(wanted)


def exported(where, *more):
    return subprocess.run([kmodtrace, "export", "parquet", where, *more], capture_output=True, text=True)


if not DIR.exists():
    done = exported(DIR, *recordings)
    assert (done.returncode, done.stderr) == (0, ""), done
name, ask = opened(DIR)
compared = 0
for number, wanted in enumerate([question_1, question_2, question_3, question_4, question_5, question_6], 1):
    compared += equal(f"question {number}", ask(BLOCKS[f"question {number}"]), wanted())
[block] = [block for title, block in BLOCKS.items() if title.startswith("buckets") and name in title]
compared += equal("buckets", ask(block), buckets())
for table, rows in [("attempts", ["attempts", "unloads"]), ("requests", ["requests"]), ("states", ["states"]), ("findings", ["findings"])]:
    counted = sum(len(report[row]) for report in reports.values() for row in rows)
    compared += equal(table, ask(f"SELECT COUNT(*) FROM {table}"), [(counted,)])
# What kmodtrace itself says of a folder, beside what the engine makes of the tables.
together = folder / "together"
if not together.exists():
    together.mkdir()
    for number, recording in enumerate(recordings):
        (together / f"{number}.kmt").symlink_to(pathlib.Path(recording).resolve())
printed = subprocess.run([kmodtrace, "report", "--format", "json", together], check=True, capture_output=True)
fleet = json.loads(printed.stdout)
told = [(row["recordings"], row["total"], row["max"]) for row in fleet["rows"] if (row["subject"], row["name"]) == ("all", "loads in flight")]
compared += equal("in flight", told, ask("SELECT COUNT(*), SUM(in_flight_ns), MAX(in_flight_ns) FROM recordings"))
told = [(row["subject"]["module"], row["recordings"], row["total"], row["max"]) for row in fleet["rows"] if row["name"] == "load total"]
sql = "SELECT module, COUNT(*), SUM(load_total_ns), MAX(load_total_ns) FROM modules WHERE load_count > 0 GROUP BY module"
compared += equal("loads of modules", told, ask(sql))
slow = {row[0] for row in ask(BLOCKS["question 1"])}
assert 0 < len(slow) < len(boots), f"{len(slow)} of {len(boots)} boots are slow"
print(compared)
