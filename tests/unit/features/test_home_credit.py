"""The features of Home Credit against values worked out by hand."""

import ibis
import pytest
from ibis.config import Config

from features.home_credit.pipeline import HOME_CREDIT
from scoreline.definition.files import load_definition
from tests.customers import features, tables, to_rows

pytestmark = pytest.mark.slow


def approx(**expected):
    return {name: pytest.approx(value) for name, value in expected.items()}


def test_credits_at_other_lenders():
    active = {"SK_ID_CURR": 1, "CREDIT_ACTIVE": "Active", "CREDIT_DAY_OVERDUE": 0}
    closed = {"SK_ID_CURR": 1, "CREDIT_ACTIVE": "Closed", "CREDIT_DAY_OVERDUE": 0}
    rows = [
        {
            **active,
            "SK_ID_BUREAU": 1,
            "CREDIT_TYPE": "Credit card",
            "DAYS_CREDIT": -100,
            "DAYS_CREDIT_UPDATE": -10,
            "DAYS_CREDIT_ENDDATE": 500,
            "AMT_CREDIT_SUM": 1000,
            "AMT_CREDIT_SUM_DEBT": 400,
            "AMT_CREDIT_SUM_OVERDUE": 30,
            "AMT_CREDIT_MAX_OVERDUE": 70,
            "CREDIT_DAY_OVERDUE": 5,
        },
        {
            **active,
            "SK_ID_BUREAU": 2,
            "DAYS_CREDIT": -400,
            "DAYS_CREDIT_ENDDATE": 31_199,  # a placeholder date
            "AMT_CREDIT_SUM": 3000,
            "AMT_CREDIT_SUM_DEBT": 600,
            "AMT_CREDIT_SUM_OVERDUE": 0,
        },
        {
            **closed,
            "SK_ID_BUREAU": 3,
            "DAYS_CREDIT": -1000,
            "DAYS_ENDDATE_FACT": -200,
            "AMT_CREDIT_SUM": 2000,
            "AMT_CREDIT_SUM_OVERDUE": 0,
        },
    ]

    assert features(tables(bureau=rows)) == approx(
        bureau_credits=3,
        bureau_active_credits=2,
        bureau_active_share=2 / 3,
        bureau_credits_1y=1,
        bureau_days_since_last=100,
        bureau_days_since_first=1000,
        bureau_days_since_mean=500,
        bureau_days_since_closed=200,
        bureau_running_days=500,
        bureau_debt=1000,
        bureau_debt_share=1000 / 4000,
        bureau_credit_mean=2000,
        bureau_overdue=30,
        bureau_overdue_days=5,
        bureau_overdue_max=70,
        bureau_active_cards=1,
    )


def test_months_of_those_credits():
    months = [("0", 0), ("1", -3), ("C", -5), ("5", -20)]
    found = features(
        tables(
            bureau=[{"SK_ID_CURR": 1, "SK_ID_BUREAU": 7, "DAYS_CREDIT": -900}],
            bureau_balance=[
                {"SK_ID_BUREAU": 7, "MONTHS_BALANCE": month, "STATUS": status}
                for status, month in months
            ]
            + [{"SK_ID_BUREAU": 8, "MONTHS_BALANCE": -1, "STATUS": "5"}],  # of an unknown credit
        )
    )

    monthly = {n: v for n, v in found.items() if HOME_CREDIT.features[n][1].table != "bureau"}
    assert monthly == approx(
        bureau_months=4,
        bureau_late_share=0.5,
        bureau_late_months_1y=1,
        bureau_months_since_late=3,
    )


