"""Connector plugins for finks."""
