"""How far a reader walks through our files to follow one call: what sys.setprofile sees."""

import sys
from dataclasses import dataclass
from inspect import CO_GENERATOR
from pathlib import Path

ROOT = Path(__file__).parents[1]
OURS = ("batch", "cli", "features", "functions", "local", "scoreline", "training")


@dataclass(frozen=True)
class CallPath:
    """Our functions in the order in which they were called, each as (file, name)."""

    steps: tuple[tuple[str, str], ...]

    @property
    def files(self):
        """Files that the call touches, in the order of their first function."""
        return list(dict.fromkeys(file for file, _ in self.steps))

    @property
    def calls(self):
        return len(self.steps)

    @property
    def returns(self):
        """How often the path comes back to a file after functions of other files."""
        left, returns, current = set(), 0, None
        for file, _ in self.steps:
            if file != current:
                left.add(current)
                returns += file in left
            current = file
        return returns

    def __str__(self):
        return f"{len(self.files)} files, {self.calls} calls, {self.returns} returns"


def trace(function, *arguments):
    """The answer of a function, and the path that it took through our files."""
    steps, resumed = [], set()

    def profile(frame, event, _argument):
        if event != "call" or frame in resumed:
            return
        file = Path(frame.f_code.co_filename)
        if not file.is_relative_to(ROOT):
            return
        relative = file.relative_to(ROOT)
        if relative.parts[0] in OURS and frame.f_code.co_name != "<module>":
            steps.append((str(relative), frame.f_code.co_name))
        if frame.f_code.co_flags & CO_GENERATOR:  # each value that it yields is a call again
            resumed.add(frame)

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        answer = function(*arguments)
    finally:
        sys.setprofile(before)
    return answer, CallPath(tuple(steps))
