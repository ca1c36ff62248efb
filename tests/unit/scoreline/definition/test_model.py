import json

import pytest

from scoreline.core.contract import Constant
from scoreline.core.errors import DefinitionError
from scoreline.definition.files import defined_models, load_definition, read_definition
from tests import shop
from tests.sample import DEFINITION, definition


def changed(old: str, new: str) -> str:
    assert old in DEFINITION
    return DEFINITION.replace(old, new, 1)


@pytest.mark.parametrize("model", defined_models())
def test_every_definition_that_ships_loads(model):
    assert load_definition(model).name == model


# Bundles, pointers and ledgers name these digests; one changes with its definition's content only.
DIGESTS = {
    "credit-card": "2bc7adff10e07a9818f023653ced444fb265ca8c89420f5866ef3fee55bfcf54",
    "german-credit": "c0e40ce24c1220174c57a5c006ebe58b7f0dca381a8db5b1132143defadd1890",
    "home-credit": "3ff7f1c9772b76f29b82c4ea1bbf7d36535bbfb0f825ab7a475e1cc2a63838ec",
    "loan-risk": "9cd5fba40c7602b1d526c2d8ae69640e6869f7573294db8f86f39cf2c213ddd4",
    "product-recommendation": "0a9820a813861b4c19391d38257a0ea642696b272a5ecab9e53dc1cfb2c8660c",
    "taiwan-default": "d85a163213f5c9e08aeecb96ac12806f8e3cf783b0052f5b8a16115e38daa333",
}


def test_the_digests_of_the_definitions_that_ship_are_known():
    assert {model: load_definition(model).digest for model in defined_models()} == DIGESTS


# The digests before these models had an `[answer]` table.
FIRST_DIGESTS = {
    "credit-card": "4b4229d3f0fe13b2bade95e8fd7c8b7d82f65d392a7aa6e9cadd963abf1b057c",
    "loan-risk": "f7c3e75c286fb95231abf737ad788fc5cc58449c87e567dbf4b828ad7a3cc631",
}


@pytest.mark.parametrize("model", FIRST_DIGESTS)
def test_a_key_that_was_added_later_changes_no_digest_without_it(model):
    first = load_definition(model).model_copy(update={"answer": {}})

    assert first.digest == FIRST_DIGESTS[model]


def test_protected_features_are_not_in_the_contract(tmp_path):
    contract = definition(tmp_path).contract()

    assert "sex" not in [source.name for source in contract.sources]
    assert contract.sources[-1].name == "debt_to_income"


