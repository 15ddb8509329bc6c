#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""House rules that a compiler cannot see. Prints each breach as file:line and exits with 1 when there is one.

Layout and width are clang-format's (check_format.py). A line may be excused with `style: allow <word> -- <reason>` in a comment on it.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCE = {".c", ".h", ".cc"}
SPDX = SOURCE | {".py", ".sh", ".cmake"}


def calls(names):
    return re.compile(r"(?<![\w.>])(" + names + r")\s*\(")


# (what, pattern, files it holds for, files it does not hold for, remedy); files are prefixes.
RULES = [
    ("bytes without a bound", calls(r"sprintf|vsprintf|strcpy|strcat|stpcpy|gets|strncpy|strncat|strtok"),
     ("src/", "include/"), (), "use og_buf, og_str or snprintf"),
    ("number parsing by locale", calls(r"strtod|strtof|strtold|atof|atoi|atol|atoll|strto[u]?l[l]?|sscanf|fscanf|scanf"),
     ("src/",), (), "use base/num.h or og_str_to_u64"),
    ("hidden state", calls(r"strerror|localtime|gmtime|asctime|ctime|rand|srand|setlocale|getenv|setenv"),
     ("src/",), ("src/cli/", "src/base/env_posix.c"), "ask base/env.h"),
    ("printing", calls(r"printf|vprintf|puts|putchar|fprintf|vfprintf|fputs|fputc|perror"),
     ("src/",), ("src/cli/", "src/base/error.c"), "the library is silent: og_fail or og_log"),
    ("the heap", calls(r"malloc|calloc|realloc|free|aligned_alloc|posix_memalign|strdup|strndup|asprintf|vasprintf|getline"),
     ("src/",), ("src/base/mem.c", "src/base/mem_reuse.c", "src/base/env_sim.c"), "use base/mem.h or base/arena.h"),
    ("the file system", calls(r"fopen|freopen|open|openat|creat|unlink|unlinkat|renameat2|renameat|link|linkat|mkdir|mkdirat"
                              r"|rmdir|opendir|fdopendir|readdir|fsync|fdatasync|pread|pwrite|mmap|stat|fstat|lstat|fstatat"
                              r"|tmpfile|mkstemp|mkdtemp|truncate|ftruncate"),
     ("src/",), ("src/base/env_posix.c", "src/base/fiber.c"), "go through base/env.h or store/store.h"),
    ("the clock", calls(r"time|clock_gettime|gettimeofday|nanosleep|usleep|sleep|getrandom"),
     ("src/",), ("src/base/env_posix.c",), "ask base/env.h"),
    ("threads", calls(r"pthread_create|thrd_create|fork|vfork|system|popen"),
     ("src/",), ("src/base/env_posix.c",), "start a task through base/env.h"),
    ("a lock of its own", calls(r"pthread_\w+|mtx_\w+|cnd_\w+"),
     ("src/",), ("src/base/",), "use base/mutex.h and base/pool.h"),
    ("a way out of the process", calls(r"exit|_exit|abort|quick_exit"),
     ("src/",), ("src/cli/", "src/base/error.c", "src/base/env_posix.c"), "return a status"),
    ("unfinished work", re.compile(r"\b(TODO|FIXME|XXX|HACK)\b"), ("",), ("tools/check_style.py",), "finish it or leave it out"),
    ("a path of one machine", re.compile(r"(?<![\w.])/(work|home/\w+|root|Users/\w+)/"),
     ("",), ("tools/check_style.py", "tests/data/", "examples/debian/extract.ndjson"), "use a relative path"),
]


def without_comments(text):
    """The same text with comments and string contents blanked; line numbers stay."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)


def tracked():
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    return [name for name in names.decode().split("\0") if name and (ROOT / name).is_file()]


def check(name):
    path = ROOT / name
    data = path.read_bytes()
    if b"\0" in data[:4096] or name.endswith((".ndjson", ".jsonl")):
        return
    text = data.decode("utf-8", "replace")
    lines = text.splitlines()
    needs_spdx = path.suffix in SPDX or path.name in {"CMakeLists.txt", "Makefile"}
    if needs_spdx and not any("SPDX-License-Identifier: MIT" in line for line in lines[:3]):
        yield 1, "no SPDX line"
    code = without_comments(text).splitlines() if path.suffix in SOURCE else lines
    for number, line in enumerate(lines, 1):
        if path.suffix in SOURCE and line != line.rstrip():
            yield number, "white space at the end"
    for what, pattern, inside, outside, remedy in RULES:
        if not name.startswith(inside) or (outside and name.startswith(outside)):
            continue
        words = what in {"unfinished work", "a path of one machine"}
        if not words and path.suffix not in SOURCE:
            continue
        for number, line in enumerate(lines if words else code, 1):
            match = pattern.search(line)
            if match and f"style: allow {match[1]} --" not in lines[number - 1]:
                yield number, f"{match[1]}: {what}; {remedy}"


def main():
    names = tracked()
    breaches = [f"{name}:{number}: {text}" for name in names for number, text in check(name)]
    print("\n".join(breaches) or f"style: {len(names)} files")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
