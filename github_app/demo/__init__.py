"""The demo: a GitHub on this machine (`localhub`), a model (scripted, or the real one if there is a key) and the real
Honk, as a person would run them, telling the story of one issue from label to merge. `stack` starts the parts and is
what tests and benchmarks use too; `story` plays the people; `telling` prints."""

from __future__ import annotations
