"""A finished build in words: what there is, how large, how to know it, and how to try it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from github_app.core.builds import Build, Item, Kind
from github_app.core.messages.figures import count, size
from github_app.core.text.prose import code

_WAYS: Mapping[Kind, str] = {
    "android": "download it on the phone, and allow the browser to install it",
    "ios": "for devices that its provisioning profile names, by Apple Configurator or your device management",
    "wheel": "`pip install` it, in an environment of its own",
    "python": "run it with `python3`",
    "program": "it comes from this branch: run it where you would run its code",
    "site": "unpack it, and serve its folder with `python3 -m http.server`",
}


def card(build: Build, repo: str) -> str:
    """The comment on a build."""
    lines = [f"**To try: what CI made of `{build.head_sha[:7]}`**", ""]
    lines += [_line(item, repo) for item in build.items]
    lines += [f"- and {count(build.more, 'more file')}; `deliver` in the policy names some"] * bool(build.more)
    lines += [f"- preview: `{each.url}` ({code(each.name)})" for each in build.previews]
    if build.url:
        lines += ["", f"[Try it]({build.url}), also on a phone: for people who can read this repository. {_end(build)}"]
    return "\n".join(lines)


def summary(build: Build | None) -> list[tuple[str, str]]:
    """A build in one line, by what that is called; none where there is none."""
    if build is None:
        return []
    told = [count(len(build.items), "file")] * bool(build.items)
    told += [count(len(build.previews), "preview")] * bool(build.previews)
    what = " and ".join(told)
    return [(f"To try, of `{build.head_sha[:7]}`", f"[{what}]({build.url})" if build.url else what)]


def way(kind: Kind) -> str:
    """How something is tried; empty where that goes without saying."""
    return _WAYS.get(kind, "")


def day(at: datetime) -> str:
    """A day as people read it."""
    return f"{at.day} {at:%B %Y}"


def _line(item: Item, repo: str) -> str:
    told = [size(item.size_bytes)]
    told += [f"SHA-256 `{item.sha256}`"] * bool(item.sha256)
    told += [f"kept until {day(each)}" for each in (item.expires_at,) if each is not None]
    told.append(f"[on GitHub](/{repo}/actions/runs/{item.run_id}/artifacts/{item.artifact_id})")
    how = way(item.kind)
    return f"- {code(item.name)}: {', '.join(told)}" + (f"; {how}" if how else "")


def _end(build: Build) -> str:
    until = f", and on {day(build.ends_at)}" if build.ends_at is not None else ""
    return f"The link ends with the next build, with this work{until}."