def test_digest_ignores_layout_and_follows_content(tmp_path):
    digest = definition(tmp_path).digest

    assert definition(tmp_path, "# a comment\n" + DEFINITION).digest == digest
    assert definition(tmp_path, changed("pdo = 20", "pdo = 30")).digest != digest


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "sample"', 'nam = "sample"', "sample.toml: nam: is not a known key"),
        ('unit = "EUR"', 'units = "EUR"', "sample.toml: features.debt.units: is not a known key"),
        ('name = "xgboost"', 'name = "catboost"', "sample.toml: algorithm.name: must be one of"),
        ('name = "debt"', 'name = "income"', "sample.toml: features.income: is named 2 times"),
        ('name = "debt"', 'name = "id"', "features.id: is a reserved name"),
        ('name = "debt"', 'name = "a b"', "features.a b: must be a name of letters"),
        ("min_score = 540", "min_score = 570", "bands: every min_score must be below the one"),
        ('decision = "refer"', 'decision = "approve"', "bands: must go from approve to refer"),
        ("min_score = 560\n", "", "bands: every min_score must be below"),
        ('name = "high"', 'name = "low"', "risk_levels: a name is given twice"),
        ("max_probability = 0.2\n", "", "risk_levels: every max_probability must be above"),
        ('type = "boolean"', 'type = "bool"', "features.employed.type: Input should be"),
        ('type = "boolean"', 'type = "boolean"\nminimum = 0', "a range is for numbers"),
        (
            '["own", "rent"]',
            '["own", "own"]',
            "features.housing.categories: a category is named twice",
        ),
        ('categories = ["own", "rent"]', "", "features.housing.categories: are needed"),
        ("never_asked = -1 ", "never_asked = 3 ", "special_codes: must lie outside the range"),
        ("refused = -98 ", "refused = -99 ", "special_codes: two codes are equal"),
        ("maximum = 50", "maximum = -5", "features.enquiries.minimum: must not be above maximum"),
        ("debt / (12 * income)", "debt / salary", "salary is not a number that is defined"),
        ("debt / (12 * income)", "debt / region", "region is not a number that is defined"),
        ("debt / (12 * income)", "open('x')", "expression: is not arithmetic"),
        ("debt / (12 * income)", "debt if income else 1", "expression: is not arithmetic"),
        ("debt / (12 * income)", "1 + 2", "expression: uses no feature"),
        ("debt / (12 * income)", "max(debt)", "expression: is not arithmetic"),
        ("test_share = 0.3", 'method = "time"', "split.column: is needed for the method time"),
        ("test_share = 0.3", "test_share = 1.5", "split.test_share: Input should be less than 1"),
        ("max_depth = 3", 'booster = "dart"', "parameters.booster: refused: only gbtree"),
        ("max_depth = 3", "scale_pos_weight = 3", "class weights spoil the probability"),
        ("max_depth = 3", "depth = 3", "parameters.depth: is not a parameter of this algorithm"),
        ('"good", 0, false', '"good", "bad"', "target: a label is both default and good"),
        ("pdo = 20", "pdo = -20", "score.pdo: must be above 0"),
        ("base_odds = 1", "base_odds = 0", "score.base_odds: must be above 0"),
        ("pdo = 20", "pdo = nan", "score.pdo: Input should be a finite number"),
        ("max_probability = 0.2", "max_probability = 1.5", "a max_probability lies between"),
        ("minimum = 0\nmaximum = 50", "minimum = 0.5\nmaximum = 50", "needs whole ends"),
        ("maximum = 1e6", "maximum = inf", "features.income.maximum: Input should be a finite"),
        ("no_record = -99", "no_record = 1000000.01", "must lie outside the range, as float32"),
        ("test_share = 0.3", "seed = -1", "split.seed: Input should be greater than or equal"),
        ("max_depth = 3", "early_stopping_rounds = 5", "refused: early stopping needs"),
        ("protected = true", 'protected = true\nactionable = { to = ["f"] }', "is never proposed"),
        ("step = 1000", "step = 0", "features.debt.actionable.step: must be positive"),
        ('{ to = ["own"] }', '{ to = ["castle"] }', "must name categories of the feature"),
        ("debt / (12 * income)", "(" * 500 + "debt" + ")" * 500, "is not arithmetic"),
        ('id = "applicant"', 'id = "income"', "id: the column is a feature as well"),
        ('id = "applicant"', 'id = "outcome"', "id: the column is the target as well"),
        (
            "[split]",
            '[split]\nmethod = "time"\ncolumn = "outcome"',
            "split.column: the column is the target as well",
        ),
        (
            "[split]",
            '[gates]\ndecision_time = "day"\nknown_times = ["outcome"]\n[split]',
            "gates.known_times.outcome: the column is the target as well",
        ),
        ("[split]", "[split", "sample.toml: not valid TOML"),
        ('id = "applicant"', 'pipeline = "sample"', "pipeline: is needed if features are online"),
        ('name = "region"', 'name = "region"\nonline = true', "pipeline: is needed if features"),
        ('name = "debt"', 'name = "debt"\nonline = true', "features.debt.online: must be nullable"),
        ("step = 100 }", "step = 100 }\nonline = true", "is neither protected nor actionable"),
        ("[score]", '[report]\nsegments = ["sex"]\n\n[score]', "report.segments: sex is no"),
        (
            '["own", "rent"]',
            '["own", "Own "]\nnormalize = "case and spaces"',
            "features.housing.normalize: makes own and Own  equal",
        ),
        (
            '["own", "rent"]',
            '["own", " "]\nnormalize = "case and spaces"',
            "features.housing.categories: a category is blank",
        ),
        (
            '["own", "rent"]',
            '["own", "rent"]\nnormalize = "case"',
            "features.housing.normalize: Input should be 'case and spaces'",
        ),
        (
            '["own", "rent"]',
            '["own", "rent"]\ncategory_aliases = { let = "leased" }',
            "features.housing.category_aliases.let: must stand for a listed category",
        ),
        (
            '["own", "rent"]',
            '["own", "rent"]\ncategory_aliases = { own = "rent" }',
            "features.housing.category_aliases.own: is already a spelling of own",
        ),
        (
            '["own", "rent"]',
            '["own", "rent"]\ncategory_aliases = { "" = "rent" }',
            "is blank",
        ),
        (
            '["own", "rent"]',
            '["own", "rent"]\nnormalize = "case and spaces"\n'
            'category_aliases = { " LET" = "rent", "let" = "own" }',
            "features.housing.category_aliases.let: is already a spelling of rent",
        ),
        ("maximum = 50", 'maximum = 50\nnormalize = "case and spaces"', "categories of the model"),
        (
            '["f", "m"]',
            '["f", "m"]\ncategory_aliases = { F = "f" }',
            "features.sex.category_aliases: is for categories of the model",
        ),
        ("[score]", '[answer]\nscore = "score"\n\n[score]', "answer.score: is a field of every"),
        ("[score]", '[answer]\nerror = "score"\n\n[score]', "answer.error: is a field of every"),
        ("[score]", '[answer]\n"a b" = "score"\n\n[score]', "answer.a b: must be at most 64"),
        ("[score]", '[answer]\nrating = "points"\n\n[score]', "answer.rating"),
        ("[score]", '[answer]\nnames = "recommended_products"\n\n[score]', "answer.names"),
        ("[score]", "[answer]\nstatus = { constant = [1] }\n\n[score]", "answer.status"),
        ("[score]", "[answer]\nstatus = { constant = nan }\n\n[score]", "answer.status"),
        ("[score]", "[answer]\nstatus = {}\n\n[score]", "answer.status.constant: is needed"),
        ("max_depth = 3", "learning_rate = inf", "parameters.learning_rate: must be finite"),
        ("max_depth = 3", "gamma = nan", "parameters.gamma: must be finite"),
        ("[score]", "[gates]\nmax_psi = inf\n\n[score]", "gates.max_psi: Input should be a finite"),
        ("[score]", "[gates]\nmargin = 1e999\n\n[score]", "gates.margin: Input should be a finite"),
        ("[score]", "[watch]\nminutes = inf\n\n[score]", "watch.minutes: Input should be a finite"),
        ("[score]", "[watch]\nminutes = 1e12\n\n[score]", "watch.minutes: Input should be less"),
        ("[score]", "[watch]\nmax_score_drift = inf\n\n[score]", "watch.max_score_drift: Input"),
        ("test_share = 0.3", "seed = 4294967296", "split.seed: Input should be less than or equal"),
        ('"Invented applicants"', "[" * 5000, "sample.toml: too deep, or a number is too long"),
        ('"Invented applicants"', "9" * 5000, "sample.toml: too deep, or a number is too long"),
        ('id = "applicant"', ".".join("a" * 3000) + " = 1", "sample.toml: too deep, or"),
    ],
)
def test_a_broken_rule_is_named_with_file_and_key(tmp_path, old, new, message):
    with pytest.raises(DefinitionError) as raised:
        definition(tmp_path, changed(old, new))

    assert message in raised.value.message
    assert raised.value.message.startswith("sample.toml: ")


