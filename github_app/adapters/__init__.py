"""Touching the world: GitHub, git, the sandbox, models. Rooms above reach these through `core.ports`."""
