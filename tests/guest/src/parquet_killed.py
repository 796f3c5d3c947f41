"""Kills exports at all instants, and asks DuckDB what is there: whole recordings only, and each of them once after the next export.

Arguments: kmodtrace, and a folder of recordings. Prints how many exports were killed and looked at.
"""

import glob
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

import duckdb

kmodtrace, folder = sys.argv[1:]
# So many that an export takes about a second.
recordings = sorted(pathlib.Path(folder).iterdir())[:10]
wanted = len(recordings)


def begun(where):
    return subprocess.Popen([kmodtrace, "export", "parquet", where, *recordings], stdin=subprocess.DEVNULL)


def counted(where):
    """Recordings, and attempts of those, and whether every file can be read."""
    if not glob.glob(f"{where}/recordings/*/*.parquet"):
        return 0, 0
    for path in glob.glob(f"{where}/*/*/*.parquet"):
        duckdb.execute(f"SELECT * FROM read_parquet('{path}')").fetchall()
    table = lambda name: f"read_parquet('{where}/{name}/*/*.parquet', hive_partitioning = true) AS {name}"
    asked = f"SELECT COUNT(DISTINCT recording), COUNT(*) FROM {table('recordings')} JOIN {table('attempts')} USING (recording, day)"
    return duckdb.execute(asked).fetchone()


with tempfile.TemporaryDirectory(dir=pathlib.Path(folder).parent) as scratch:
    whole = f"{scratch}/whole"
    begin = time.monotonic()
    assert begun(whole).wait() == 0
    lasted = time.monotonic() - begin
    reference = counted(whole)
    assert reference == (wanted, wanted * 300), reference
    killed = 0
    for nth in range(6):
        where = f"{scratch}/{nth}"
        export = begun(where)
        # The first one as soon as it has begun, however fast this machine is just now; the last one about when files get their names.
        while nth == 0 and export.poll() is None and not glob.glob(f"{where}/.*.run"):
            time.sleep(0.001)
        time.sleep(lasted * nth / 5.2)
        export.send_signal(signal.SIGKILL)
        over = export.wait() == 0
        killed += not over
        there, attempts = counted(where)
        assert attempts == there * 300, f"{attempts} attempts of {there} recordings"
        if nth % 2 and not over:
            assert begun(where).wait() == 0
            assert counted(where) == reference, f"after the next one: {counted(where)}"
            left = [path for path in pathlib.Path(where).rglob(".*")]
            assert not left, left
    assert killed, "no export was killed"
    print(killed)
