import importlib
import re

import pytest

from local.template import ROOT, Template
from scoreline.aws.train_queue import MAX_RECEIVES, MESSAGE_LIFE_S
from scoreline.core.settings import Settings

STAGE, ACCOUNT, REGION = "test", "123456789012", "eu-central-1"
TEMPLATE = Template.read(stage=STAGE, account=ACCOUNT, region=REGION)
SETTINGS = Settings.for_account(STAGE, ACCOUNT)
DOCUMENT = TEMPLATE.document

# DESIGN's table of routes: who answers, and how the caller proves who it is.
ROUTES = {
    ("POST", "/predict"): ("predict", "api-key"),
    ("POST", "/predict/batch"): ("predict", "api-key"),
    ("POST", "/models/{model}/predict"): ("predict", "api-key"),
    ("POST", "/models/{model}/predict/batch"): ("predict", "api-key"),
    ("POST", "/models/{model}/what-if"): ("predict", "api-key"),
    ("GET", "/models/{model}/schema"): ("predict", "api-key"),
    ("GET", "/health"): ("predict", "open"),
    ("GET", "/status"): ("predict", "iam"),
    ("GET", "/config"): ("admin", "iam"),
    ("GET", "/routing"): ("admin", "iam"),
    ("PUT", "/routing"): ("admin", "iam"),
    ("POST", "/update_model"): ("admin", "iam"),
    ("GET", "/models"): ("admin", "iam"),
    ("GET", "/models/{model}/versions"): ("admin", "iam"),
    ("GET", "/models/{model}/versions/{version}/report"): ("admin", "iam"),
    ("GET", "/models/{model}/history"): ("admin", "iam"),
    ("GET", "/models/{model}/definition"): ("admin", "iam"),
    ("PUT", "/models/{model}/definition"): ("admin", "iam"),
    ("GET", "/models/{model}/watch"): ("admin", "iam"),
    ("POST", "/models/{model}/promote"): ("admin", "iam"),
    ("POST", "/models/{model}/rollback"): ("admin", "iam"),
    ("POST", "/train"): ("admin", "iam"),
    ("GET", "/train/{job}"): ("admin", "iam"),
    ("GET", "/openapi.json"): ("admin", "iam"),
    ("GET", "/docs"): ("admin", "iam"),
}


class Reads(dict):
    """A mapping that remembers what was asked of it."""

    def __init__(self, values):
        super().__init__(values)
        self.asked = set()

    def __getitem__(self, name):
        self.asked.add(name)
        return super().__getitem__(name)

    def get(self, name, default=None):
        self.asked.add(name)
        return super().get(name, default)


def only(kind):
    [properties] = TEMPLATE.resources(kind).values()
    return properties


def statements():
    """(function, statement) of every policy that a function has."""
    for name, properties in TEMPLATE.resources("AWS::Serverless::Function").items():
        for policy in properties.get("Policies", []):
            yield from ((name, statement) for statement in policy["Statement"])
    for policy in only("AWS::IAM::Role")["Policies"]:
        yield from (("TrainFunction", s) for s in policy["PolicyDocument"]["Statement"])


def actions(function):
    found = [s["Action"] for name, s in statements() if name == function]
    return {a for action in found for a in ([action] if isinstance(action, str) else action)}


def test_our_environment_variables_are_exactly_those_that_settings_reads():
    reads = Reads(TEMPLATE.environment)

    settings = Settings.from_env(reads)

    assert reads.asked == {name for name in TEMPLATE.environment if name.startswith("SCORELINE_")}
    assert settings == SETTINGS


def test_no_function_has_variables_of_its_own():
    functions = TEMPLATE.resources("AWS::Serverless::Function").values()
    assert not [f for f in functions if "Environment" in f]


