"""Formats of data: which one an answer has, and the bytes of a page of rows in it."""

from finks_api.formats.accept import choices
from finks_api.formats.negotiation import FORMATS, Format, negotiate
from finks_api.formats.writers import Envelope, instant_text

__all__ = ["FORMATS", "Envelope", "Format", "choices", "instant_text", "negotiate"]
