"""The array form sends every float32 value to the same leaf as the library itself."""

import warnings

import lightgbm as lgb
import numpy as np
import pytest
import xgboost as xgb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from scoreline.core.errors import ExportError
from training.fit.boosters import floor_lightgbm_thresholds
from training.graph.trees import LIGHTGBM_ZERO, Ensemble, Tree, below_or_equal, read_ensemble

N_COLUMNS = 5
FLOAT32_MAX = float(np.finfo(np.float32).max)
# XGBoost sums in float32: 40 trees of at most 1 each may differ by about 1e-6
TOLERANCE = 5e-6


def training_rows(n=400, *, missing=True, seed=0):
    """Credit-like columns: continuous, rounded, counts, 0/1, and a threshold at zero."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, N_COLUMNS))
    X[:, 1] = np.round(np.exp(X[:, 1]) * 1000, 2)
    X[:, 2] = rng.poisson(2, n)
    X[:, 3] = rng.random(n) < 0.4
    X[:, 4] = np.maximum(X[:, 4], 0)
    y = X[:, 0] + (X[:, 2] > 2) + X[:, 3] * X[:, 4] + rng.logistic(size=n) > 1
    X = X.astype(np.float32)
    if missing:
        X[rng.random(X.shape) < 0.1] = np.nan
    return X, y.astype(int)


def xgboost():
    return xgb.XGBClassifier(n_estimators=40, max_depth=4, n_jobs=1).fit(*training_rows())


def lightgbm(**changes):
    parameters = {"n_estimators": 40, "num_leaves": 12, "min_child_samples": 5, "n_jobs": 1}
    return lgb.LGBMClassifier(**parameters, verbose=-1, **changes).fit(*training_rows())


def lightgbm_without_missing():
    X, y = training_rows(missing=False)
    return lgb.LGBMClassifier(n_estimators=40, num_leaves=12, n_jobs=1, verbose=-1).fit(X, y)


def random_forest():
    return RandomForestClassifier(20, max_depth=6, random_state=0).fit(*training_rows())


def random_forest_without_missing():
    X, y = training_rows(missing=False)
    return RandomForestClassifier(20, max_depth=6, random_state=0).fit(X, y)


def gradient_boosting():
    X, y = training_rows(missing=False)
    return GradientBoostingClassifier(n_estimators=40, max_depth=4, random_state=0).fit(X, y)


MAKERS = [
    xgboost,
    lightgbm,
    lightgbm_without_missing,
    random_forest,
    random_forest_without_missing,
    gradient_boosting,
]


def takes_missing(estimator):
    return not isinstance(estimator, GradientBoostingClassifier)


def native_raw(estimator, X):
    """The library's own raw output: log-odds, or the probability of a random forest."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "X does not have valid feature names", UserWarning)
        # scikit-learn's check for infinity adds everything up, huge values included
        warnings.filterwarnings("ignore", "(invalid|overflow).* in reduce", RuntimeWarning)
        match estimator:
            case xgb.XGBClassifier():
                return estimator.predict(X, output_margin=True)
            case lgb.LGBMClassifier():
                return estimator.predict(X, raw_score=True)
            case GradientBoostingClassifier():
                return estimator.decision_function(X)
            case _:
                return estimator.predict_proba(X)[:, 1]


def hard_values(ensemble, *, missing=True):
    """Zeros, huge and tiny values, every threshold and its float32 neighbours."""
    thresholds = np.concatenate([tree.threshold[tree.left >= 0] for tree in ensemble.trees])
    thresholds = thresholds[np.isfinite(thresholds)]
    infinity = np.float32(np.inf)
    around = [thresholds, np.nextafter(thresholds, infinity), np.nextafter(thresholds, -infinity)]
    zero = np.float32(1e-35)  # LightGBM's kZeroThreshold
    edges = [0.0, -0.0, zero, -zero, np.nextafter(zero, infinity), np.nextafter(-zero, -infinity)]
    values = [
        *edges,
        1e-45,
        -1e-45,
        1e-36,
        FLOAT32_MAX,
        -FLOAT32_MAX,
        3e38,
        *np.concatenate(around),
    ]
    values = np.array([*values, *[np.nan] * missing], np.float32)
    return np.unique(values[np.isnan(values) | (np.abs(values) <= FLOAT32_MAX)])


@pytest.fixture(scope="module", params=MAKERS, ids=lambda maker: maker.__name__)
def model(request):
    estimator = request.param()
    ensemble = read_ensemble(estimator)
    return estimator, ensemble, hard_values(ensemble, missing=takes_missing(estimator))


