"""JSON Schemas of what routes take and give, but for applications, which each model defines."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

STRING: Schema = {"type": "string"}
INTEGER: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
PROBABILITY: Schema = {"type": "number", "minimum": 0, "maximum": 1}
BOOLEAN: Schema = {"type": "boolean"}
ANY_OBJECT: Schema = {"type": "object"}
MODEL: Schema = {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "examples": ["loan-risk"]}
VERSION: Schema = {
    "type": "string",
    "pattern": "^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}$",
    "examples": ["20261121T004512Z-3fa9c1d2"],
}
STATUS: Schema = {
    "enum": ["candidate", "rejected"],
    "description": "Whether the version passed its gates; one that did not needs an override",
}
TIME: Schema = {"type": "string", "format": "date-time"}
OVERRIDE: Schema = {
    "type": "boolean",
    "description": "Promote what is rejected, or what one has trained; needs a reason",
}
REASON: Schema = {"type": "string", "minLength": 1, "maxLength": 500, "examples": ["new data"]}


def ref(name: str) -> Schema:
    """A schema of the components."""
    return {"$ref": f"#/components/schemas/{name}"}


def nullable(schema: Schema) -> Schema:
    """The schema, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def array(items: Schema, **rules: int) -> Schema:
    """A list of such items."""
    return {"type": "array", "items": items, **rules}


