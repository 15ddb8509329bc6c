# SPDX-License-Identifier: MIT
"""What is loaded and where it comes from: pipes, odd files, closed streams, two loads at once, an interrupt."""
import json
import os
import signal
import subprocess
import time

import pytest

from conftest import NAMES

CY = '{"type":"Person","data":{"name":"Cy"}}\n'


def piped(og, text, *args, **options):
    return subprocess.run([og.binary, *args], input=text.encode(), cwd=og.folder, env=og.env, timeout=60,
                          capture_output=True, check=False, **options)


def names(og, graph="g.omni"):
    return [row["p.name"] for row in og.rows(graph=graph)]


# Pipes

@pytest.mark.parametrize("data", ["-", "/dev/stdin"])
def test_a_load_reads_the_standard_input(og, graph, data):
    done = piped(og, CY, "load", "--data", data, "--mode", "append", "g.omni")
    assert done.returncode == 0, done
    assert "Cy" in names(og)


def test_a_merge_from_a_pipe_reads_its_records_again_when_the_last_line_wins(og, graph):
    lines = [{"edge": "Knows", "from": "Ann", "to": "Ann", "data": {"id": f"k{i % 50}", "since": f"20{i // 50:02}-01-01"}}
             for i in range(200)]
    done = piped(og, "".join(json.dumps(line) + "\n" for line in lines),
                 "load", "--data", "-", "--mode", "merge", "--json", "g.omni")
    assert done.returncode == 0, done
    edges = [json.loads(line)["data"] for line in og.run("export", "g.omni", "--type", "Knows").stdout.splitlines()]
    assert {e["id"]: e["since"] for e in edges if e["id"][0] == "k"} == {f"k{i}": "2003-01-01" for i in range(50)}


def test_a_named_pipe_is_read_to_its_end(og, graph):
    os.mkfifo(og.folder / "pipe")
    process = og.start("load", "--data", "pipe", "--mode", "append", "g.omni")
    (og.folder / "pipe").write_text(CY)
    assert process.communicate(timeout=60) and process.returncode == 0
    assert "Cy" in names(og)


def test_a_wrong_line_in_a_pipe_is_named_and_nothing_is_loaded(og, graph):
    done = piped(og, CY + '{"type":"Persn","data":{}}\n', "load", "--data", "-", "--mode", "append", "g.omni")
    assert done.returncode == 1 and b"line 2: " in done.stderr, done
    assert "Cy" not in names(og)


def test_an_interrupt_ends_a_load_that_waits_for_its_pipe(og, graph):
    process = subprocess.Popen([og.binary, "load", "--data", "-", "--mode", "append", "g.omni"], cwd=og.folder,
                               env=og.env, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert "load" in process.stderr.readline().decode()  # the echo: the signals are set, the load begins
    process.stdin.write(CY.encode())
    process.stdin.flush()
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 1
    assert process.stderr.read() == b"error: cancelled\n"
    process.stdin.close()
    assert "Cy" not in names(og)


def test_a_query_and_its_parameters_come_through_pipes(og, graph):
    assert piped(og, NAMES, "query", "--store", "g.omni", "--query", "-").returncode == 0
    source = "query one($n: String) { match { $p: Person { name: $n } } return { $p.name } }"
    done = piped(og, '{"n":"Ann"}', "query", "--store", "g.omni", "-e", source, "--params-file", "-", "--json")
    assert json.loads(done.stdout)["row_count"] == 1


# Odd files

@pytest.mark.parametrize("content, says", [
    (b"\xef\xbb\xbf" + CY.encode(), "line 1: a byte order mark"),
    (b'{"type":"Person","data":{"name":"\xff"}}\n', "line 1: invalid JSON at byte 33: this is not UTF-8"),
    (b"\0\0\0\0", "line 1: "),
])
def test_an_odd_file_is_refused_with_the_line(og, graph, content, says):
    (og.folder / "d.ndjson").write_bytes(content)
    assert says in og.run("load", "--data", "d.ndjson", "--mode", "append", "g.omni", exits=1).stderr


@pytest.mark.parametrize("content, total", [
    (b"", 0), (b"\n \r\n\n", 0), (CY.replace("\n", "\r\n").encode(), 1), (CY.strip().encode(), 1),
])
def test_empty_files_blank_lines_and_line_ends_of_other_systems_are_fine(og, graph, content, total):
    (og.folder / "d.ndjson").write_bytes(content)
    assert og.json("load", "--data", "d.ndjson", "--mode", "append", "g.omni")["total_entities"] == total


def test_names_beyond_ascii_and_uris_with_percents_name_the_same_graph(og):
    folder = og.init("gräph x.omni")
    og.load(CY, "gräph x.omni")
    assert names(og, f"file://{og.folder}/gr%C3%A4ph%20x.omni") == names(og, folder) == ["Cy"]


# Streams

def test_a_closed_standard_stream_is_never_a_file_of_the_graph(og):
    og.init()
    (og.folder / "d.ndjson").write_text(CY)
    command = 'exec "$0" load --data d.ndjson --mode append g.omni <&- >&- 2>&-'
    assert subprocess.run(["sh", "-c", command, og.binary], cwd=og.folder, env=og.env, check=False).returncode == 1
    assert names(og) == ["Cy"]
    done = subprocess.run(["sh", "-c", 'exec "$0" export g.omni >&-', og.binary], cwd=og.folder, env=og.env,
                          capture_output=True, check=False)
    assert done.returncode == 1 and done.stderr.startswith(b"error: cannot write the answer"), done


def test_a_full_standard_output_is_a_failure_and_a_closed_pipe_is_none(og, graph):
    for args in (["export", "g.omni"], ["help"], ["branch", "list", "g.omni", "--json"]):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([og.binary, *args], cwd=og.folder, env=og.env, stdout=full,
                                  stderr=subprocess.PIPE, check=False)
        assert done.returncode == 1 and b"No space left" in done.stderr, done
    lines = "".join(f'{{"type":"Person","data":{{"name":"p{i}"}}}}\n' for i in range(5000))
    og.load(lines)
    done = subprocess.run(["sh", "-c", '"$0" export g.omni | head -1', og.binary], cwd=og.folder, env=og.env,
                          capture_output=True, check=False)
    assert done.stderr == b"" and done.stdout.count(b"\n") == 1


def test_two_loads_at_once_are_both_there(og, graph):
    for name in ("Cy", "Dy"):
        (og.folder / f"{name}.ndjson").write_text(CY.replace("Cy", name))
    both = [og.start("load", "--data", f"{name}.ndjson", "--mode", "append", "g.omni") for name in ("Cy", "Dy")]
    assert [process.communicate(timeout=60) and process.returncode for process in both] == [0, 0]
    assert {"Cy", "Dy"} <= set(names(og))
