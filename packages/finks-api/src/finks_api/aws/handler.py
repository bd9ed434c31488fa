"""What AWS Lambda calls: `finks_api.aws.handler.handler`, with REST API Gateway's proxy events.

The settings are variables of the environment, FINKS_…. API Gateway enforces the plans of the keys, so nothing is
counted here. What an invocation makes, the next one in the same environment uses again.
"""

from __future__ import annotations

import logging
import os
import sys
from functools import cache
from typing import Any

from finks.errors import ConfigurationError
from finks.run.settings import load_settings, variable
from mangum import Mangum

from finks_api.access_log import configure_access_log
from finks_api.app import create_app, utc_now
from finks_api.backends.athena import athena_backend
from finks_api.keys.place import key_place
from finks_api.keys.store import DocumentKeys
from finks_api.problems import MEDIA_TYPE
from finks_api.settings import SECTION, api_settings

_TEXT = ["application/json", "application/x-ndjson", MEDIA_TYPE, "text/"]


@cache
def adapter() -> Mangum:
    """The app as a handler of Lambda's events.

    Raises:
        ConfigurationError: A setting is wrong or missing.
    """
    logging.getLogger("finks.api").setLevel(logging.INFO)
    configure_access_log(sys.stdout)
    settings = load_settings()
    api = api_settings(settings)
    if api.secret is None:
        raise ConfigurationError(
            "Page tokens need a secret that all instances share.",
            where=settings.place(f"{SECTION}.secret"),
            expected="at least 32 characters",
            hint=f"Set {variable((SECTION, 'secret'))}.",
        )
    keys = DocumentKeys(key_place(api.key_document), clock=utc_now)
    app: Any = create_app(athena_backend(settings, api), keys, api, limiter=None)
    # A stage is not in the path of an event, the base path of a custom domain is.
    return Mangum(app, lifespan="off", api_gateway_base_path=api.base_path, text_mime_types=_TEXT)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one request.

    Args:
        event: A proxy event of API Gateway REST.
        context: Lambda's context.
    """
    return adapter()(event, context)


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    adapter()  # while the environment starts, for which Lambda gives a whole processor
