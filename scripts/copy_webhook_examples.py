"""Copy GitHub's webhook examples of our events into tests/webhook/payloads.

Usage: npm install --no-save --ignore-scripts @octokit/webhooks-examples
       python scripts/copy_webhook_examples.py node_modules

One file an event, `<event>.json.gz`: a JSON list of payloads, in the package's order. The examples are older than
today's schemas: realistic input for the parser, no proof of the current shape.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

from prune_openapi import EVENTS  # type: ignore[import-not-found]

HOME = Path(__file__).parent.parent / "tests" / "webhook" / "payloads"
NOTICE = """\
The payloads are the webhook examples of the npm package @octokit/webhooks-examples {version},
https://github.com/octokit/webhooks, MIT License, by Gregor Martynus and the Octokit contributors,
copied by scripts/copy_webhook_examples.py.
"""


def main() -> None:
    """Read the unpacked package below the node_modules directory in argv[1] and write the files."""
    package = Path(sys.argv[1]) / "@octokit" / "webhooks-examples"
    version = json.loads((package / "package.json").read_text())["version"]
    examples = json.loads((package / "api.github.com" / "index.json").read_text())
    HOME.mkdir(parents=True, exist_ok=True)
    for entry in examples:
        if entry["name"] not in EVENTS:
            continue
        raw = json.dumps(entry["examples"], separators=(",", ":"), ensure_ascii=False).encode()
        (HOME / f"{entry['name']}.json.gz").write_bytes(gzip.compress(raw, 9, mtime=0))
        print(f"{entry['name']}: {len(entry['examples'])}")
    (HOME / "NOTICE").write_text(NOTICE.format(version=version))


if __name__ == "__main__":
    main()
