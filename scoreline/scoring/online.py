"""Returning customers: what the bank knows of them is looked up in the online table, never sent."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from scoreline.core.errors import (
    FeaturesUnavailableError,
    FieldError,
    InvalidApplicationError,
    RegistryUnavailableError,
)
from scoreline.core.record import record
from scoreline.scoring.application import MAX_ID_LENGTH, is_identifier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from scoreline.scoring.model import EncodedApplication, ScoringModel

    # (table, key) -> the item with plain values, {} where there is none
    type GetItem = Callable[[str, Mapping[str, str]], Mapping[str, Any]]
    # (model, customer_id) -> the model with the customer's history, and what the answer says of it
    type LookUp = Callable[[ScoringModel, str | int | None], tuple[ScoringModel, dict[str, Any]]]

FIELDS = ("customer_id", "application")
MAX_NAME = 64  # of a client's own field, as the encoder cuts it
CUSTOMER_RULE = f"must be a whole number or a string of 1 to {MAX_ID_LENGTH} characters"
_SECONDS_A_DAY = 86_400


@record
class Applicant:
    """An application, the model that knows the applicant's history, and what it says of that."""

    model: ScoringModel
    application: Mapping[str, Any]
    features: Mapping[str, Any]

    @property
    def encoded(self) -> EncodedApplication:
        """The application and its row."""
        return self.application, self.model.encode(self.application)


class OnlineFeatures:
    """Looks up the online features of customers, where a model has such."""

    def __init__(
        self,
        table: str,
        get_item: GetItem,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._table = table
        self._get_item = get_item
        self._clock = clock

    def applicant(self, model: ScoringModel, body: Mapping[str, Any]) -> Applicant:
        """The applicant of a request: its fields, or `{"customer_id", "application"}`.

        Raises
        ------
        InvalidApplicationError
            Every broken rule of the request, before anything is looked up.
        FeaturesUnavailableError
            The table does not answer, or holds something else than the contract says.
        """
        if not model.contract.pipeline:
            return Applicant(model, body, {})
        broken = tuple(_broken_rules(model, body))
        if broken:
            raise InvalidApplicationError("the request breaks the contract", broken)
        known, features = self.look_up(model, body.get("customer_id"))
        return Applicant(known, body["application"], features)

    def look_up(
        self, model: ScoringModel, customer_id: str | int | None
    ) -> tuple[ScoringModel, dict[str, Any]]:
        """The model with the customer's history, and what the answer says of it.

        Nothing is found of a customer whom the table does not know, and of None.
        """
        if not model.contract.pipeline:
            return without_history(model, customer_id)
        customer = None if customer_id is None else str(customer_id)
        item = {} if customer is None else self._item(customer, model.contract.pipeline)
        found = _online_values(model, item)
        return model.with_history(found), {
            "features": {
                "customer_id": customer,
                "found": list(found),
                "as_of": item.get("as_of"),
                "age_days": self._age_days(item),
            }
        }

    def _item(self, customer: str, pipeline: str) -> Mapping[str, Any]:
        try:
            return self._get_item(self._table, {"customer": customer, "pipeline": pipeline})
        except RegistryUnavailableError as error:
            problem = f"the customer's features cannot be looked up: {error.message}"
            raise FeaturesUnavailableError(problem) from error

    def _age_days(self, item: Mapping[str, Any]) -> float | None:
        if not item:
            return None
        try:
            age = self._clock() - datetime.fromisoformat(item["as_of"])
        except (KeyError, TypeError, ValueError):
            raise FeaturesUnavailableError("the customer's features have no valid as_of") from None
        return round(age.total_seconds() / _SECONDS_A_DAY, 2)


def without_history(
    model: ScoringModel, _customer_id: str | int | None
) -> tuple[ScoringModel, dict[str, Any]]:
    """Look-up of a model that has no online features."""
    return model, {}


def customer_problems(body: Mapping[str, Any]) -> Iterator[FieldError]:
    """What is wrong with the request's `customer_id`, which may be absent or null."""
    value = body.get("customer_id")
    if value is not None and not is_identifier(str(value) if type(value) is int else value):
        yield FieldError("customer_id", CUSTOMER_RULE)


def _online_values(model: ScoringModel, item: Mapping[str, Any]) -> dict[str, Any]:
    """The model's online features that the item has, in the contract's order."""
    if not item:
        return {}
    try:
        values = json.loads(item["features"])
    except (KeyError, TypeError, ValueError):
        values = None
    if not isinstance(values, dict):
        raise FeaturesUnavailableError("the customer's features are no JSON object")
    online = (feature.name for feature in model.contract.features if feature.online)
    return {name: values[name] for name in online if values.get(name) is not None}


def _broken_rules(model: ScoringModel, body: Mapping[str, Any]) -> Iterator[FieldError]:
    for name in body:
        if name not in FIELDS:
            yield FieldError(name[:MAX_NAME], "is not a field of this request")
    yield from customer_problems(body)
    application = body.get("application")
    if not isinstance(application, dict):
        yield FieldError("application", "must be an object")
        return
    try:
        model.encode(application)
    except InvalidApplicationError as error:
        for broken in error.fields:
            yield FieldError(f"application.{broken.field}", broken.rule)
