"""Holds a trained version against every gate and says whether it may be promoted."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from scoreline.scoring.many_rows import open_session, run_log_odds
from scoreline.scoring.scores import points
from training.evaluate.population_stability import baseline, shifts
from training.export.parity import PROBABILITY_TOLERANCE
from training.gates import performance, population, rules
from training.gates.against_champion import some_rows, stand_beside
from training.gates.gate import Gate, status_of
from training.gates.single_feature_auc import single_areas

if TYPE_CHECKING:
    from scoreline.definition.model import Definition
    from training.data.dataset import Dataset
    from training.export.trained import Trained
    from training.gates.against_champion import Beside
    from training.gates.champion import Champion
    from training.gates.comparison import Comparison


@dataclass(frozen=True, slots=True)
class Judgement:
    """The gates in their order, and what they rest on: sections of the manifest."""

    gates: tuple[Gate, ...]
    comparison: Comparison | None
    baseline: dict[str, Any]
    stability: dict[str, Any]

    @property
    def status(self) -> str:
        """Whether the version may be promoted: `candidate` or `rejected`."""
        return status_of(self.gates)

    def to_json(self) -> dict[str, Any]:
        """The judgement's sections of the manifest."""
        return {"status": self.status, **asdict(self)}


def judge(
    definition: Definition,
    trained: Trained,
    fitted: Dataset,
    held_out: Dataset,
    *,
    path: str,
    champion: Champion | None,
) -> Judgement:
    """Hold a version that parity has let through against the other gates.

    Parameters
    ----------
    fitted, held_out : training and test rows
    path : of the dataset, which a champion with other features has to read by itself
    """
    contract, some, unseen = trained.contract, some_rows(fitted), some_rows(held_out)
    score = unseen_points = fitted_points = None
    if definition.task == "default":
        score = partial(run_log_odds, open_session(trained.batch.SerializeToString()))
        unseen_points = points(contract.score_scale, score(unseen.X))
        fitted_points = points(contract.score_scale, score(some.X))
    before = baseline(contract, some.X, unseen_points)
    beside = stand_beside(champion, definition, path, (fitted, held_out), score)
    gates = _gates(definition, trained, some, held_out, beside)
    return Judgement(
        gates=gates,
        comparison=beside.comparison,
        baseline=before,
        stability={
            "test": shifts(before, contract, unseen.X, fitted_points),
            "champion": beside.moved,
        },
    )


def _gates(
    definition: Definition, trained: Trained, some: Dataset, held_out: Dataset, beside: Beside
) -> tuple[Gate, ...]:
    """All gates, in the order in which they are shown."""
    settings, sections = definition.gates, trained.sections
    data = (
        population.stability(beside.moved, beside.obstacle, settings),
        population.timing(held_out.late, settings),
        rules.schema(beside.changes, settings),
    )
    parity = _parity(sections["parity"])
    if definition.task != "default":
        return (parity, *map(_of_a_ranking, OF_A_DEFAULT), *data)
    protected = [feature.name for feature in definition.protected]
    areas = single_areas(trained.contract, some.X, some.y)
    return (
        parity,
        performance.discrimination(trained.metrics["auc"], settings),
        performance.calibration(trained.metrics, sections["calibration"]["chance"], settings),
        performance.against_champion(beside, settings),
        rules.monotonicity(sections["monotone"], settings),
        population.leakage(areas, settings),
        rules.fairness(protected, sections["fairness"]),
        *data,
    )


OF_A_DEFAULT = (
    "discrimination",
    "calibration",
    "champion",
    "monotonicity",
    "leakage",
    "fairness",
)


def _parity(section: dict[str, Any]) -> Gate:
    """Passed, for training stops where it is not."""
    rows = sum(section["rows"].values())
    sentence = f"ONNX answers {rows:,} rows as the fitted pipeline does, to within "
    sentence += f"{section['online']:.1g} in probability."
    return Gate("parity", True, sentence, section["online"], PROBABILITY_TOLERANCE)


def _of_a_ranking(gate: str) -> Gate:
    return Gate(gate, None, "It is for models of a default; this one ranks products.")