@pytest.mark.parametrize("value", ["[1]", "{ a = 1 }", "nan", "1e999"])
def test_a_constant_that_is_no_value_breaks_one_rule(tmp_path, value):
    with pytest.raises(DefinitionError) as raised:
        definition(
            tmp_path, changed("[score]", f"[answer]\nstatus = {{ constant = {value} }}\n\n[score]")
        )

    assert raised.value.message == (
        "sample.toml: answer.status.constant: must be a text, a finite number, true or false"
    )


def test_a_file_that_is_not_utf_8_is_refused(tmp_path):
    path = tmp_path / "sample.toml"
    path.write_bytes(DEFINITION.replace("Invented", "\xe9").encode("latin-1"))

    with pytest.raises(DefinitionError, match="not UTF-8 text"):
        read_definition(path)


ANSWER = """
[answer]
prediction = "predicted_default"
status = { constant = "success" }
revision = { constant = 2 }
final = { constant = true }

[score]"""


def test_further_fields_of_an_answer_travel_in_the_contract(tmp_path):
    contract = definition(tmp_path, changed("[score]", ANSWER)).contract()

    assert contract.answer == {
        "prediction": "predicted_default",
        "status": Constant("success"),
        "revision": Constant(2),
        "final": Constant(True),
    }
    assert type(contract).from_json(contract.to_json()) == contract
    assert json.loads(contract.to_json())["answer"] == {
        "prediction": "predicted_default",
        "status": {"constant": "success"},
        "revision": {"constant": 2},
        "final": {"constant": True},
    }