def test_resources_have_the_names_that_settings_gives():
    tables = {table["TableName"] for table in TEMPLATE.resources("AWS::DynamoDB::Table").values()}
    queues = {queue["QueueName"] for queue in TEMPLATE.resources("AWS::SQS::Queue").values()}

    assert only("AWS::S3::Bucket")["BucketName"] == SETTINGS.bucket
    assert only("AWS::SSM::Parameter")["Name"] == SETTINGS.routing_parameter
    assert tables == {
        SETTINGS.ledger_table,
        SETTINGS.jobs_table,
        SETTINGS.features_table,
        SETTINGS.watches_table,
    }
    assert queues == {SETTINGS.train_queue, f"{SETTINGS.train_queue}-dead-letter"}
    assert TEMPLATE.functions["PredictFunction"].name == SETTINGS.predict_function


def test_tables_have_the_keys_that_the_code_uses():
    keys = {
        table["TableName"]: [(k["AttributeName"], k["KeyType"]) for k in table["KeySchema"]]
        for table in TEMPLATE.resources("AWS::DynamoDB::Table").values()
    }

    assert keys[SETTINGS.ledger_table] == [("model", "HASH"), ("entry", "RANGE")]
    assert keys[SETTINGS.jobs_table] == [("job", "HASH")]
    assert keys[SETTINGS.watches_table] == [("model", "HASH"), ("entry", "RANGE")]
    assert keys[SETTINGS.features_table] == [("customer", "HASH"), ("pipeline", "RANGE")]


def test_routes_are_those_of_the_design():
    found = {
        (r.method, r.path): (r.function.logical_id.removesuffix("Function").lower(), r.auth)
        for r in TEMPLATE.routes
    }

    assert found == ROUTES


@pytest.mark.parametrize("name", ["PredictFunction", "AdminFunction"])
def test_a_function_answers_exactly_the_routes_that_it_gets(name):
    module, _, handler = TEMPLATE.functions[name].handler.rpartition(".")
    app = importlib.import_module(getattr(importlib.import_module(module), handler).__module__)

    routed = {(r.method, r.path) for r in TEMPLATE.routes if r.function.logical_id == name}

    assert routed == set(app.ROUTES)


@pytest.mark.parametrize("function", TEMPLATE.functions.values(), ids=lambda f: f.logical_id)
def test_the_handler_is_where_the_template_says(function):
    module, _, name = function.handler.rpartition(".")

    assert callable(getattr(importlib.import_module(module), name))


def test_functions_are_named_after_the_stage():
    assert {f.name for f in TEMPLATE.functions.values()} == {
        f"scoreline-{STAGE}-{name}" for name in ("predict", "admin", "train")
    }


def test_a_message_stays_hidden_for_six_runs_and_fails_three_times():
    queue = TEMPLATE.resources("AWS::SQS::Queue")["TrainQueue"]

    assert queue["VisibilityTimeout"] == 6 * TEMPLATE.functions["TrainFunction"].timeout_s
    assert queue["MessageRetentionPeriod"] == MESSAGE_LIFE_S
    assert queue["RedrivePolicy"]["maxReceiveCount"] == MAX_RECEIVES == 3
    assert queue["RedrivePolicy"]["deadLetterTargetArn"].endswith("-train-dead-letter")


def test_only_manifests_under_datasets_ask_for_training():
    pattern = only("AWS::Events::Rule")["EventPattern"]

    assert pattern["detail"]["bucket"]["name"] == [SETTINGS.bucket]
    assert pattern["detail"]["object"]["key"] == [{"wildcard": "datasets/*_READY.json"}]


def test_a_published_version_is_told_to_admin():
    [(function, rule)] = TEMPLATE.events("EventBridgeRule")

    assert function.logical_id == "AdminFunction"
    assert rule["Pattern"]["detail"] == {
        "bucket": {"name": [SETTINGS.bucket]},
        "object": {"key": [{"wildcard": "models/*/manifest.json"}]},
    }


def test_no_statement_is_about_everything():
    for name, statement in statements():
        allowed = [statement["Action"], statement["Resource"]]
        flat = [x for part in allowed for x in ([part] if isinstance(part, str) else part)]
        assert not [x for x in flat if x == "*" or x.endswith(":*")], (name, statement["Sid"])


