"""Runs the Python samples against a live server: HEADGATE_URL=… HEADGATE_API_KEY=… pytest."""

import pathlib
import re
import subprocess
import sys

import pytest

FOLDERS = sorted(
    path.parent for path in pathlib.Path(__file__).parent.glob("*/python.py")
)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_sample(folder):
    """A sample ends well and prints what stands beside it, but for what is in angle brackets."""
    typed = folder / "input.txt"
    done = subprocess.run(
        [sys.executable, folder / "python.py"],
        input=typed.read_text(encoding="utf-8") if typed.exists() else "",
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    expected = re.escape((folder / "expected.txt").read_text(encoding="utf-8").strip())
    assert re.fullmatch(
        re.sub("<[^>]+>", r"[^\\n]+", expected), done.stdout.strip()
    ), done.stdout