def record(optional: tuple[str, ...] = (), /, **properties: Schema) -> Schema:
    """An object with these properties, all required but the optional ones."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def body(optional: tuple[str, ...] = (), /, **properties: Schema) -> Schema:
    """A request body: a record that takes no other field."""
    return {**record(optional, **properties), "additionalProperties": False}


def what_if(application: Schema, **customer: Schema) -> Schema:
    """The body of a what-if request about such an application, and such a customer if any."""
    changes = {
        "type": "object",
        "minProperties": 1,
        "description": "Fields and their other values; null for a missing one",
    }
    target = {
        "enum": ["approve", "refer"],
        "description": "Reached by this decision and by a better one",
    }
    return {
        "anyOf": [
            body(tuple(customer), application=application, changes=changes, **customer),
            body(tuple(customer), application=application, target=target, **customer),
        ]
    }


_ENTRY: dict[str, Schema] = {
    "sequence": INTEGER,
    "action": {"enum": ["promote", "rollback", "confirm"]},
    "from": nullable(VERSION),
    "to": VERSION,
    "who": STRING,
    "reason": STRING,
    "at": TIME,
    "override": {
        **array(STRING),
        "description": "Gates that the version had not passed; `approval` by another one",
    },
}

_BANKS: Schema = {
    "type": "object",
    "additionalProperties": MODEL,
    "examples": [{"north-bank": "credit-card"}],
}
_SEQUENCE: Schema = {"type": "integer", "minimum": 0, "description": "Number of a change"}

_DIFFERENCE = record(probability_of_default=NUMBER, score=INTEGER, risk_score=NUMBER)

COMPONENTS: dict[str, Schema] = {
    "Error": record(
        error=record(code=STRING, message=STRING, fields=array(record(field=STRING, rule=STRING)))
    ),
    "Features": record(
        customer_id=nullable(STRING),
        found=array(STRING),
        as_of=nullable(TIME),
        age_days=nullable(NUMBER),
    ),
    "Answer": record(
        ("processing_time_ms", "features"),  # a batch says the time once; few models look up
        id=STRING,
        model=MODEL,
        version=VERSION,
        probability_of_default=PROBABILITY,
        probabilities=record(low_risk=PROBABILITY, high_risk=PROBABILITY),
        score={"type": "integer", "description": "Points; higher is safer"},
        risk_score={"type": "number", "minimum": 0, "maximum": 100},
        risk_level=STRING,
        decision={"enum": ["approve", "refer", "decline"]},
        reasons=array(
            record(
                code=STRING,
                feature=STRING,
                points={"type": "integer", "description": "Points lost against the reference"},
                text={"type": "string", "description": "In the language of Accept-Language"},
                kind={"enum": ["adverse", "held_back"]},
            )
        ),
        processing_time_ms=NUMBER,
        features=ref("Features"),
    ),
    "Recommendations": record(
        ("processing_time_ms", "features"),
        id=STRING,
        model=MODEL,
        version=VERSION,
        recommendations={
            **array(record(product=STRING, description=STRING, probability=PROBABILITY)),
            "description": "The likeliest products that the customer does not hold, best first",
        },
        processing_time_ms=NUMBER,
        features=ref("Features"),
    ),
    "BatchAnswer": record(
        model=MODEL,
        version=VERSION,
        results=array({"anyOf": [ref("Answer"), ref("Recommendations"), ref("Error")]}),
        processing_time_ms=NUMBER,
    ),
    "Comparison": record(
        ("features",),
        model=MODEL,
        version=VERSION,
        before=ref("Answer"),
        after=ref("Answer"),
        difference=_DIFFERENCE,
        features=ref("Features"),
    ),
    "Proposals": record(
        ("features",),
        model=MODEL,
        version=VERSION,
        target={"enum": ["approve", "refer"]},
        outcome={
            "enum": [
                "already reached",
                "found",
                "none within the ranges",
                "none found, the search is not complete",
            ]
        },
        before=ref("Answer"),
        proposals=array(
            record(
                changes=array(record(field=STRING, **{"from": {}}, to={}), minItems=1, maxItems=3),
                steps=INTEGER,
                after=ref("Answer"),
                difference=_DIFFERENCE,
            ),
            maxItems=3,
        ),
        search=record(
            scored={"type": "integer", "description": "Candidates that were scored"},
            complete={
                "type": "boolean",
                "description": "No change of at most max_fields fields is smaller than these",
            },
            max_fields=INTEGER,
            max_steps={"type": "integer", "description": "Steps of one field"},
        ),
        features=ref("Features"),
    ),
    "Health": record(
        status={"enum": ["ok", "unavailable"]},
        model_loaded=BOOLEAN,
        timestamp=TIME,
    ),
    "Status": record(
        status={"enum": ["ok", "degraded", "unavailable"]},
        problem=nullable(STRING),
        models=array(record(model=MODEL, version=VERSION, sha256=STRING, problem=nullable(STRING))),
    ),
    "Config": record(
        stage=STRING,
        bucket=STRING,
        default_model=nullable(MODEL),
        current_model=nullable(VERSION),
        model_dir=nullable(STRING),
        dataset_path=nullable(STRING),
        banks={"type": "object", "additionalProperties": MODEL},
        models={"type": "object", "additionalProperties": ref("Serving")},
    ),
    "Serving": record(
        champion=nullable(record(version=VERSION, sha256=STRING)),
        challenger=nullable(ANY_OBJECT),
        watch=nullable(
            record(entry=INTEGER, until=TIME, shadow=record(version=VERSION, sha256=STRING))
        ),
        ledger_champion=nullable(VERSION),
        differs_from_ledger=BOOLEAN,
        dataset=nullable(
            record(
                path=nullable(STRING),
                generated={"type": "boolean", "description": "The champion's data is invented"},
            )
        ),
    ),
    "Models": record(
        models=array(
            record(
                model=MODEL,
                champion=nullable(VERSION),
                latest_version=nullable(VERSION),
                versions=INTEGER,
            )
        )
    ),
    "Versions": record(
        model=MODEL,
        versions=array(
            record(
                version=VERSION,
                trained_at=nullable(TIME),
                algorithm={},
                metrics={},
                status=nullable(STATUS),
                champion=BOOLEAN,
            )
        ),
    ),
    "Entry": record(**_ENTRY),
    "History": record(model=MODEL, history=array(ref("Entry"))),
    "Watch": record(
        model=MODEL,
        watch=nullable(
            record(
                version=VERSION,
                shadow={**VERSION, "description": "The champion before, which it is held against"},
                since=TIME,
                until=TIME,
                state={"enum": ["open", "confirmed", "rolled back", "replaced"]},
                limits=record(
                    minutes=NUMBER,
                    max_error_rate=NUMBER,
                    max_score_drift=NUMBER,
                    min_decisions=INTEGER,
                ),
                figures=record(
                    decisions=INTEGER,
                    errors={
                        "type": "integer",
                        "description": "Where only the shadow has an answer",
                    },
                    error_rate=nullable(NUMBER),
                    compared=INTEGER,
                    mean_difference={
                        **nullable(NUMBER),
                        "description": "Points, less the shadow's",
                    },
                    difference_sd=nullable(NUMBER),
                    score_drift={**nullable(NUMBER), "description": "Population stability index"},
                ),
            )
        ),
    ),
    "Moved": record(model=MODEL, current_model=VERSION, **_ENTRY),
    "RoutingEntry": record(
        sequence=_SEQUENCE,
        action={"const": "route"},
        **{"from": nullable(ref("Routes"))},
        to=ref("Routes"),
        who=STRING,
        reason=STRING,
        at=TIME,
    ),
    "Routes": record(default=MODEL, banks=_BANKS),
    "Routing": record(
        default=nullable(MODEL),
        banks=_BANKS,
        sequence=_SEQUENCE,
        differs_from_ledger=BOOLEAN,
        history=array(ref("RoutingEntry")),
    ),
    "Submitted": record(job=STRING, state=STRING),
    "Job": record(
        ("trained_by", "started_at", "ended_at", "model_name", "score", "status", "reason"),
        job=STRING,
        model=MODEL,
        dataset_path=STRING,
        trained_by={"type": "string", "description": "Who asked for it and may not approve it"},
        state={"enum": ["queued", "running", "succeeded", "failed", "superseded"]},
        queued_at=TIME,
        started_at=TIME,
        ended_at=TIME,
        model_name=VERSION,
        score={"type": "number", "description": "AUC on the test rows; MAP@k of a recommendation"},
        status=STATUS,
        reason=STRING,
    ),
}

BODIES: dict[tuple[str, str], Schema] = {
    ("POST", "/models/{model}/what-if"): what_if(ANY_OBJECT),
    ("PUT", "/routing"): body(
        ("expected",), default=MODEL, banks=_BANKS, reason=REASON, expected=_SEQUENCE
    ),
    ("POST", "/update_model"): body(
        ("model", "reason", "override"),
        model_name=VERSION,
        model=MODEL,
        reason=REASON,
        override=OVERRIDE,
    ),
    ("POST", "/models/{model}/promote"): body(
        ("expected", "override"),
        version=VERSION,
        reason=REASON,
        expected=VERSION,
        override=OVERRIDE,
    ),
    ("POST", "/models/{model}/rollback"): body(("expected",), reason=REASON, expected=VERSION),
    ("POST", "/train"): body(
        model=MODEL,
        dataset_path={"type": "string", "examples": ["datasets/german-credit/"]},
    ),
}