def test_the_contract_keeps_the_further_fields_of_an_answer():
    assert load_definition("loan-risk").contract().answer.keys() == {
        "status",
        "prediction",
        "probability",
        "timestamp",
    }


def test_a_recommendation_has_figures_of_its_own(tmp_path):
    text = shop.DEFINITION.replace("[algorithm]", '[answer]\nodds = "score"\n\n[algorithm]')

    with pytest.raises(DefinitionError, match=r"answer\.odds"):
        shop.definition(tmp_path, text)


def test_all_broken_rules_are_reported_at_once(tmp_path):
    text = changed("pdo = 20", "pdo = 20\nodds = 1").replace("test_share", "share")

    with pytest.raises(DefinitionError) as raised:
        definition(tmp_path, text)

    assert "score.odds" in raised.value.message
    assert "split.share" in raised.value.message


CATALOGUE = """
[[reasons]]
code = "R01"
features = ["income", "debt", "debt_to_income", "enquiries", "region"]
text = { en = "Income and debt", de = "Einkommen und Schulden" }

[[reasons]]
code = "R02"
features = ["housing", "employed"]
text = { en = "Circumstances", de = "Verhältnisse" }
"""


def test_the_catalogue_keeps_its_order_and_that_of_its_languages(tmp_path):
    contract = definition(tmp_path, DEFINITION + CATALOGUE).contract()

    assert [reason.code for reason in contract.reasons] == ["R01", "R02"]
    assert list(type(contract).from_json(contract.to_json()).reasons[0].text) == ["en", "de"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"R02"', '"R01"', "reasons.R01: the code is given 2 times"),
        ('"housing", ', "", "reasons: housing must be in one reason, but is in 0"),
        ('"housing", ', '"housing", "debt", ', "reasons: debt must be in one reason, but is in 2"),
        ('"housing", ', '"housing", "sex", ', "reasons: sex is not a feature of the model"),
        (', de = "Verhältnisse"', "", "reasons.R02: must have the languages of the first reason"),
    ],
)
def test_a_catalogue_names_every_feature_once(tmp_path, old, new, message):
    assert old in CATALOGUE
    with pytest.raises(DefinitionError) as raised:
        definition(tmp_path, DEFINITION + CATALOGUE.replace(old, new, 1))

    assert message in raised.value.message


