"""Alerts by e-mail, over SMTP."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from typing import Annotated, ClassVar, Literal

from pydantic import Field, SecretStr, StringConstraints

from finks.errors import ConfigurationError, CredentialsError, NotificationError
from finks.notify.again import again
from finks.notify.alert import Alert
from finks.notify.notifier import BaseNotifier, NotifierConfig

Address = Annotated[str, StringConstraints(pattern=r"^[^@\s,;<>]+@[^@\s,;<>]+$")]


class EmailConfig(NotifierConfig):
    """The settings of `[alerts.notifiers.email]`."""

    host: str = Field(min_length=1, description="The SMTP server.")
    port: int = Field(default=587, ge=1, le=65535, description="Its port.")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How the connection is encrypted; `none` is for a relay on the same machine."
    )
    username: str | None = Field(default=None, description="Who logs in; nobody does if absent.")
    password: SecretStr | None = Field(default=None, description="The password of `username`.")
    sender: Address = Field(description="The address that the messages come from.")
    recipients: tuple[Address, ...] = Field(min_length=1, description="The addresses that they go to.")
    timeout: float = Field(default=20, gt=0, description="Seconds for each answer of the server.")


class Email(BaseNotifier):
    """Sends each alert to all recipients as one message.

    The server's certificate is verified against the system's authorities, or those of `SSL_CERT_FILE`.
    """

    Config: ClassVar[type[NotifierConfig]] = EmailConfig
    config: EmailConfig

    def notify(self, alert: Alert) -> None:
        """See `Notifier`. A busy or absent server is tried again; a refusal is not."""
        again(lambda: self._deliver(message(alert, self.config)))

    def _deliver(self, mail: EmailMessage) -> None:
        where = f"{self.config.host}:{self.config.port}"
        try:
            with self._connected() as server:
                refused = server.send_message(mail)
        except smtplib.SMTPAuthenticationError as error:
            raise CredentialsError("The mail server refused the login.", where=where, got=_code(error)) from None
        except (smtplib.SMTPNotSupportedError, ssl.SSLCertVerificationError, smtplib.SMTPRecipientsRefused) as error:
            raise ConfigurationError("The mail cannot be sent so.", where=where, got=_reason(error)) from None
        except smtplib.SMTPResponseException as error:
            # RFC 5321, 4.2.1: 4yz is transient, 5yz is not.
            kind = ConfigurationError if error.smtp_code >= 500 else NotificationError
            raise kind("The mail server did not take the alert.", where=where, got=_code(error)) from None
        except (OSError, smtplib.SMTPException) as error:
            raise NotificationError("The mail server cannot be reached.", where=where, got=_reason(error)) from None
        if refused:
            raise ConfigurationError("Some recipients were refused.", where=where, got=", ".join(sorted(refused)))

    def _connected(self) -> smtplib.SMTP:
        config = self.config
        context = ssl.create_default_context()
        if config.security == "tls":
            server = smtplib.SMTP_SSL(config.host, config.port, timeout=config.timeout, context=context)
        else:
            server = smtplib.SMTP(config.host, config.port, timeout=config.timeout)
        try:
            if config.security == "starttls":
                server.starttls(context=context)
            if config.username is not None and config.password is not None:
                server.login(config.username, config.password.get_secret_value())
        except BaseException:
            server.close()
            raise
        return server


def message(alert: Alert, config: EmailConfig) -> EmailMessage:
    """The message. Pure."""
    mail = EmailMessage()
    mail["Subject"] = alert.title
    mail["From"] = config.sender
    mail["To"] = ", ".join(config.recipients)
    mail["Message-ID"] = f"<{alert.id}@{config.sender.rpartition('@')[2]}>"
    # A mailing list's or an absence's automatic answer would be noise (RFC 3834).
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(alert.text)
    return mail


def _code(error: smtplib.SMTPResponseException) -> str:
    return f"SMTP {error.smtp_code}"


def _reason(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return f"refused: {', '.join(sorted(error.recipients))}"
    return type(error).__name__