def test_raw_equals_native_on_new_rows(model):
    estimator, ensemble, _ = model
    X, _ = training_rows(300, missing=takes_missing(estimator), seed=1)

    assert np.abs(ensemble.raw(X) - native_raw(estimator, X)).max() < TOLERANCE


def test_raw_equals_native_on_thresholds_and_their_neighbours(model):
    estimator, ensemble, values = model
    X = np.random.default_rng(2).choice(values, (2000, N_COLUMNS))

    assert np.abs(ensemble.raw(X) - native_raw(estimator, X)).max() < TOLERANCE


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_raw_equals_native_on_drawn_rows(model, data):
    estimator, ensemble, values = model
    anything = st.floats(width=32, allow_nan=takes_missing(estimator), allow_infinity=False)
    value = st.one_of(st.sampled_from(values.tolist()), anything)
    row = st.lists(value, min_size=N_COLUMNS, max_size=N_COLUMNS)
    X = np.array(data.draw(st.lists(row, min_size=1, max_size=8)), np.float32)

    assert np.abs(ensemble.raw(X) - native_raw(estimator, X)).max() < TOLERANCE


@given(st.floats(allow_nan=False), st.floats(width=32, allow_nan=False))
def test_below_or_equal_keeps_the_side_of_every_float32(threshold, x):
    t = below_or_equal(threshold)
    with np.errstate(over="ignore"):
        near = [np.float32(x), t, np.nextafter(t, np.float32(-np.inf))]

    assert all((v < t) == (float(v) <= threshold) for v in near if np.isfinite(v))


def test_a_tree_by_hand():
    # column 0 < 2 (missing left) ? 1.5 : column 1 < 0 (missing right) ? -1 : 4
    tree = Tree(
        feature=np.array([0, -1, 1, -1, -1], np.int32),
        threshold=np.array([2, 0, 0, 0, 0], np.float32),
        missing_left=np.array([True, False, False, False, False]),
        left=np.array([1, -1, 3, -1, -1], np.int32),
        right=np.array([2, -1, 4, -1, -1], np.int32),
        value=np.array([0, 1.5, 0, -1, 4]),
        cover=np.array([10.0, 4, 6, 1, 5]),
    )
    X = [[1, 9], [2, -1], [2, 0], [2, -0.0], [np.nan, -1], [3, np.nan]]

    raw = Ensemble([tree], 0.25, "logit").raw(X)

    assert raw.tolist() == [1.75, -0.75, 4.25, 4.25, 1.75, 4.25]


def test_best_iteration_is_honoured_by_xgboost():
    X, y = training_rows()
    estimator = xgb.XGBClassifier(
        n_estimators=60, early_stopping_rounds=3, num_parallel_tree=2, n_jobs=1
    )
    estimator.fit(X[:200], y[:200], eval_set=[(X[200:], y[200:])], verbose=False)

    ensemble = read_ensemble(estimator)

    assert len(ensemble.trees) == 2 * (estimator.best_iteration + 1)
    assert len(ensemble.trees) < 2 * estimator.get_booster().num_boosted_rounds()
    assert ensemble.raw(X) == pytest.approx(native_raw(estimator, X), abs=TOLERANCE)


def test_best_iteration_is_honoured_by_lightgbm():
    X, y = training_rows()
    estimator = lgb.LGBMClassifier(n_estimators=60, verbose=-1, n_jobs=1, learning_rate=0.5)
    stop = lgb.early_stopping(3, verbose=False)
    estimator.fit(X[:200], y[:200], eval_X=X[200:], eval_y=y[200:], callbacks=[stop])

    ensemble = read_ensemble(estimator)

    assert len(ensemble.trees) == estimator.best_iteration_ < 60
    assert ensemble.raw(X) == pytest.approx(native_raw(estimator, X), abs=TOLERANCE)


