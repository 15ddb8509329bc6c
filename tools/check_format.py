#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""clang-format leaves the C sources as they are, and no line is wider than 120 bytes.

tools/format-baseline.txt holds how many files and lines may still differ: a ratchet that only falls.
`check_format.py --update` lowers it to what is true now.
"""
import concurrent.futures
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BASELINE = ROOT / "tools/format-baseline.txt"
WIDTH = 120


def look(name):
    """Whether clang-format would change the file, and its lines that are too wide."""
    data = (ROOT / name).read_bytes()
    done = subprocess.run(["clang-format-14", "--style=file", name], cwd=ROOT, check=True, capture_output=True)
    wide = [f"{name}:{n}" for n, line in enumerate(data.split(b"\n"), 1) if len(line) > WIDTH]
    return done.stdout != data, wide


def main():
    listed = subprocess.run(["git", "ls-files", "-z", "--", "*.c", "*.h", "*.cc"], cwd=ROOT, check=True,
                            capture_output=True).stdout.decode().split("\0")
    names = [name for name in listed if name and (ROOT / name).is_file()]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(look, names))
    files = [name for name, (differs, _) in zip(names, results) if differs]
    lines = [where for _, wide in results for where in wide]
    now = {"files": len(files), "lines": len(lines)}
    allowed = dict(line.split() for line in BASELINE.read_text().splitlines() if not line.startswith("#"))
    allowed = {key: int(value) for key, value in allowed.items()}
    if "--update" in sys.argv[1:]:
        now = {key: min(now[key], allowed[key]) for key in now}
        head = [line for line in BASELINE.read_text().splitlines() if line.startswith("#")]
        BASELINE.write_text("\n".join(head + [f"{key} {value}" for key, value in now.items()]) + "\n")
        return 0
    worse = [key for key in now if now[key] > allowed[key]]
    if "files" in worse:
        print("not formatted (make format):", *files, sep="\n  ")
    if "lines" in worse:
        print(f"wider than {WIDTH} bytes:", *lines, sep="\n  ")
    print(f"format: {len(names)} files, {now['files']} differ (allowed {allowed['files']}), "
          f"{now['lines']} lines too wide (allowed {allowed['lines']})")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