def test_earlier_applications():
    rows = [
        {
            "SK_ID_CURR": 1,
            "NAME_CONTRACT_STATUS": "Approved",
            "NAME_CONTRACT_TYPE": "Cash loans",
            "CODE_REJECT_REASON": "XAP",
            "NAME_YIELD_GROUP": "high",
            "NAME_PRODUCT_TYPE": "walk-in",
            "DAYS_DECISION": -700,
            "AMT_APPLICATION": 1000,
            "AMT_CREDIT": 1200,
            "AMT_ANNUITY": 100,
            "RATE_DOWN_PAYMENT": 0.1,
            "CNT_PAYMENT": 12,
            "NFLAG_INSURED_ON_APPROVAL": 1,
        },
        {
            "SK_ID_CURR": 1,
            "NAME_CONTRACT_STATUS": "Refused",
            "NAME_CONTRACT_TYPE": "Revolving loans",
            "CODE_REJECT_REASON": "SCO",
            "NAME_YIELD_GROUP": "XNA",
            "NAME_PRODUCT_TYPE": "XNA",
            "DAYS_DECISION": -300,
            "AMT_APPLICATION": 9000,
            "AMT_CREDIT": 9000,
        },
        {
            "SK_ID_CURR": 1,
            "NAME_CONTRACT_STATUS": "Canceled",
            "NAME_CONTRACT_TYPE": "Cash loans",
            "CODE_REJECT_REASON": "XAP",
            "NAME_YIELD_GROUP": "XNA",
            "NAME_PRODUCT_TYPE": "XNA",
            "DAYS_DECISION": -20,
        },
    ]

    assert features(tables(previous_application=rows)) == approx(
        previous_applications=3,
        previous_approved=1,
        previous_refused=1,
        previous_refused_share=0.5,
        previous_refused_1y=1,
        previous_refused_by_score=1,
        previous_days_since_last=20,
        previous_days_since_first=700,
        previous_days_since_approved=700,
        previous_days_since_refused=300,
        previous_granted_share=1.2,
        previous_annuity_mean=100,
        previous_credit_max=1200,
        previous_down_payment=0.1,
        previous_payments_mean=12,
        previous_high_yield_share=1 / 3,
        previous_walk_in_share=1 / 3,
        previous_revolving=1,
        previous_insured_share=1,
    )


