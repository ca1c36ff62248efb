"""Memory of the predict function with none to all five models loaded.

Run with `python -m bench.memory`; writes bench/results/memory.json and .md. The models are trained
on the data of a first `make serve`. The process that is measured imports the predict function as
Lambda does, gets each model as a request would make it (lazily, through pointer and digest), scores
one application of `events/` with it, and tells its resident memory.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from scoreline.core.settings import Settings
from scoreline.core.versions import MODEL_FILE, Pointer, VersionRef, digest

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parent.parent
SETTINGS = Settings("bench", "bench")
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Files:
    """A folder in the place of SSM and S3."""

    folder: Path

    def get_parameter(self, name: str) -> str | None:
        """The value of a parameter."""
        return self._file(name).read_text()

    def get_object(self, bucket: str, key: str) -> bytes | None:
        """The content of an object."""
        return self._file(f"{bucket}/{key}").read_bytes()

    def put(self, model: str, version: str, files: Mapping[str, bytes]) -> None:
        """Publish and promote a version."""
        content = files[MODEL_FILE]
        path = self._file(f"{SETTINGS.bucket}/models/{model}/{version}/{MODEL_FILE}")
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        parameter = self._file(SETTINGS.pointer_parameter(model))
        parameter.parent.mkdir(parents=True, exist_ok=True)
        parameter.write_text(Pointer(VersionRef(version, digest(content))).to_json())

    def _file(self, name: str) -> Path:
        return self.folder / name.lstrip("/")


def train_all(files: Files) -> list[str]:
    """Train and promote the models of a first `make serve`; returns their names."""
    from cli.features import build_features
    from cli.seed_data import MODELS, find_data
    from features.catalogue import load_pipeline
    from scoreline.definition.files import load_definition
    from training.train import train

    for model in MODELS:
        with TemporaryDirectory() as folder:
            path = find_data(model, Path(folder), print)
            if path.is_dir():
                built = str(Path(folder, "offline.parquet"))
                build_features(load_pipeline(model), str(path), built, None, online=False)
                path = Path(built)
            bundle = train(load_definition(model), str(path))
        files.put(model, bundle.version, bundle.files)
    return list(MODELS)


def resident_mb() -> float:
    """Resident memory of this process."""
    [line] = [x for x in Path("/proc/self/status").read_text().splitlines() if "VmRSS" in x]
    return int(line.split()[1]) / 1024


def measured(folder: Path, models: list[str]) -> list[float]:
    """Megabytes of the predict function, then with each further model; what the child does."""
    import functions.predict.routes  # noqa: F401 - what Lambda imports
    from scoreline.aws.reader import ModelReader
    from scoreline.serving.champions import ChampionCache

    champions = ChampionCache(ModelReader(SETTINGS, Files(folder)))
    found = [resident_mb()]
    for model in models:
        event = json.loads((ROOT / "events" / f"predict-{model}.json").read_text())
        body = json.loads(event["body"])
        application = body.get("application", body)
        champion = champions.get(model).model
        champion.answer([(application, champion.encoder.encode(application))])
        found.append(resident_mb())
    return found


def measure(folder: Path) -> dict[str, dict[str, float]]:
    """Resident memory by what is loaded, and the size of the file that was loaded last."""
    files = Files(folder)
    models = train_all(files)
    command = [sys.executable, "-m", "bench.memory", str(folder), *models]
    rounds = [
        json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        for _ in range(ROUNDS)
    ]
    median = [sorted(column)[ROUNDS // 2] for column in zip(*rounds, strict=True)]
    result = {"nothing": {"resident_mb": round(median[0], 1), "file_mb": 0.0}}
    for model, resident in zip(models, median[1:], strict=True):
        [path] = (folder / SETTINGS.bucket / "models" / model).glob(f"*/{MODEL_FILE}")
        size_mb = round(path.stat().st_size / 1e6, 2)
        result[model] = {"resident_mb": round(resident, 1), "file_mb": size_mb}
    return result


def table(result: Mapping[str, Mapping[str, float]]) -> str:
    """The figures as a Markdown table."""
    lines = ["| loaded so far | its file, MB | resident, MB | more, MB |", "|---|---|---|---|"]
    before = 0.0
    for name, figures in result.items():
        more = figures["resident_mb"] - before
        lines.append(f"| {name} | {figures['file_mb']} | {figures['resident_mb']} | {more:.1f} |")
        before = figures["resident_mb"]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print and write."""
    if len(sys.argv) > 1:
        print(json.dumps(measured(Path(sys.argv[1]), sys.argv[2:])))
        return
    with TemporaryDirectory() as folder:
        result = measure(Path(folder))
    from bench.report import write  # not in the process whose memory counts

    write("memory", result, table(result), rounds=ROUNDS)


if __name__ == "__main__":
    main()
