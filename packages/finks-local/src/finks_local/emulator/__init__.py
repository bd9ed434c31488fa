"""The emulator of the other services, in an environment of its own, and what its Glue lacks."""