def test_months_of_instalment_credits():
    rows = [
        {"MONTHS_BALANCE": -1, "CNT_INSTALMENT": 10, "CNT_INSTALMENT_FUTURE": 4, "SK_DPD": 0},
        {"MONTHS_BALANCE": -2, "CNT_INSTALMENT": 10, "CNT_INSTALMENT_FUTURE": 5, "SK_DPD": 9},
        {"MONTHS_BALANCE": -30, "CNT_INSTALMENT": 6, "CNT_INSTALMENT_FUTURE": 6, "SK_DPD": 40},
        {"MONTHS_BALANCE": -31, "CNT_INSTALMENT": 6, "CNT_INSTALMENT_FUTURE": 6, "SK_DPD": 0},
    ]
    known = [{"SK_ID_CURR": 1, "SK_DPD_DEF": row["SK_DPD"] // 2, **row} for row in rows]

    assert features(tables(POS_CASH_balance=known)) == approx(
        pos_late_share=0.5,
        pos_late_months_1y=1,
        pos_late_days_max=20,
        pos_months_since_last=1,
        pos_remaining_share=9 / 20,
    )


def test_months_of_cards():
    rows = [
        {"MONTHS_BALANCE": -2, "AMT_BALANCE": 500, "AMT_DRAWINGS_CURRENT": 100, "SK_DPD": 3},
        {"MONTHS_BALANCE": -8, "AMT_BALANCE": 1100, "AMT_DRAWINGS_CURRENT": 300, "SK_DPD": 0},
    ]
    monthly = {"SK_ID_CURR": 1, "AMT_CREDIT_LIMIT_ACTUAL": 1000, "SK_DPD_DEF": 0}
    paid = {"AMT_DRAWINGS_ATM_CURRENT": 50, "AMT_INST_MIN_REGULARITY": 40}
    known = [{**monthly, **paid, "AMT_PAYMENT_CURRENT": 60, **row} for row in rows]
    unlimited = {**monthly, "MONTHS_BALANCE": -40, "AMT_BALANCE": 0, "SK_DPD": 0}

    found = features(
        tables(credit_card_balance=[*known, {**unlimited, "AMT_CREDIT_LIMIT_ACTUAL": 0}])
    )

    assert found == approx(
        card_months=3,
        card_utilisation_mean=0.8,
        card_utilisation_max=1.1,
        card_utilisation_6m=0.5,
        card_cash_share=100 / 400,
        card_drawings_1y=200,
        card_paid_share=1.5,
        card_late_share=1 / 3,
        card_late_days_max=0,
    )


def instalment(number, due_on, paid_on, paid, due=100):
    return {
        "SK_ID_CURR": 1,
        "SK_ID_PREV": 1,
        "NUM_INSTALMENT_VERSION": 1,
        "NUM_INSTALMENT_NUMBER": number,
        "DAYS_INSTALMENT": due_on,
        "DAYS_ENTRY_PAYMENT": paid_on,
        "AMT_INSTALMENT": due,
        "AMT_PAYMENT": paid,
    }


def test_instalments():
    rows = [
        instalment(1, -500, -510, 100),  # ten days early
        instalment(2, -300, -305, 60),  # in two parts, the second twenty days late
        instalment(2, -300, -280, 40),
        instalment(3, -30, None, None),  # unpaid: thirty days late so far
    ]

    assert features(tables(installments_payments=rows)) == approx(
        instalments=3,
        instalments_late_share=2 / 3,
        instalments_late_share_1y=1,
        instalments_days_late_mean=(-10 + 20 + 30) / 3,
        instalments_days_late_max=30,
        instalments_unpaid_share=100 / 300,
    )


def test_a_customer_whom_no_table_knows_has_no_features():
    known = tables(previous_application=[{"SK_ID_CURR": 1, "DAYS_DECISION": -5}])

    assert features(known, customer=2) == {}
    assert features(known)["previous_applications"] == 1


def test_the_application_is_kept_with_the_age_in_years():
    known = tables(application=[{"SK_ID_CURR": 1, "TARGET": 1, "DAYS_BIRTH": -365 * 40 - 100}])

    [row] = to_rows(HOME_CREDIT.offline(known))

    assert (row["SK_ID_CURR"], row["TARGET"], row["AGE_YEARS"]) == (1, 1, 40)
    assert "DAYS_BIRTH" not in row
    assert set(HOME_CREDIT.features) <= set(row)


def test_every_feature_says_what_it_is():
    specs = [spec for spec, _ in HOME_CREDIT.features.values()]

    assert len(specs) == sum(len(history.features) for history in HOME_CREDIT.histories)
    assert all(spec.description and spec.unit for spec in specs)
    assert len({spec.description for spec in specs}) == len(specs)


def test_the_models_online_features_are_the_pipelines():
    definition = load_definition("home-credit")

    online = {f.name: (f.description, f.unit) for f in definition.features if f.online}

    assert definition.pipeline == HOME_CREDIT.name
    assert online == {n: (s.description, s.unit) for n, (s, _) in HOME_CREDIT.features.items()}


class SparkOptions(Config):
    treat_nan_as_null: bool = False


def test_the_features_compile_to_spark_sql(monkeypatch):
    # The compiler's options are otherwise set by importing the backend, which needs pyspark.
    monkeypatch.setattr(ibis.options, "pyspark", SparkOptions())
    unbound = {
        name: ibis.table(ibis.schema(schema), name=name)
        for name, schema in HOME_CREDIT.schemas.items()
    }

    sql = ibis.to_sql(HOME_CREDIT.offline(unbound), dialect="pyspark")

    assert all(f"`{name}`" in sql for name in [*HOME_CREDIT.schemas, *HOME_CREDIT.features])
