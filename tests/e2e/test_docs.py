# SPDX-License-Identifier: MIT
"""The shell examples of README.md and docs/user run as they stand there."""
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "user").glob("*.md"))]


def examples(page):
    """One script per page: its sh blocks that call omnigraph, without the lines that build it."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.M | re.S)
    lines = "".join(block for block in blocks if re.search(r"^omnigraph ", block, re.M)).splitlines()
    return "\n".join(line for line in lines if not line.startswith("make ")) + "\n"


@pytest.mark.parametrize("page", [page for page in PAGES if examples(page).strip()], ids=lambda page: page.name)
def test_the_examples_of_a_page_run(og, page):
    (og.folder / "omnigraph").symlink_to(og.binary)
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", examples(page)], cwd=og.folder, timeout=60, check=False,
                          env=og.env | {"PATH": f"{og.folder}:{og.env['PATH']}"}, capture_output=True, text=True)
    assert done.returncode == 0, done
    assert "error" not in done.stderr and done.stdout, done