def test_a_direction_needs_an_algorithm_that_holds_it(tmp_path):
    text = changed('type = "boolean"', 'type = "boolean"\nmonotone = "decreasing"')
    text = text.replace('name = "xgboost"', 'name = "logistic_regression"')
    text = text.replace("parameters = { n_estimators = 30, max_depth = 3 }", "")

    with pytest.raises(DefinitionError, match="cannot hold a monotone direction"):
        definition(tmp_path, text)


def test_a_file_must_have_the_models_name(tmp_path):
    with pytest.raises(DefinitionError, match="name: must be the file's name, sample"):
        definition(tmp_path, changed('name = "sample"', 'name = "other"'))


@pytest.mark.parametrize("name", ["unknown", "../../etc/passwd", "German Credit"])
def test_an_unknown_model_names_the_defined_ones(name):
    with pytest.raises(DefinitionError, match="german-credit"):
        load_definition(name)


def test_a_recommendation_has_labels_and_no_bands_levels_or_reasons(tmp_path):
    contract = shop.definition(tmp_path).contract()

    assert [label.name for label in contract.labels] == ["account", "card", "fund", "mortgage"]
    assert (contract.task, contract.top) == ("recommendation", 2)
    assert (contract.bands, contract.risk_levels, contract.reasons) == ((), (), ())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("top = 2\n", "", "top: is needed for the task recommendation"),
        ("top = 2\n", "top = 5\n", "top: must not be above the number of labels"),
        ('name = "fund"', 'name = "account"', "labels.account: is named 2 times"),
        ('column = "has_card"', 'column = "fund"', "labels: the column is named 2 times"),
        ('column = "has_card"', 'column = "age"', "labels: the column is a feature as well"),
        ('name = "income"', 'name = "held"', "features.held: is a reserved name"),
        ('"edad"', '"renta"', "features: the alias renta is already a name or an alias"),
        ('"edad"', '"income"', "features: the alias income is already a name or an alias"),
        ('"edad"', '"bank"', "features: the alias bank is already a name or an alias"),
        ("maximum = 120", "age = true", "features.age.age: is for the task default"),
        ("maximum = 120", 'monotone = "increasing"', "age.monotone: is for the task default"),
        ('"recommendation"', '"default"', "bands: is needed for the task default"),
        ('"recommendation"', '"regression"', "task: must be one of: default, recommendation"),
        ("[algorithm]", "[score]\npdo = 30\n\n[algorithm]", "score: is for the task default"),
        (
            'name = "xgboost"\nparameters = { n_estimators = 20, max_depth = 3 }',
            'name = "logistic_regression"',
            "algorithm.name: must be one of: random_forest, gradient_boosting",
        ),
    ],
)
def test_a_broken_rule_of_a_recommendation_is_named(tmp_path, old, new, message):
    assert old in shop.DEFINITION
    with pytest.raises(DefinitionError) as raised:
        shop.definition(tmp_path, shop.DEFINITION.replace(old, new, 1))

    assert message in raised.value.message


def test_a_default_model_takes_no_labels(tmp_path):
    text = DEFINITION.replace("[target]", '[[labels]]\nname = "a"\ndescription = "A"\n\n[target]')

    with pytest.raises(DefinitionError, match="labels: is for the task recommendation"):
        definition(tmp_path, text)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("min_auc = 1.2", "gates.min_auc: Input should be less than or equal to 1"),
        ("margin = 0.0", "gates.margin: Input should be greater than 0"),
        ("min_slope = 2.0", "gates.min_slope: must not be above max_slope"),
        ('decision_time = "decided"', "gates.known_times: are compared with a decision_time"),
        ('known_times = ["bureau"]', "gates.known_times: are compared with a decision_time"),
        ("min_gini = 0.4", "gates.min_gini: is not a known key"),
    ],
)
def test_a_wrong_gate_is_named(tmp_path, line, message):
    with pytest.raises(DefinitionError, match=message):
        definition(tmp_path, f"{DEFINITION}\n[gates]\n{line}\n")
