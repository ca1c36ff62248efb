"""Every error that crosses a module boundary, with the HTTP status that it means.

ScorelineError                500 internal_error
├─ MalformedRequestError      400 the body is not the JSON that the route takes
├─ FourEyesError              403 who trained a version may not approve it
├─ RouteNotFoundError         404 no such route
├─ ModelNotFoundError         404 no such model, or nothing of it is promoted
├─ VersionNotFoundError       404 no such version of the model
├─ JobNotFoundError           404 no such training job
├─ JobDeferredError           409 the training job cannot start now, but later
├─ PromotionConflictError     409 another promotion came first, or nothing to go back to
├─ RoutingConflictError       409 another change of the routing came first
├─ VersionExistsError         409 the version is published with other content
├─ VersionRefusedError        409 the version does not load or fails its golden rows
├─ VersionRejectedError       409 the version did not pass its gates
├─ PayloadTooLargeError       413 over the 6 MB that Lambda takes
├─ InvalidApplicationError    422 fields of the request break the model's contract
├─ InvalidRequestError        422 fields of the request break the rules of the route
├─ OnnxRuntimeError           500 ONNX Runtime refuses a model or a run
├─ BatchError                 422 a file cannot be scored, or not as it was begun
├─ RegistryUnavailableError   503 SSM, S3 or DynamoDB does not answer
│  ├─ PointerInvalidError     503 a parameter was written by hand and is no pointer or routing
│  └─ FeaturesUnavailableError 503 a customer's features cannot be looked up
└─ TrainingError              422 training stops for a reason that trying again does not mend
   ├─ DefinitionError         422 the definition file breaks a rule
   ├─ DatasetError            422 the dataset breaks the definition
   ├─ ExportError             422 a construction that ONNX would convert wrongly
   ├─ UnrankedError           422 the model does not rank rows that it has not seen
   ├─ ParityError             422 ONNX and the fitted pipeline disagree
   └─ JobFailedError          422 the job has failed for good, now or before
"""

from __future__ import annotations

from typing import ClassVar

from scoreline.core.record import record

MAX_NAME = 64
MAX_FIELDS = 100  # of a request that an error names, so that an answer stays small
UNNAMED = "(unnamed)"


@record
class FieldError:
    """A field of a request and the rule that it breaks; never the value."""

    field: str
    rule: str


def shown_name(name: str) -> str:
    """The name of an unknown field, as far as it looks like a name and not like a value."""
    plain = name.replace("-", "_").replace(".", "_")
    return name if len(name) <= MAX_NAME and plain.isidentifier() else UNNAMED


class ScorelineError(Exception):
    """Base of all errors; `status` and `code` are what an HTTP client sees."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"

    def __init__(self, message: str, fields: tuple[FieldError, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.fields = fields

    def to_json(self) -> dict[str, object]:
        """The error body of DESIGN: code, message and all bad fields at once."""
        fields = [{"field": f.field, "rule": f.rule} for f in self.fields[:MAX_FIELDS]]
        if len(self.fields) > MAX_FIELDS:
            fields.append({"field": "(more)", "rule": "further fields break their rules"})
        return {"error": {"code": self.code, "message": self.message, "fields": fields}}


class MalformedRequestError(ScorelineError):
    """The body is not the JSON that the route takes."""

    status, code = 400, "malformed_request"


class FourEyesError(ScorelineError):
    """Who trained a version may not approve it."""

    status, code = 403, "four_eyes"


class RouteNotFoundError(ScorelineError):
    """No such route."""

    status, code = 404, "route_not_found"


class ModelNotFoundError(ScorelineError):
    """No such model, or no version of it is promoted."""

    status, code = 404, "model_not_found"


class VersionNotFoundError(ScorelineError):
    """No such version of the model."""

    status, code = 404, "version_not_found"


class JobNotFoundError(ScorelineError):
    """No such training job."""

    status, code = 404, "job_not_found"


class JobDeferredError(ScorelineError):
    """Another run holds the job or its model; look again after `retry_after_s`."""

    status, code = 409, "job_deferred"

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class PromotionConflictError(ScorelineError):
    """Another promotion came first, or there is nothing to roll back to."""

    status, code = 409, "promotion_conflict"


class RoutingConflictError(ScorelineError):
    """Another change of the routing came first."""

    status, code = 409, "routing_conflict"


class VersionExistsError(ScorelineError):
    """The version is published already, with other content."""

    status, code = 409, "version_exists"


class VersionRefusedError(ScorelineError):
    """The version does not load or fails its golden rows."""

    status, code = 409, "version_refused"


class VersionRejectedError(ScorelineError):
    """The version did not pass its gates; whoever promotes it all the same says so and why."""

    status, code = 409, "version_rejected"


class PayloadTooLargeError(ScorelineError):
    """The request is over the 6 MB that a synchronous Lambda invocation takes."""

    status, code = 413, "payload_too_large"


class InvalidApplicationError(ScorelineError):
    """Fields of the request break the model's contract."""

    status, code = 422, "invalid_application"


class InvalidRequestError(ScorelineError):
    """Fields of the request break the rules of the route."""

    status, code = 422, "invalid_request"


class OnnxRuntimeError(ScorelineError):
    """ONNX Runtime refuses a model or a run; the message is its own."""

    code = "onnx_runtime_error"


class BatchError(ScorelineError):
    """A file cannot be scored, or not as its scoring was begun."""

    status, code = 422, "invalid_batch"


class RegistryUnavailableError(ScorelineError):
    """SSM, S3 or DynamoDB does not answer."""

    status, code = 503, "registry_unavailable"


class PointerInvalidError(RegistryUnavailableError):
    """A parameter was written by hand and is no pointer or routing."""

    code = "pointer_invalid"


class FeaturesUnavailableError(RegistryUnavailableError):
    """A customer's features cannot be looked up, or break the model's contract."""

    code = "features_unavailable"


class TrainingError(ScorelineError):
    """Training stops for a reason that trying again does not mend."""

    status, code = 422, "training_failed"


class DefinitionError(TrainingError):
    """The definition file breaks a rule; the message names file, key and rule."""

    code = "invalid_definition"


class DatasetError(TrainingError):
    """The dataset breaks the definition; the message names column and rule."""

    code = "invalid_dataset"


class ExportError(TrainingError):
    """A construction that ONNX would convert wrongly."""

    code = "export_refused"


class UnrankedError(TrainingError):
    """The model does not rank rows that it has not seen: its output says nothing of them."""


class ParityError(TrainingError):
    """ONNX and the fitted pipeline disagree; nothing is published."""

    code = "parity_failed"


class JobFailedError(TrainingError):
    """The training job has failed for good, now or before."""

    code = "job_failed"
