"""Every error that crosses a module boundary, with its HTTP status.

ScorelineError                500 internal_error
├─ MalformedRequestError      400 the body is not the JSON that the route takes
├─ FourEyesError              403 trainers may not approve their own versions
├─ RouteNotFoundError         404 no such route
├─ ModelNotFoundError         404 no such model, or it has no promoted version
├─ VersionNotFoundError       404 no such version of the model
├─ JobNotFoundError           404 no such training job
├─ JobDeferredError           409 the training job cannot start now, but later
├─ PromotionConflictError     409 another promotion came first, or there is no earlier version
├─ RoutingConflictError       409 another change of the routing came first
├─ DefinitionConflictError    409 another registration of a definition came first
├─ VersionExistsError         409 the version is published with other content
├─ VersionRefusedError        409 the version does not load or fails its golden rows
├─ VersionRejectedError       409 the version did not pass its gates
├─ PayloadTooLargeError       413 over the 6 MB that Lambda takes
├─ InvalidApplicationError    422 fields of the request break the model's contract
├─ InvalidRequestError        422 fields of the request break the rules of the route
├─ OnnxRuntimeError           500 ONNX Runtime reports an error
├─ BatchError                 422 a file cannot be scored, or its scoring cannot be resumed
├─ RegistryUnavailableError   503 SSM, S3 or DynamoDB does not answer
│  ├─ PointerInvalidError     503 a parameter holds neither a pointer nor a routing
│  └─ FeaturesUnavailableError 503 a customer's features cannot be looked up
│     └─ FeaturesInvalidError 503 a customer's features are damaged or break the contract
├─ MlflowError                502 the version is published, but MLflow did not take it
└─ TrainingError              422 training fails for a reason that a retry cannot fix
   ├─ DefinitionError         422 the definition file breaks a rule
   ├─ DatasetError            422 the dataset breaks the definition
   ├─ ExportError             422 ONNX would convert this model wrongly
   ├─ UnrankedError           422 the model does not rank rows outside its training set
   ├─ ParityError             422 ONNX and the fitted pipeline disagree
   └─ JobFailedError          422 the job has failed permanently
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

    def to_json(self, max_fields: int = MAX_FIELDS) -> dict[str, object]:
        """The error body of DESIGN: code, message and so many of the bad fields at once."""
        fields = [{"field": f.field, "rule": f.rule} for f in self.fields[:max_fields]]
        if len(self.fields) > max_fields:
            fields.append({"field": "(more)", "rule": "further fields break their rules"})
        return {"error": {"code": self.code, "message": self.message, "fields": fields}}


class MalformedRequestError(ScorelineError):
    """The body is not the JSON that the route takes."""

    status, code = 400, "malformed_request"


class FourEyesError(ScorelineError):
    """Trainers may not approve their own versions."""

    status, code = 403, "four_eyes"


class RouteNotFoundError(ScorelineError):
    """No such route."""

    status, code = 404, "route_not_found"


class ModelNotFoundError(ScorelineError):
    """No such model, or it has no promoted version."""

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
    """Another promotion came first, or there is no earlier version to roll back to."""

    status, code = 409, "promotion_conflict"


class RoutingConflictError(ScorelineError):
    """Another change of the routing came first."""

    status, code = 409, "routing_conflict"


class DefinitionConflictError(ScorelineError):
    """Another registration of a definition came first."""

    status, code = 409, "definition_conflict"


class VersionExistsError(ScorelineError):
    """The version is already published with other content."""

    status, code = 409, "version_exists"


class VersionRefusedError(ScorelineError):
    """The version does not load or fails its golden rows."""

    status, code = 409, "version_refused"


class VersionRejectedError(ScorelineError):
    """The version did not pass its gates; only an override with a reason promotes it."""

    status, code = 409, "version_rejected"


class PayloadTooLargeError(ScorelineError):
    """The request or the answer is over the 6 MB that a synchronous Lambda invocation takes."""

    status, code = 413, "payload_too_large"


class InvalidApplicationError(ScorelineError):
    """Fields of the request break the model's contract."""

    status, code = 422, "invalid_application"


class InvalidRequestError(ScorelineError):
    """Fields of the request break the rules of the route."""

    status, code = 422, "invalid_request"


class OnnxRuntimeError(ScorelineError):
    """ONNX Runtime reports an error; the message is its own."""

    code = "onnx_runtime_error"


class BatchError(ScorelineError):
    """A file cannot be scored, or its scoring cannot be resumed."""

    status, code = 422, "invalid_batch"


class RegistryUnavailableError(ScorelineError):
    """SSM, S3 or DynamoDB does not answer."""

    status, code = 503, "registry_unavailable"


class PointerInvalidError(RegistryUnavailableError):
    """A parameter holds neither a pointer nor a routing, perhaps after an edit by hand."""

    code = "pointer_invalid"


class FeaturesUnavailableError(RegistryUnavailableError):
    """A customer's features cannot be looked up."""

    code = "features_unavailable"


class FeaturesInvalidError(FeaturesUnavailableError):
    """A customer's features are damaged, or break the model's contract."""

    code = "features_invalid"


class MlflowError(ScorelineError):
    """The version is published, but MLflow did not take it."""

    status, code = 502, "mlflow_failed"


class TrainingError(ScorelineError):
    """Training fails for a reason that a retry cannot fix."""

    status, code = 422, "training_failed"


class DefinitionError(TrainingError):
    """The definition file breaks a rule; the message names file, key and rule."""

    code = "invalid_definition"


class DatasetError(TrainingError):
    """The dataset breaks the definition; the message names column and rule."""

    code = "invalid_dataset"


class ExportError(TrainingError):
    """ONNX would convert this model wrongly."""

    code = "export_refused"


class UnrankedError(TrainingError):
    """The model does not rank rows outside its training set better than chance."""


class ParityError(TrainingError):
    """ONNX and the fitted pipeline disagree; nothing is published."""

    code = "parity_failed"


class JobFailedError(TrainingError):
    """The training job has failed permanently, in this attempt or an earlier one."""

    code = "job_failed"
