"""Writes a definition from the profiles of a file: what is sure as keys, the rest as comments."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from pathlib import PurePath
from typing import TYPE_CHECKING

from scoreline.core.contract import RESERVED_FIELDS
from scoreline.core.errors import MAX_NAME, DatasetError
from scoreline.definition.files import read_text
from training.drafting.profiles import outcome_of, profile, read_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from training.drafting.profiles import Outcome, Profile

ID = re.compile(r"(?:^|_)(?:id|ids|uuid|guid)(?:_|$)|(?:^|_)(?:key|number|no|nr)$")
PROTECTED = re.compile(
    r"(?:^|_)(?:sex|gender|race|ethnic\w*|religion|nationality|marital\w*|marriage|disab\w*)(?:_|$)"
)
AGE = re.compile(r"(?:^|_)age(?:_|$)")
# One column alone seldom ranks so well, unless it is a result of the outcome.
LEAK_AUC = 0.9


def model_name(path: str) -> str:
    """A name for the model of a file: `Loans 2024.csv` is `loans-2024`."""
    stem = re.sub(r"[^a-z0-9]+", "-", PurePath(path).name.partition(".")[0].lower()).strip("-")
    return stem[:MAX_NAME].strip("-") or "model"


@dataclass(frozen=True, slots=True)
class Draft:
    """A definition as text, and sentences on what was left out or needs a look."""

    text: str
    remarks: tuple[str, ...]


def draft_definition(name: str, path: str, target: str) -> Draft:
    """A definition that trains on the file as it is.

    Parameters
    ----------
    name : of the model
    target : column that holds the outcome

    Raises
    ------
    DatasetError
        The file cannot be read, the target does not hold two labels, or no column is of use.
    """
    table = read_table(path)
    outcome = outcome_of(table, target)
    profiles = [profile(table, c, outcome) for c in table.schema.names if c and c != target]
    row_id = next((p.column for p in profiles if _is_id(p, table.num_rows)), "")
    features = [p for p in profiles if _use_of(p, row_id) == "feature"]
    if not any(not PROTECTED.search(_words(p.column)) for p in features):
        raise DatasetError(f"{path}: no column is of use as a feature")
    left_out = [p for p in profiles if p not in features and p.column != row_id]
    text = "\n".join(_lines(name, outcome, row_id, features, left_out)) + "\n"
    read_text(f"{name}.toml", text)  # a draft keeps every rule
    return Draft(text, tuple(_remarks(features, left_out)))


def _is_id(column: Profile, rows: int) -> bool:
    is_unique = column.distinct == rows and not column.missing
    return is_unique and (
        column.kind == "text"
        or (column.kind == "integer" and bool(ID.search(_words(column.column))))
    )


def _use_of(column: Profile, row_id: str) -> str:
    if column.column == row_id:
        return "id"
    if column.kind in ("text", "date", "constant"):
        return column.kind
    return "leak" if column.auc >= LEAK_AUC else "feature"


def _lines(
    name: str,
    outcome: Outcome,
    row_id: str,
    features: Sequence[Profile],
    left_out: Sequence[Profile],
) -> Iterator[str]:
    yield f"name = {_quoted(name)}"
    yield f"description = {_quoted(f'Predicts {outcome.column}')}"
    yield f"dataset = {_quoted(f'datasets/{name}/')}"
    if row_id:
        yield f"id = {_quoted(row_id)}"
    yield from ("", "[target]", f"column = {_quoted(outcome.column)}")
    yield f"default = [{_value(outcome.default)}]  # {outcome.rate:.1%} of the rows"
    yield f"good = [{_value(outcome.good)}]"
    yield from ("", "[algorithm]", 'name = "xgboost"')
    dates = [p.column for p in left_out if p.kind == "date"]
    if dates:
        yield from ("", "# Hold out the latest rows in place of random ones:", "# [split]")
        yield from ('# method = "time"', f"# column = {_quoted(dates[0])}")
    yield from _decisions(outcome.rate)
    names: set[str] = set(RESERVED_FIELDS)
    for column in features:
        yield ""
        yield from _feature(column, _name_of(column.column, names))
    yield from _left_out(left_out)


def _decisions(rate: float) -> Iterator[str]:
    """Scores and bands around the bad rate, for the lender to move."""
    yield from (
        "",
        "# Average risk has 600 points; 20 points more double the odds of repayment.",
    )
    yield from (
        "[score]",
        "base_score = 600",
        f"base_odds = {_rounded((1 - rate) / rate, ROUND_FLOOR)}",
    )
    yield "pdo = 20"
    yield from ("", "# Choose the cutoffs: the report shows what each would approve.")
    for decision, cutoff in (("approve", 600), ("refer", 580)):
        yield from ("[[bands]]", f'decision = "{decision}"', f"min_score = {cutoff}", "")
    yield from ("[[bands]]", 'decision = "decline"', "")
    for level, limit in (("low", min(rate, 0.5)), ("medium", min(2 * rate, 0.9))):
        yield from ("[[risk_levels]]", f'name = "{level}"', f"max_probability = {limit:.4g}", "")
    yield from ("[[risk_levels]]", 'name = "high"')


def _feature(column: Profile, name: str) -> Iterator[str]:
    yield "[[features]]"
    yield f"name = {_quoted(name)}"
    if name != column.column:
        yield f"column = {_quoted(column.column)}"
    yield f"type = {_quoted(column.kind)}"
    if column.missing:
        yield f"nullable = true  # {column.missing:,} rows have no value"
    if column.kind == "category":
        yield f"categories = [{', '.join(map(_quoted, column.categories))}]"
        if column.normalize:
            yield 'normalize = "case and spaces"  # some texts differ by them alone'
    elif column.kind in ("number", "integer"):
        yield f"minimum = {_rounded(column.low, ROUND_FLOOR)}"
        yield f"maximum = {_rounded(column.high, ROUND_CEILING)}"
    if column.codes:
        codes = ", ".join(f"{_code_name(code)} = {code:.15g}" for code in column.codes)
        yield f"special_codes = {{ {codes} }}  # suspected; give each its meaning, or remove it"
    if PROTECTED.search(_words(column.column)):
        yield "protected = true  # kept out of the model, for the fairness report"
    elif column.direction:
        yield f"# monotone = {_quoted(column.direction)}  # the bad rate moves this way in the data"
    if AGE.search(_words(column.column)) and column.kind in ("number", "integer"):
        yield "# age = true  # if it is in years: it must not count against applicants over 61"


def _left_out(columns: Sequence[Profile]) -> Iterator[str]:
    if columns:
        yield from ("", "# Left out:")
    for column in columns:
        yield f"# {_quoted(column.column)}: {_why(column)}"


def _why(column: Profile) -> str:
    if column.kind == "constant":
        return "has one value"
    if column.kind == "date":
        return "a date; the model could not use it for applications of later times"
    if column.kind == "text":
        return f"{column.distinct:,} different texts" if column.distinct else "lists or tables"
    return (
        f"alone it tells the outcome with an AUC of {column.auc:.3f}; it is probably known only "
        "after the decision"
    )


def _remarks(features: Sequence[Profile], left_out: Sequence[Profile]) -> Iterator[str]:
    for column in left_out:
        yield f"{column.column} is left out: {_why(column)}"
    for column in features:
        if column.codes:
            codes = ", ".join(f"{code:.15g}" for code in column.codes)
            yield f"{column.column}: {codes} look like special codes; the definition names them"
        if PROTECTED.search(_words(column.column)):
            yield f"{column.column} is protected: it stays out of the model"


def _words(column: str) -> str:
    """A column's name as lower-case words: `MaritalStatus` is `marital_status`."""
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", column)
    return re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_").lower()


def _name_of(column: str, taken: set[str]) -> str:
    """A name that a feature may have, unlike those that are taken."""
    plain = column if column.isidentifier() else _words(column)
    name = plain if plain.isidentifier() else f"column_{plain}"
    number = 2
    while name in taken:
        name = f"{plain}_{number}" if plain.isidentifier() else f"column_{plain}_{number}"
        number += 1
    taken.add(name)
    return name


def _rounded(number: float, outward: str) -> str:
    """A number at two significant digits, by one of decimal's ways to round."""
    return f"{Context(prec=2, rounding=outward).plus(Decimal(f'{number:.15g}')):f}"


def _code_name(code: float) -> str:
    return f"code_{'minus_' if code < 0 else ''}{abs(code):.15g}"


def _value(label: str | int) -> str:
    return str(label) if isinstance(label, int) else _quoted(label)


def _quoted(text: str) -> str:
    """A basic string of TOML, whose escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
