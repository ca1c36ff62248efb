"""XGBoost and LightGBM: built, and made exact in float32; each is imported when it is used."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from scoreline.core.features import FLOAT32_MAX
from training.graph.trees import LIGHTGBM_ZERO

if TYPE_CHECKING:
    from numpy.typing import NDArray


def xgboost_classifier(**parameters: Any) -> Any:
    """An unfitted XGBClassifier."""
    from xgboost import XGBClassifier

    return XGBClassifier(**parameters)


def xgboost_margin(classifier: Any, columns: NDArray[np.float32]) -> NDArray[np.float64]:
    """Log-odds of a fitted XGBClassifier, shape (n_rows,)."""
    return np.asarray(classifier.predict(columns, output_margin=True), np.float64)


def xgboost_converter() -> Any:
    """onnxmltools' converter of XGBoost."""
    from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost

    return convert_xgboost


def bound_xgboost_thresholds(classifier: Any) -> None:
    """Replace infinite thresholds, which test for missing values, by float32's largest numbers.

    Nothing changes for finite columns. Converters read XGBoost's dump, which is not valid JSON when
    it contains an infinity.
    """
    model = json.loads(classifier.get_booster().save_raw("json"))
    trees = model["learner"]["gradient_booster"]["model"]["trees"]
    if not any(np.isinf(tree["split_conditions"]).any() for tree in trees):
        return
    for tree in trees:
        bounded = np.clip(tree["split_conditions"], -FLOAT32_MAX, FLOAT32_MAX)
        tree["split_conditions"] = bounded.tolist()
    classifier.get_booster().load_model(bytearray(json.dumps(model).encode()))


def lightgbm_classifier(**parameters: Any) -> Any:
    """An unfitted LGBMClassifier."""
    from lightgbm import LGBMClassifier

    return LGBMClassifier(**parameters)


def lightgbm_margin(classifier: Any, columns: NDArray[np.float32]) -> NDArray[np.float64]:
    """Log-odds of a fitted LGBMClassifier, shape (n_rows,)."""
    return np.asarray(classifier.booster_.predict(columns, raw_score=True), np.float64)


def lightgbm_converter() -> Any:
    """onnxmltools' converter of LightGBM."""
    from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm

    return convert_lightgbm


def floor_lightgbm_thresholds(classifier: Any) -> None:
    """Round the double thresholds down to float32, which changes nothing for float32 columns.

    x <= t and x <= floor32(t) are equal for every float32 x. Converters round to the nearest
    float32 instead, which would send rows on the threshold the other way. LightGBM reads tiny
    values as 0 but converters do not, so thresholds among tiny values move to the edge of that
    range.
    """
    from lightgbm import Booster

    def floor(match: re.Match[str]) -> str:
        values = np.array(match[1].split(), np.float64)
        rounded = values.astype(np.float32)
        down = np.nextafter(rounded, np.float32(-np.inf))
        floored = np.where(rounded > values, down, rounded)
        negative = np.nextafter(np.float32(-LIGHTGBM_ZERO), np.float32(-np.inf))
        tiny = np.abs(values) <= LIGHTGBM_ZERO
        floored[tiny] = np.where(values[tiny] < 0, negative, LIGHTGBM_ZERO)
        return "threshold=" + " ".join(repr(float(value)) for value in floored)

    text = classifier.booster_.model_to_string()
    text = re.sub(r"(?m)^threshold=(.+)$", floor, text)
    # The tree sizes in the header are wrong now; the parser works without them.
    text = re.sub(r"(?m)^tree_sizes=.*\n", "", text)
    classifier._Booster = Booster(model_str=text)
