"""The table `[gates]`: what a version must reach to be promoted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, model_validator

from scoreline.definition.problems import refuse_problems
from scoreline.definition.tables import Table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scoreline.definition.problems import Problem

Area = Annotated[float, Field(ge=0, le=1)]
Share = Annotated[float, Field(gt=0, le=1)]
Limit = Annotated[float, Field(gt=0)]


class GateSettings(Table):
    """Thresholds of the gates, and the columns that they need.

    Attributes
    ----------
    min_auc : lowest value for the lower end of the 95 % interval of the test AUC. 0.5 is chance;
        Hosmer, Lemeshow and Sturdivant, Applied Logistic Regression (2013), section 5.2.4, call an
        AUC under 0.7 poor, and with some 150 defaults an AUC of 0.7 has a lower end of 0.6
    min_slope : lowest calibration slope that the 95 % interval must reach; 1 is perfect
    max_slope : highest calibration slope that the 95 % interval must reach
    max_intercept : largest calibration intercept, in either direction, that the 95 % interval must
        reach; 0 is perfect, and where few default 0.25 in log-odds means a quarter more or fewer
        defaults than predicted. Van Calster et al., BMC Medicine 17 (2019)
    max_calibration_error : largest mean distance of probability and default rate over ten bins,
        beyond what chance alone gives
    margin : AUC that a version may lose against the champion, and against the best version that
        ever served, at the end of the 95 % interval of the difference: non-inferiority as in ICH E9
        (1998), section 3.3.2
    max_psi : largest population stability index of score and features against the champion's
        baseline; by convention a shift over 0.25 is large and over 0.1 moderate (Siddiqi, Credit
        Risk Scorecards, 2006)
    max_single_auc : largest AUC of one feature alone; a higher one is likely the outcome in
        disguise
    max_reversal : log-odds by which a feature may move against its monotone direction
    min_adverse_impact_ratio : lowest approval rate of a protected group, as a share of the highest
        one among the groups of its feature; the four-fifths rule of 29 CFR 1607.4(D)
    decision_time : column of the time of the decision
    known_times : columns that say when something was known; none may lie after the decision
    breaking : whether the schema may break clients of the champion
    """

    min_auc: Area = 0.6
    min_slope: Limit = 0.8
    max_slope: Limit = 1.25
    max_intercept: Limit = 0.25
    max_calibration_error: Limit = 0.03
    margin: Limit = 0.01
    max_psi: Limit = 0.25
    max_single_auc: Area = 0.9
    max_reversal: Limit = 1e-4
    min_adverse_impact_ratio: Share = 0.8
    decision_time: str = ""
    known_times: tuple[str, ...] = ()
    breaking: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        refuse_problems(self._problems())
        return self

    def _problems(self) -> Iterable[Problem]:
        if bool(self.decision_time) != bool(self.known_times):
            yield "known_times", "are compared with a decision_time, give both or neither"
        if self.min_slope > self.max_slope:
            yield "min_slope", "must not be above max_slope"

    @property
    def times(self) -> tuple[str, ...]:
        """All columns of times."""
        return (self.decision_time, *self.known_times) if self.decision_time else ()
