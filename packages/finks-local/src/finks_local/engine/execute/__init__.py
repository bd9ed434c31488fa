"""The statements, each carried out in a workspace."""
