"""The `finks` command."""
