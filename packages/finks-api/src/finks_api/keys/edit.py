"""Changing the key document: a new key, a revoked one, a plan."""

from __future__ import annotations

import difflib
import secrets
from collections.abc import Callable, Collection
from datetime import datetime

from finks.errors import ConfigurationError
from pydantic import ValidationError

from finks_api.keys.model import STANDARD, KeyDocument, KeyEntry, Plan, digest, new_key
from finks_api.keys.place import KeyPlace


def read_document(place: KeyPlace) -> KeyDocument:
    """The document; one without keys where there is none. Raises ConfigurationError."""
    return _parsed(place.read(), place)


def add_key(
    place: KeyPlace,
    *,
    name: str,
    now: datetime,
    plan: str = STANDARD,
    datasets: Collection[str] | None = None,
    portfolios: Collection[str] | None = None,
    expires_at: datetime | None = None,
) -> tuple[str, KeyEntry]:
    """Make a key.

    Args:
        place: The document; made if there is none.
        name: Whose it is, for people.
        now: Aware.
        plan: The name of its plan.
        datasets, portfolios: What it may read; all when None.
        expires_at: Aware.

    Returns:
        The key, which is kept nowhere and cannot be had again, and its entry.

    Raises:
        ConfigurationError: There is no such plan or dataset, or the name or the time is not valid.
    """
    if expires_at is not None and expires_at <= now:
        raise ConfigurationError(
            "The key would never be valid.", where="expires", expected="a time to come", got=expires_at.isoformat()
        )
    key = new_key()
    said = {
        "id": secrets.token_hex(5),
        "name": name,
        "sha256": digest(key).hex(),
        "plan": plan,
        "datasets": datasets,
        "portfolios": portfolios,
        "created_at": now,
        "expires_at": expires_at,
    }
    try:
        entry = KeyEntry.model_validate(said)
    except ValidationError as error:
        raise _wrong("A key cannot be made like this.", error) from None

    def change(document: KeyDocument) -> KeyDocument:
        if plan not in document.plans:
            raise _unknown("plan", plan, document.plans, place)
        # It may be there already: the answer to the first try was lost.
        others = (other for other in document.keys if other.id != entry.id)
        return KeyDocument(plans=document.plans, keys=(*others, entry))

    _edit(place, change)
    return key, entry


def revoke_key(place: KeyPlace, key_id: str) -> KeyEntry:
    """Disable a key for good. Its entry stays, so that logs can be read.

    Raises:
        ConfigurationError: There is no such key.
    """
    revoked: list[KeyEntry] = []

    def change(document: KeyDocument) -> KeyDocument:
        known = {entry.id: entry for entry in document.keys}
        if key_id not in known:
            raise _unknown("key", key_id, known, place)
        known[key_id] = known[key_id].model_copy(update={"disabled": True})
        revoked[:] = [known[key_id]]
        return KeyDocument(plans=document.plans, keys=tuple(known.values()))

    _edit(place, change)
    return revoked[0]


def set_plan(place: KeyPlace, name: str, *, rate: float, burst: int, daily_quota: int | None) -> Plan:
    """Make a plan, or change it for all of its keys.

    Args:
        place: The document; made if there is none.
        name: Small letters, digits and hyphens.
        rate, burst, daily_quota: See `Plan`.

    Raises:
        ConfigurationError: The name or a number is not valid.
    """
    made: list[Plan] = []

    def change(document: KeyDocument) -> KeyDocument:
        said = {"rate": rate, "burst": burst, "daily_quota": daily_quota}
        try:
            changed = KeyDocument.model_validate({"plans": {**document.plans, name: said}, "keys": document.keys})
        except ValidationError as error:
            raise _wrong("A plan cannot be made like this.", error) from None
        made[:] = [changed.plans[name]]
        return changed

    _edit(place, change)
    return made[0]


def _edit(place: KeyPlace, change: Callable[[KeyDocument], KeyDocument]) -> None:
    place.edit(lambda text: change(_parsed(text, place)).text())


def _parsed(text: bytes | None, place: KeyPlace) -> KeyDocument:
    return KeyDocument() if text is None else KeyDocument.parse(text, place.address)


def _unknown(what: str, name: str, known: Collection[str], place: KeyPlace) -> ConfigurationError:
    close = difflib.get_close_matches(name, known, 1)
    return ConfigurationError(
        f"There is no such {what}.",
        where=place.address,
        expected=f"one that is there, for example {close[0]}" if close else "one that is there",
        got=repr(name),
        hint="`finks keys list` shows them.",
    )


def _wrong(message: str, error: ValidationError) -> ConfigurationError:
    first = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return ConfigurationError(message, where=where, expected=first["msg"], got=repr(first["input"]))
