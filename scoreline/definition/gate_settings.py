"""What the gates ask for: the table `[gates]` of a definition."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Area = Annotated[float, Field(ge=0, le=1)]
Limit = Annotated[float, Field(gt=0)]


class GateSettings(BaseModel):
    """Thresholds, and what a gate has to know.

    Attributes
    ----------
    min_auc : that the lower end of the test AUC's 95 % interval reaches. 0.5 is chance; Hosmer,
        Lemeshow and Sturdivant, Applied Logistic Regression (2013), section 5.2.4, call an AUC
        under 0.7 poor, and a lower end of 0.6 is what 0.7 has on some 150 defaults
    min_slope, max_slope, max_intercept : of the calibration, slope 1 and intercept 0 where it is
        right; refused where the 95 % interval lies beyond. 0.25 in log-odds are a quarter more or
        less defaults than said where few default. Van Calster et al., BMC Medicine 17 (2019)
    max_calibration_error : mean distance of probability and default rate over ten bins, beyond
        what chance alone gives
    margin : of AUC that the champion may be better by, where the 95 % interval of the difference
        ends: non-inferiority as ICH E9 (1998), section 3.3.2, has it
    max_psi : of score and features against the champion's baseline; over 0.25 is by convention a
        large shift, over 0.1 a moderate one (Siddiqi, Credit Risk Scorecards, 2006)
    max_single_auc : of one feature alone; more is rather the outcome in disguise
    max_reversal : log-odds by which a directed feature may move against its direction
    decision_time : column of the time of the decision
    known_times : columns that say when something was known; none may lie after the decision
    breaking : the schema may break clients of the champion
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    min_auc: Area = 0.6
    min_slope: Limit = 0.8
    max_slope: Limit = 1.25
    max_intercept: Limit = 0.25
    max_calibration_error: Limit = 0.03
    margin: Limit = 0.01
    max_psi: Limit = 0.25
    max_single_auc: Area = 0.9
    max_reversal: Limit = 1e-4
    decision_time: str = ""
    known_times: tuple[str, ...] = ()
    breaking: bool = False

    @property
    def times(self) -> tuple[str, ...]:
        """All columns of times."""
        return (self.decision_time, *self.known_times) if self.decision_time else ()
