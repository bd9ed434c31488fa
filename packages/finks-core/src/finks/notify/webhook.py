"""Alerts as JSON to an address of yours, signed if a secret is set.

The signature follows the Standard Webhooks specification 1.0 (standardwebhooks.com): headers `webhook-id`,
`webhook-timestamp` and `webhook-signature`, an HMAC-SHA256 over `id.timestamp.body`. Receivers drop repeats by the id.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from typing import ClassVar
from urllib.parse import urlsplit

import httpx
from pydantic import Field, SecretStr, field_validator

from finks.errors import ConfigurationError, NotificationError
from finks.notify.again import again
from finks.notify.alert import Alert
from finks.notify.notifier import BaseNotifier, NotifierConfig

PREFIX = "whsec_"
BUSY = frozenset({408, 425, 429})


class WebhookConfig(NotifierConfig):
    """The settings of `[alerts.notifiers.webhook]`."""

    url: SecretStr = Field(description="The address that takes a POST; http: or https:. It may hold a secret.")
    authorization: SecretStr | None = Field(default=None, description="The header Authorization, whole.")
    secret: SecretStr | None = Field(default=None, description="Signs each message: whsec_ and 24 to 64 bytes, base64.")
    timeout: float = Field(default=10, gt=0, description="Seconds for each attempt's connection, and for its answer.")

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: SecretStr) -> SecretStr:
        parts = urlsplit(url.get_secret_value())
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("an address that begins with https:// or http://")
        return url

    @field_validator("secret")
    @classmethod
    def _is_a_key(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None:
            _key(secret)
        return secret


class Webhook(BaseNotifier):
    """Posts each alert as JSON."""

    Config: ClassVar[type[NotifierConfig]] = WebhookConfig
    config: WebhookConfig

    def notify(self, alert: Alert) -> None:
        """See `Notifier`. A busy or absent receiver is tried again; a refusal is not."""
        body = alert.json_text.encode()
        with httpx.Client(timeout=self.config.timeout, trust_env=True) as client:
            again(lambda: self._post(client, alert.id, body))

    def _post(self, client: httpx.Client, message_id: str, body: bytes) -> None:
        url = self.config.url.get_secret_value()
        host = urlsplit(url).hostname
        try:
            answer = client.post(url, content=body, headers=self._headers(message_id, body))
        except httpx.TransportError as error:
            raise NotificationError("The webhook cannot be reached.", where=host, got=type(error).__name__) from None
        got = f"HTTP {answer.status_code}"
        if answer.status_code in BUSY or answer.status_code >= 500:
            raise NotificationError("The webhook did not take the alert.", where=host, got=got)
        if not answer.is_success:
            raise ConfigurationError("The webhook refused the alert.", where=host, expected="HTTP 2xx", got=got)

    def _headers(self, message_id: str, body: bytes) -> dict[str, str]:
        headers = {"content-type": "application/json", "webhook-id": message_id}
        if self.config.authorization is not None:
            headers["authorization"] = self.config.authorization.get_secret_value()
        if self.config.secret is not None:
            headers["webhook-timestamp"] = moment = str(int(time.time()))
            headers["webhook-signature"] = sign(self.config.secret, message_id, moment, body)
        return headers


def sign(secret: SecretStr, message_id: str, moment: str, body: bytes) -> str:
    """The value of `webhook-signature`."""
    signed = hmac.new(_key(secret), f"{message_id}.{moment}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"


def _key(secret: SecretStr) -> bytes:
    text = secret.get_secret_value()
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except ValueError:
        key = b""
    if not text.startswith(PREFIX) or not 24 <= len(key) <= 64:
        raise ValueError("whsec_ and 24 to 64 bytes in base64, for example from `openssl rand -base64 32`")
    return key