@pytest.mark.parametrize(
    ("function", "folder"), [("AdminFunction", "definitions/*"), ("TrainFunction", "models/*")]
)
def test_a_function_writes_to_one_folder_of_the_bucket(function, folder):
    [resource] = [
        statement["Resource"]
        for name, statement in statements()
        if name == function and "s3:PutObject" in statement["Action"]
    ]

    assert resource.endswith(f"/{folder}")


def test_what_each_function_may_change():
    changes = re.compile(r":(Put|Delete|Update|Send|Invoke|Change|Transact)")
    found = {f: {a for a in actions(f) if changes.search(a)} for f in TEMPLATE.functions}

    assert found == {
        "PredictFunction": {"dynamodb:UpdateItem"},
        "AdminFunction": {
            "s3:PutObject",
            "ssm:PutParameter",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "sqs:SendMessage",
            "lambda:InvokeFunction",
        },
        "TrainFunction": {
            "s3:PutObject",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "sqs:DeleteMessage",
            "sqs:ChangeMessageVisibility",
            "sqs:SendMessage",
            "logs:PutLogEvents",
        },
    }


def allowed(function, service):
    """(action, the resource's name) of all that a function may do with a service."""
    return {
        (action, re.sub(r"^.*(parameter|table)/", "", resource))
        for name, statement in statements()
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
        if name == function and action.startswith(f"{service}:")
    }


def listed(value):
    return [value] if isinstance(value, str) else value


def test_predict_may_only_get_pointers_and_routing():
    assert allowed("PredictFunction", "ssm") == {
        ("ssm:GetParameter", "scoreline/test/models/*"),
        ("ssm:GetParameter", "scoreline/test/routing"),
    }


def test_predict_may_only_get_items_of_customers_and_count_in_watches():
    assert allowed("PredictFunction", "dynamodb") == {
        ("dynamodb:GetItem", "scoreline-test-features"),
        ("dynamodb:UpdateItem", "scoreline-test-watches"),
    }


def test_train_may_only_get_entries_of_the_ledger():
    ledger = {action for action, table in allowed("TrainFunction", "dynamodb") if "ledger" in table}

    assert ledger == {"dynamodb:GetItem"}


def test_admin_looks_at_the_watches_every_minute():
    [(function, schedule)] = TEMPLATE.events("Schedule")

    assert (function.logical_id, schedule["Schedule"]) == ("AdminFunction", "rate(1 minute)")


def test_admin_moves_pointers_and_changes_the_routing():
    assert allowed("AdminFunction", "ssm") == {
        ("ssm:GetParameter", "scoreline/test/models/*"),
        ("ssm:PutParameter", "scoreline/test/models/*"),
        ("ssm:GetParametersByPath", "scoreline/test/models"),
        ("ssm:GetParametersByPath", "scoreline/test/models/*"),
        ("ssm:GetParameter", "scoreline/test/routing"),
        ("ssm:PutParameter", "scoreline/test/routing"),
    }


def test_the_ledger_only_grows():
    ledger = {
        action
        for _, statement in statements()
        if statement["Sid"] == "KeepLedger"
        for action in statement["Action"]
    }

    assert ledger == {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem"}


def test_every_parameter_is_described():
    assert all(p.get("Description") for p in DOCUMENT["Parameters"].values())


def test_every_function_logs_to_a_group_that_forgets():
    groups = TEMPLATE.resources("AWS::Logs::LogGroup")

    assert {g["LogGroupName"] for g in groups.values()} == {
        f"/aws/lambda/{f.name}" for f in TEMPLATE.functions.values()
    }
    assert all(g["RetentionInDays"] for g in groups.values())


@pytest.mark.parametrize("function", ["predict", "admin", "train"])
def test_a_function_ships_the_versions_that_are_tested(function):
    def pins(path):
        return set(re.findall(r"^[\w.-]+==[^\s;]+", (ROOT / path).read_text(), re.MULTILINE))

    shipped = pins(f"functions/{function}/requirements.txt")

    assert shipped
    assert shipped <= pins("requirements/dev.txt")
