"""Applies every gate to a trained version and decides whether it may be promoted."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from scoreline.scoring.many_rows import open_session, run_log_odds
from scoreline.scoring.scores import points
from training.evaluate.population_stability import baseline, shifts
from training.export.parity import PROBABILITY_TOLERANCE
from training.fit.population import population_weights, weighting_of
from training.gates import data_gates, performance_gates, policy_gates
from training.gates.fairness import fairness
from training.gates.gate import Gate, status_of
from training.gates.single_feature_auc import single_feature_auc
from training.incumbents.anchor_comparison import compare_with_anchor
from training.incumbents.champion_comparison import compare_with_champion, some_rows
from training.incumbents.swap_set import approvals

if TYPE_CHECKING:
    from scoreline.definition.model import Definition
    from training.data.dataset import Dataset
    from training.export.trained_model import TrainedModel
    from training.incumbents.anchor_comparison import AnchorComparison
    from training.incumbents.champion import Incumbents
    from training.incumbents.champion_comparison import ChampionComparison
    from training.incumbents.paired_comparison import PairedComparison


@dataclass(frozen=True, slots=True)
class Judgement:
    """The gates in their order and their evidence, as sections of the manifest."""

    gates: tuple[Gate, ...]
    comparison: PairedComparison | None
    anchor: AnchorComparison | None
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
    trained: TrainedModel,
    fitted: Dataset,
    held_out: Dataset,
    *,
    path: str,
    incumbents: Incumbents,
) -> Judgement:
    """Apply the gates to a version that passed the parity gate.

    Parameters
    ----------
    fitted, held_out : training and test rows
    path : of the dataset, which a version with other features reads again
    """
    contract = trained.contract
    fitted_sample, test_sample = some_rows(fitted), some_rows(held_out)
    score = approve = test_points = fitted_points = None
    if definition.task == "default":
        session = open_session(trained.batch.SerializeToString())
        score, approve = partial(run_log_odds, session), approvals(contract, session)
        test_points = points(contract.score_scale, score(test_sample.X))
        fitted_points = points(contract.score_scale, score(fitted_sample.X))
    weights = [population_weights(definition, part) for part in (fitted_sample, test_sample)]
    # Features of the training rows, but scores of rows that the model has not seen.
    before = baseline(contract, fitted_sample.X, test_points, (weights[0], weights[1]))
    weighted_by = weighting_of(definition, fitted).names
    datasets = fitted, held_out
    comparison = compare_with_champion(
        incumbents.champion, definition, path, datasets, score, contract=contract, approve=approve
    )
    anchor = compare_with_anchor(
        incumbents.anchor, definition, path, datasets, score, gone=incumbents.gone
    )
    gates = _gates(definition, trained, (fitted_sample, held_out), comparison, anchor)
    return Judgement(
        gates=gates,
        comparison=comparison.paired,
        anchor=anchor,
        baseline={**before, "weighted_by": weighted_by},
        stability={
            "test": shifts(
                before, contract, test_sample.X, fitted_points, (weights[1], weights[0])
            ),
            "champion": comparison.shifts,
        },
    )


def _gates(
    definition: Definition,
    trained: TrainedModel,
    datasets: tuple[Dataset, Dataset],
    comparison: ChampionComparison,
    anchor: AnchorComparison | None,
) -> tuple[Gate, ...]:
    """All gates, in the order in which they are shown."""
    settings, sections = definition.gates, trained.sections
    fitted_sample, held_out = datasets
    for_any_task = (
        data_gates.stability(comparison.shifts, comparison.obstacle, settings),
        data_gates.timing(held_out.late, settings),
        policy_gates.schema(comparison.schema_changes, settings),
    )
    parity = _parity(sections["parity"])
    if definition.task != "default":
        return (parity, *map(_not_for_rankings, DEFAULT_GATES), *for_any_task)
    protected = [feature.name for feature in definition.protected]
    areas = single_feature_auc(
        trained.contract,
        fitted_sample.X,
        fitted_sample.y,
        fitted_sample.unit,
        weighting_of(definition, fitted_sample),
    )
    return (
        parity,
        performance_gates.discrimination(trained.metrics["auc"], settings),
        performance_gates.calibration(trained.metrics, settings),
        performance_gates.against_champion(comparison, settings),
        performance_gates.against_anchor(anchor, settings),
        policy_gates.monotonicity(sections["monotone"], settings),
        data_gates.leakage(areas, settings),
        fairness(protected, sections["fairness"], settings),
        *for_any_task,
    )


DEFAULT_GATES = (
    "discrimination",
    "calibration",
    "champion",
    "anchor",
    "monotonicity",
    "leakage",
    "fairness",
)


def _parity(section: dict[str, Any]) -> Gate:
    """Always passed: training stops where parity fails."""
    rows = sum(section["rows"].values())
    sentence = f"ONNX and the fitted pipeline agree on {rows:,} rows to within "
    sentence += f"{section['online']:.1g} in probability."
    return Gate("parity", True, sentence, section["online"], PROBABILITY_TOLERANCE)


def _not_for_rankings(gate: str) -> Gate:
    sentence = "The gate applies to models of the probability of default, not to recommendations."
    return Gate(gate, None, sentence)
