"""The emulator of the other services, in an environment of its own, and what its Glue lacks."""

from finks_local.emulator.process import Emulator, EmulatorOptions

__all__ = ["Emulator", "EmulatorOptions"]
