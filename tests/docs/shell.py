"""Runs commands as people type them, in bash.

Those of Python run in the process of the tests, since to start Python takes seconds.
"""

import os
import select
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

# Stands for a command: hands over its folder, words and input, gives back what it prints and its exit code.
STAND_IN = """\
#!/usr/bin/env bash
call=$(mktemp -d "$CALLS/XXXXXX")
cat > "$call/stdin"
printf '%s\\0' "$PWD" "${0##*/}" "$@" > "$call/words"
mkfifo "$call/code"
echo "$call" > "$CALLS/queue"
read -r code < "$call/code"
cat "$call/stdout"
cat "$call/stderr" >&2
exit "$code"
"""
NAMES = ("spacy-xner", "spacy", "python", "pip")


class Output(NamedTuple):
    """What a command prints, and its exit code."""

    code: int
    stdout: bytes = b""
    stderr: bytes = b""


class Shell:
    """Bash in a folder, in which a function of this process runs the commands of `NAMES`.

    Args:
        folder: Folder of the commands.
        calls: An empty folder for the files of the stand-ins.
        run_command: Runs a command, given its words and its input.
    """

    def __init__(self, folder: Path, calls: Path, run_command: Callable[[list[str], bytes], Output]) -> None:
        self.folder = folder
        self.calls = calls
        self.run_command = run_command
        for name in NAMES:
            (calls / name).write_text(STAND_IN, encoding="utf-8")
            (calls / name).chmod(0o755)
        os.mkfifo(calls / "queue")

    def run(self, code: str) -> Output:
        """Run lines of bash, which end at the first that fails."""
        env = {**os.environ, "PATH": f"{self.calls}:{os.environ['PATH']}", "CALLS": str(self.calls)}
        # Open for writing, too: reading would else wait for a first command, and there may be none.
        with (
            (self.calls / "queue").open("r+b", buffering=0) as queue,
            (self.calls / "out").open("w+b") as out,
            (self.calls / "err").open("w+b") as err,
        ):
            bash = subprocess.Popen(
                ["bash", "-euo", "pipefail", "-c", code],
                cwd=self.folder,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
            while bash.poll() is None:
                if select.select([queue], [], [], 0.01)[0]:
                    for call in queue.read(1 << 16).decode().splitlines():
                        self._answer(Path(call))
        return Output(bash.returncode, *((self.calls / name).read_bytes() for name in ("out", "err")))

    def _answer(self, call: Path) -> None:
        """Run the command of a stand-in."""
        folder, *words, _ = (call / "words").read_text("utf-8").split("\0")
        before = Path.cwd()
        os.chdir(folder)
        try:
            output = self.run_command(words, (call / "stdin").read_bytes())
        finally:
            os.chdir(before)
        (call / "stdout").write_bytes(output.stdout)
        (call / "stderr").write_bytes(output.stderr)
        (call / "code").write_text(f"{output.code}\n", encoding="utf-8")
