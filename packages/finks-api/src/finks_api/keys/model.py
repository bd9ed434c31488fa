"""What a key is: an entry in one JSON document, which names its plan and what it may read."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Literal, Self, get_args

from finks.errors import ConfigurationError
from finks.redact import MASK
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

Dataset = Literal["portfolios", "transactions", "securities", "bars", "dividends", "splits", "fundamentals"]
DATASETS: Final[tuple[str, ...]] = get_args(Dataset)
"""What a key can be narrowed to, as the API names it."""

KEY: Final = re.compile(r"finks[0-9a-f]{64}")
"""A key: 256 random bits. API Gateway takes letters and digits, 20 to 128 of them (Amazon API Gateway, Developer
Guide, "API key file format" and "Choose an API key source")."""

STANDARD: Final = "standard"
"""The plan that there is from the start."""

PlanName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
# Names are shown on terminals and stand in logs: no control character, nothing that runs backwards.
_Shown = Annotated[str, StringConstraints(pattern=r"^[^\p{C}\p{Z}]+( [^\p{C}\p{Z}]+)*$", max_length=100)]


class _Checked(BaseModel):
    """Nothing in it that is not known, and nothing changes it."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Plan(_Checked):
    """How often a key may ask. API Gateway's usage plans have the same three numbers."""

    rate: float = Field(gt=0, le=10_000, allow_inf_nan=False, description="Requests a second, in the long run.")
    burst: int = Field(ge=1, le=5_000, description="Requests at once.")
    daily_quota: int | None = Field(default=None, ge=1, description="Requests in a day (UTC); no limit when absent.")


@dataclass(frozen=True, slots=True)
class Grant:
    """What the key of a request allows.

    Attributes:
        key_id: Names the key; no secret.
        plan: How often it may ask.
        datasets: The datasets that it may read; None for all.
        portfolios: The portfolios that it may read; None for all.
        expires_at: From then on it is no valid key; None for never.
    """

    key_id: str
    plan: Plan
    datasets: frozenset[str] | None = None
    portfolios: frozenset[str] | None = None
    expires_at: datetime | None = None


class KeyEntry(_Checked):
    """A key as it is kept."""

    id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{10}$")]
    name: _Shown
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    plan: PlanName
    datasets: frozenset[Dataset] | None = Field(default=None, min_length=1)
    portfolios: frozenset[_Shown] | None = Field(default=None, min_length=1)
    created_at: AwareDatetime
    expires_at: AwareDatetime | None = None
    disabled: bool = False


class KeyDocument(_Checked):
    """All keys and their plans. No key can be had from it."""

    version: Literal[1] = 1
    plans: dict[PlanName, Plan] = {STANDARD: Plan(rate=10, burst=20, daily_quota=10_000)}
    keys: tuple[KeyEntry, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for field in ("id", "sha256"):
            if len({getattr(entry, field) for entry in self.keys}) < len(self.keys):
                raise ValueError(f"each `{field}` once")
        if lost := {entry.plan for entry in self.keys} - set(self.plans):
            raise ValueError(f"a plan of each name that a key has; {', '.join(sorted(lost))} is missing")
        return self

    @classmethod
    def parse(cls, text: bytes, where: str) -> Self:
        """Read the document.

        Args:
            text: JSON.
            where: Its place, for an error.

        Raises:
            ConfigurationError: It is not valid; no value of it is shown, somebody may have put a key there.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        at = KEY.sub(MASK, ".".join(str(part) for part in first["loc"]))
        raise ConfigurationError(
            "The API's key document is not valid.",
            where=f"{where}, {at}" if at else where,
            expected=first["msg"].removeprefix("Value error, "),
            hint="`finks keys` writes it; docs/api-keys.md describes it.",
        )

    def text(self) -> bytes:
        """The document as JSON, to be kept."""
        return self.model_dump_json(indent=2).encode() + b"\n"

    def grants(self) -> dict[bytes, Grant]:
        """What each key that was not revoked allows, by the digest of the key."""
        return {
            bytes.fromhex(entry.sha256): Grant(
                entry.id, self.plans[entry.plan], entry.datasets, entry.portfolios, entry.expires_at
            )
            for entry in self.keys
            if not entry.disabled
        }


def new_key() -> str:
    """A key that nobody has yet."""
    return f"finks{secrets.token_hex(32)}"


def digest(key: str) -> bytes:
    """The SHA-256 of a whole key, by which it is found.

    A slow hash with a salt protects what people think up. Nobody can guess 256 random bits, so a fast one is enough;
    and as what is compared are digests, the time of a comparison says nothing of any key.
    """
    return hashlib.sha256(key.encode("ascii")).digest()
