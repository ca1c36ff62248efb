"""The types of answers to operations, from which their JSON Schemas are made."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from scoreline.api.values import Banks, ChangeNumber, Model, Status, Time, Version


class Health(TypedDict):
    """Whether the default model answers."""

    status: Literal["ok", "unavailable"]
    model_loaded: bool
    timestamp: Time


class LoadedModel(TypedDict):
    """A version in memory, and the problem that keeps a newer one from serving."""

    model: Model
    version: Version
    sha256: str
    problem: str | None


class ServingStatus(TypedDict):
    """The loaded versions, and the problems that keep newer ones from serving."""

    status: Literal["ok", "degraded", "unavailable"]
    problem: str | None
    models: list[LoadedModel]


class VersionDigest(TypedDict):
    """A version and the digest of its model.onnx."""

    version: Version
    sha256: str


class PromotionWatch(TypedDict):
    """The watch of a promotion as the pointer names it."""

    entry: int
    until: Time
    shadow: VersionDigest


class Dataset(TypedDict):
    """The dataset that a version was trained on."""

    path: str | None
    generated: Annotated[bool, {"description": "Whether the data is invented"}]


class ServingModel(TypedDict):
    """The champion of a model, and whether the ledger names the same."""

    champion: VersionDigest | None
    challenger: dict[str, Any] | None
    watch: PromotionWatch | None
    ledger_champion: Version | None
    differs_from_ledger: bool
    dataset: Dataset | None


class CurrentModel(TypedDict):
    """The champion of the default model; null where nothing serves."""

    current_model: Version | None
    model_dir: str | None
    dataset_path: str | None


class Config(CurrentModel):
    """The deployment's bucket, routing and models."""

    stage: str
    bucket: str
    default_model: Model | None
    banks: dict[str, Model]
    models: dict[str, ServingModel]


class ListedModel(TypedDict):
    """A model with its champion and its versions."""

    model: Model
    champion: Version | None
    latest_version: Version | None
    versions: int


class Models(TypedDict):
    """Every model that is published or served."""

    models: list[ListedModel]


class ListedVersion(TypedDict):
    """A published version."""

    version: Version
    trained_at: Time | None
    algorithm: Any
    metrics: Any
    status: Status | None
    champion: bool


class Versions(TypedDict):
    """The published versions of a model, the newest first."""

    model: Model
    versions: list[ListedVersion]


_FromTo = TypedDict("_FromTo", {"from": Version | None, "to": Version})


class AnchorVersion(TypedDict):
    """The best version that ever served, and its AUC on its own test rows."""

    version: Version
    auc: float | None


class LedgerEntry(_FromTo):
    """A promotion, a rollback, or the confirmation that ends a watch."""

    sequence: int
    action: Literal["promote", "rollback", "confirm"]
    who: str
    reason: str
    at: Time
    override: Annotated[
        list[str],
        {"description": "Gates that the version had not passed; `approval` by another person"},
    ]
    anchor: NotRequired[AnchorVersion]


class History(TypedDict):
    """The ledger of a model, the newest entry first."""

    model: Model
    history: list[LedgerEntry]


class Promotion(LedgerEntry):
    """The new champion and its entry in the ledger."""

    model: Model
    current_model: Version


class WatchLimits(TypedDict):
    """The limits that a definition sets for a new champion."""

    minutes: float
    max_error_rate: float
    max_score_drift: float
    min_decisions: int


class WatchFigures(TypedDict):
    """The counts since the promotion and the figures from them."""

    decisions: int
    errors: Annotated[int, {"description": "Applications that only the shadow could answer"}]
    error_rate: float | None
    compared: int
    mean_difference: Annotated[
        float | None, {"description": "Points of the champion minus the shadow's"}
    ]
    difference_sd: float | None
    score_drift: Annotated[float | None, {"description": "Population stability index"}]


class WatchState(TypedDict):
    """The watch of the champion that was promoted last."""

    version: Version
    shadow: Annotated[Version, {"description": "The champion before, as a comparison"}]
    since: Time
    until: Time
    state: Literal["open", "confirmed", "rolled back", "replaced"]
    limits: WatchLimits
    figures: WatchFigures


class Watch(TypedDict):
    """The latest watch of a model; null where there has been none."""

    model: Model
    watch: WatchState | None


class Routes(TypedDict):
    """The default model, and the model of each bank."""

    default: Model
    banks: Banks


_FromToRoutes = TypedDict("_FromToRoutes", {"from": Routes | None, "to": Routes})


class RoutingChange(_FromToRoutes):
    """A change of the routing."""

    sequence: ChangeNumber
    action: Literal["route"]
    who: str
    reason: str
    at: Time


class RoutingState(TypedDict):
    """The model of each bank, and the latest changes."""

    default: Model | None
    banks: Banks
    sequence: ChangeNumber
    differs_from_ledger: bool
    history: list[RoutingChange]


class DefinitionRegistration(TypedDict):
    """A registration of a definition."""

    sequence: ChangeNumber
    action: Literal["define"]
    sha256: Annotated[str, {"description": "SHA-256 of the definition's text"}]
    who: str
    reason: str
    at: Time


class NewDefinition(DefinitionRegistration):
    """The registration of a model's definition that counts now."""

    model: Model


class RegisteredDefinition(TypedDict):
    """The definition that the model is trained by, and its registrations, the newest first."""

    model: Model
    definition: Annotated[str, {"description": "Text of the definition file"}]
    sha256: str
    history: list[DefinitionRegistration]


class SubmittedJob(TypedDict):
    """A training job that was submitted."""

    job: str
    state: str


class TrainingJob(TypedDict):
    """A training job, and once it has ended its version or the reason for its failure."""

    job: str
    model: str
    dataset_path: str
    trained_by: NotRequired[
        Annotated[str, {"description": "Who asked for it and may not approve the version"}]
    ]
    state: Literal["queued", "running", "succeeded", "failed", "superseded"]
    queued_at: Time
    started_at: NotRequired[Time]
    ended_at: NotRequired[Time]
    model_name: NotRequired[Version]
    score: NotRequired[
        Annotated[float, {"description": "AUC on the test rows; MAP@k of a recommendation"}]
    ]
    status: NotRequired[Status]
    reason: NotRequired[str]


class TrainedVersion(TypedDict):
    """The answer of the train function to a direct invocation."""

    score: float
    model_name: Version
    status: str
