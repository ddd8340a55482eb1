"""What a file of a repository is, by its path: code, a test, documentation, or nothing to look into."""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal["code", "test", "other"]

MAX_FILE_BYTES = 400_000
"""What is larger was not written by hand; nothing of it is read."""

_CODE = re.compile(
    r"\.(py|pyi|pyx|pxd|js|mjs|cjs|ts|mts|cts|jsx|tsx|vue|svelte|c|h|cc|cpp|cxx|hpp|hh|m|mm|rs|go|java|kt|kts|scala|groovy|"
    r"clj|rb|php|pl|pm|lua|swift|cs|fs|vb|ex|exs|erl|hs|ml|jl|r|dart|zig|nim|sh|bash|sql|proto|graphql|html|htm|pt|j2|jinja|"
    r"jinja2|erb|ejs|hbs|css|scss|sass|less|xml|tf|el|f90|f|asm|s|cu|sol)$",
    re.IGNORECASE,
)
_OTHER = re.compile(
    r"\.(md|rst|txt|adoc|json|ya?ml|toml|cfg|ini|in|cmake|gradle|properties|zcml|conf)$|(^|/)(makefile|dockerfile|rakefile|gemfile|"
    r"jenkinsfile|cmakelists\.txt)$",
    re.IGNORECASE,
)
_TEST = re.compile(
    r"(^|/)(tests?|testing|specs?|__tests__|e2e|fixtures|testdata|test_data|mocks?|__mocks__|benchmarks?|bench)/"
    r"|(^|/)(test_[^/]*|conftest\.py|tests?\.[^/]*|[^/]*([_.-](tests?|spec)|Tests?)\.[^/.]+)$"
)
_ASIDE = re.compile(
    r"(^|/)(docs?|doc_src|documentation|examples?|samples?|demos?|changelogs?|news|whatsnew|locales?|i18n|po|translations|licenses?)/",
    re.IGNORECASE,
)
_SKIPPED = re.compile(
    r"(^|/)(\.git|\.hg|\.svn|node_modules|bower_components|_?vendor(ed)?|third[_-]?party|site-packages|__pycache__|\.idea|\.vscode|"
    r"generated|[^/]+\.egg-info)/|^(dist|build|out|target|coverage)/"
    r"|[._-](min|bundle|generated|pb)\.[^/]+$|_pb2(_grpc)?\.pyi?$|\.(lock|map|snap|svg|po|pot|mo|ipynb|csv|tsv|log)$"
    r"|(^|/)(package-lock\.json|yarn\.lock|pnpm-lock\.yaml|go\.sum|"
    r"(changelog|changes|history|news|licen[cs]e|copying|notice|authors|contributors|credits)[^/.]*(\.(rst|md|txt|ya?ml|in))?)$",
    re.IGNORECASE,
)


def kind_of(path: str) -> Kind | None:
    """What a file is; None for what is not looked into: vendored, generated, locked, logs of changes, no text."""
    if len(path) > 400 or _SKIPPED.search(path):
        return None
    if _CODE.search(path):
        return "test" if _TEST.search(path) else "other" if _ASIDE.search(path) else "code"
    return "other" if _OTHER.search(path) else None
