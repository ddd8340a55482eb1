"""Evaluation: tasks (a repository, an issue, hidden tests, limits) go through the whole product on this machine, and
what came of each is scored. `suites` reads them, `trials` plays one, `bench` runs what is judged in a sandbox,
`scoring` decides, `reports` shows; `command` is `honk eval`."""

from __future__ import annotations
