"""A whole sweep: each family in a process of its own, so that a crash inside a framework is a finding and not the end."""

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .sweep import ERROR, Source, Sweep

LAST_LINES = 20


def whole(
    source: Source, names: Sequence[str], seed: int, each: int, workers: int, progress: Callable[[str], None]
) -> Sweep:
    """Compare `each` pairs of every family, and return all counts together.

    Args:
        source: the families, and the module whose command sweeps one of them.
        names: the families.
        seed: seed of the pairs.
        each: how many pairs of a family.
        workers: how many families at a time.
        progress: called with a line for each family.
    """
    found = Sweep(seed, tuple(names))
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:

        def family(name: str) -> dict:
            return _family(source.command, name, seed, each, Path(folder) / f"{name}.json")

        for name, part in zip(names, pool.map(family, names), strict=True):
            found.counts |= {family: Counter(counts) for family, counts in part["counts"].items()}
            found.alarms += part["false_alarms"]
            found.undecided += part["undecided"]
            found.seconds = time.perf_counter() - began
            alarms = "".join(
                f"\n{alarm['pair']}: {alarm['report']}\n{alarm['command']}" for alarm in part["false_alarms"]
            )
            progress(f"{name}: {sum(part['counts'][name].values())} in {part['seconds']:.0f} s{alarms}")
    return found


def _family(command: str, name: str, seed: int, each: int, path: Path) -> dict:
    line = f"-m {command} --seed {seed} --only {name} --examples {each} --budget inf"
    ended = subprocess.run([sys.executable, *line.split(), "--json", str(path)], capture_output=True, text=True)
    if path.exists():
        return json.loads(path.read_text())
    last = "\n".join(ended.stderr.splitlines()[-LAST_LINES:])
    died = {
        "command": f"python {line}",
        "family": name,
        "pair": f"the process ended with {ended.returncode}",
        "verdict": ERROR,
        "report": last,
    }
    return {"counts": {name: {ERROR: 1}}, "false_alarms": [died], "undecided": [], "seconds": 0.0}
