"""Against a real SMTP server on loopback, with TLS and a login."""

from __future__ import annotations

import asyncio
import ssl
import threading
from email import message_from_bytes, policy

import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult
from finks.errors import ConfigurationError, CredentialsError, NotificationError
from finks.notify import build_notifiers
from finks.testing import FaultServer

from .conftest import alert


class Inbox:
    """What the server took; it refuses the first answers that it is told to."""

    def __init__(self) -> None:
        self.mails: list = []
        self.refusals: list[str] = []

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802 - aiosmtpd's name
        if self.refusals:
            return self.refusals.pop(0)
        self.mails.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=policy.default)))
        return "250 OK"


@pytest.fixture
def inbox(tmp_path, monkeypatch):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    inbox = Inbox()

    def login(server, session, envelope, mechanism, given) -> AuthResult:
        return AuthResult(success=(given.login, given.password) == (b"finks", b"mailpassword"), handled=False)

    loop = asyncio.new_event_loop()
    made = loop.create_server(
        lambda: SMTP(
            inbox, hostname="localhost", tls_context=context, require_starttls=True, auth_required=True,
            authenticator=login, loop=loop,
        ),
        "127.0.0.1",
        0,
    )  # fmt: skip
    server = loop.run_until_complete(made)
    inbox.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield inbox
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    server.close()
    loop.run_until_complete(ended(loop))
    loop.close()


async def ended(loop: asyncio.AbstractEventLoop) -> None:
    """Wait for what the server still does for clients that are gone."""
    tasks = asyncio.all_tasks(loop) - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def email(inbox, **more):
    settings = {
        "host": "localhost", "port": inbox.port, "username": "finks", "password": "mailpassword",
        "sender": "finks@example.com", "recipients": ["a@example.com", "b@example.com"],
    }  # fmt: skip
    return build_notifiers({"email": {**settings, **more}})["email"]


def test_every_recipient_gets_the_alert_over_tls(inbox):
    found = alert(reason="Größe: 30 % of the keys failed")
    email(inbox).notify(found)
    ((recipients, mail),) = inbox.mails
    assert recipients == ["a@example.com", "b@example.com"]
    assert mail["subject"] == "finks: fmp_daily_bars failed"
    assert "Größe: 30 % of the keys failed" in mail.get_content()
    assert found.id in mail["message-id"]


def test_a_busy_server_is_tried_again(inbox):
    inbox.refusals = ["451 try again later"]
    email(inbox).notify(alert())
    assert len(inbox.mails) == 1


def test_a_refusal_is_not_tried_again(inbox):
    inbox.refusals = ["554 no", "554 no"]
    with pytest.raises(ConfigurationError, match="SMTP 554"):
        email(inbox).notify(alert())
    assert inbox.refusals == ["554 no"]


def test_a_wrong_password_is_told_and_not_shown(inbox):
    with pytest.raises(CredentialsError) as failure:
        email(inbox, password="wrongpassword").notify(alert())
    assert "wrongpassword" not in str(failure.value)


def test_a_certificate_that_nobody_vouches_for_is_refused(inbox, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(ConfigurationError, match="SSLCertVerificationError"):
        email(inbox).notify(alert())
    assert inbox.mails == []


def test_an_absent_server_is_a_matter_of_time(inbox):
    with FaultServer() as server, pytest.raises(NotificationError, match="ConnectionRefusedError"):
        email(inbox, port=int(server.refusing_url.rpartition(":")[2])).notify(alert())
