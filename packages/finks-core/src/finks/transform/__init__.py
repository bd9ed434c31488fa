"""From Bronze rows to good records and rejects, the same on every engine: in process, and on Spark (`.spark`)."""

from finks.transform.recipe import Recipe

__all__ = ["Recipe"]