@pytest.mark.parametrize(
    "changes",
    [
        {"base_score": 0.2},
        {"scale_pos_weight": 3},
        {"grow_policy": "lossguide", "max_leaves": 9},
        {"monotone_constraints": (1, 0, 0, 0, 0)},
        {"gamma": 1e9},
        {"subsample": 0.5, "colsample_bytree": 0.5},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_xgboost_settings(changes):
    X, y = training_rows()
    estimator = xgb.XGBClassifier(n_estimators=20, max_depth=3, n_jobs=1, **changes).fit(X, y)

    assert read_ensemble(estimator).raw(X) == pytest.approx(native_raw(estimator, X), abs=TOLERANCE)


@pytest.mark.filterwarnings("ignore:`XGBRFClassifier` is deprecated:FutureWarning")
def test_xgboost_random_forest():
    X, y = training_rows()
    estimator = xgb.XGBRFClassifier(n_estimators=20, max_depth=4, n_jobs=1).fit(X, y)

    assert read_ensemble(estimator).raw(X) == pytest.approx(native_raw(estimator, X), abs=TOLERANCE)


def test_lightgbm_dart_has_its_weights_in_the_leaves():
    estimator = lightgbm(boosting_type="dart", drop_rate=0.5)
    X, _ = training_rows()

    assert read_ensemble(estimator).raw(X) == pytest.approx(native_raw(estimator, X), abs=TOLERANCE)


def test_gradient_boosting_from_zero():
    X, y = training_rows(missing=False)
    estimator = GradientBoostingClassifier(n_estimators=5, init="zero").fit(X, y)

    assert read_ensemble(estimator).raw(X) == pytest.approx(native_raw(estimator, X), abs=TOLERANCE)


def fit(estimator, **how):
    X, y = training_rows(missing=False)
    return estimator.fit(np.abs(np.round(X)), y, **how)


def three_classes(estimator):
    X, _ = training_rows(missing=False)
    return estimator.fit(X, np.arange(len(X)) % 3)


def xgboost_with(**settings):
    return xgb.XGBClassifier(n_estimators=3, n_jobs=1, **settings)


def lightgbm_with(**settings):
    return lgb.LGBMClassifier(n_estimators=3, min_child_samples=5, n_jobs=1, verbose=-1, **settings)


CATEGORIES = {"enable_categorical": True, "feature_types": ["c", "q", "c", "q", "q"]}

REFUSED = {
    "dart": lambda: fit(xgboost_with(booster="dart", rate_drop=0.5)),
    "rate_drop": lambda: fit(xgboost_with(rate_drop=0.5)),
    "gblinear": lambda: fit(xgboost_with(booster="gblinear")),
    "binary:hinge": lambda: fit(xgboost_with(objective="binary:hinge")),
    "missing": lambda: fit(xgboost_with(missing=-999)),
    "multi:softprob": lambda: three_classes(xgboost_with()),
    "XGBoost categorical": lambda: fit(xgboost_with(**CATEGORIES)),
    "LightGBM categorical": lambda: fit(lightgbm_with(), categorical_feature=[2]),
    "zero_as_missing": lambda: fit(lightgbm_with(zero_as_missing=True)),
    "linear_tree": lambda: fit(lightgbm_with(linear_tree=True)),
    "boosting rf": lambda: fit(lightgbm_with(boosting_type="rf", subsample=0.5, subsample_freq=1)),
    "multiclass": lambda: three_classes(lightgbm_with()),
    "two classes": lambda: three_classes(RandomForestClassifier(3)),
    "exponential": lambda: fit(GradientBoostingClassifier(n_estimators=3, loss="exponential")),
    "init": lambda: fit(GradientBoostingClassifier(n_estimators=3, init=LogisticRegression())),
    "LogisticRegression": lambda: fit(LogisticRegression()),
}


@pytest.mark.filterwarnings("ignore:.*`booster=(dart|gblinear)` is deprecated:UserWarning")
@pytest.mark.parametrize("reason", REFUSED)
def test_options_that_the_array_form_cannot_express_are_refused(reason):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="lightgbm")
        estimator = REFUSED[reason]()

    with pytest.raises(ExportError, match=reason):
        read_ensemble(estimator)


def test_lightgbm_thresholds_around_zero_settle_where_a_converter_reads_them_alike():
    X = np.repeat(np.float32([-1, 0, 1]), 100)[:, None]
    estimator = lgb.LGBMClassifier(n_estimators=5, verbose=-1).fit(X, np.repeat([0, 1, 0], 100))
    zero = np.float32(LIGHTGBM_ZERO)
    values = np.nextafter(zero, np.float32([-np.inf, np.inf]))
    values = np.concatenate([values, -values, [zero, -zero, 0, 1e-36, -1e-36, -1, 1]])[:, None]
    before = native_raw(estimator, values)

    floor_lightgbm_thresholds(estimator)

    np.testing.assert_array_equal(native_raw(estimator, values), before)
    trees = estimator.booster_.dump_model()["tree_info"]
    thresholds = {t for tree in trees for t in inner_thresholds(tree["tree_structure"])}
    assert thresholds == {float(np.nextafter(-zero, np.float32(-np.inf))), float(zero)}


def inner_thresholds(node):
    if "threshold" in node:
        yield node["threshold"]
        yield from inner_thresholds(node["left_child"])
        yield from inner_thresholds(node["right_child"])
