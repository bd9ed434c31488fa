"""The API's client: one line a table, as frames with exact decimals."""

from finks_api.client.answers import DatasetFacts, Rows, Served
from finks_api.client.client import Client

__all__ = ["Client", "DatasetFacts", "Rows", "Served"]
