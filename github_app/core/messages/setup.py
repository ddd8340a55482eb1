"""What `honk setup` says in the terminal."""

from __future__ import annotations

from urllib.parse import urlsplit

from github_app.core.registration import Registered


def opening(url: str) -> str:
    """What to open, and from where."""
    port = urlsplit(url).port
    return f"""Open this in your browser to register the GitHub App:

    {url}

If the browser is on another machine, first forward the port from there:

    ssh -L {port}:127.0.0.1:{port} THIS-MACHINE

Waiting; Ctrl+C ends it."""


def left() -> str:
    """The end without an App."""
    return "No GitHub App was registered, and nothing was written."


def done(app: Registered, *, settings_file: str, key_file: str, webhook_url: str, program: str) -> str:
    """What there is now, and what to do next, in order; `program` is Honk's."""
    return f"""
The GitHub App `{app.name}` is registered.

    {settings_file}   its id, webhook secret and addresses (mode 600)
    {key_file}   its private key (mode 600); keep a copy elsewhere

Next:

1. Put your key for the model into {settings_file}, after ANTHROPIC_API_KEY=.
2. Install the App on the repositories that Honk may work on:

       {app.install_url}

3. Check the settings and the sandbox, then run Honk:

       set -a; . {settings_file}; set +a
       {program} doctor --online && {program} serve

   Deliveries go to {webhook_url}, which must lead to Honk's port.
4. Label an issue `honk`. Nothing is posted anywhere before somebody does."""
