"""The house rules of CONTRIBUTING.md that ruff, mypy and import-linter cannot hold."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = ROOT / "github_app"

FILE_LINES = 400
FUNCTION_LINES = 50
VAGUE_WORDS = {"manager", "helper", "helpers", "util", "utils", "service", "handler", "data", "info"}
# Written in pieces, so that this file passes its own rule.
REGISTRY_HOSTS = ["pypi." + "org", "files.python" + "hosted", "registry.npm" + "js", "proxy.go" + "lang"]
MACHINE_PATHS = ["/work" + "/main", "/work" + "/shared", "/tmp/" + "brief"]


def test_no_file_grows_past_400_lines():
    lengths = {_name(path): len(path.read_text().splitlines()) for path in _product_files()}
    assert _over(lengths, FILE_LINES) == {}


def test_no_function_grows_past_50_lines():
    lengths = {
        f"{_name(path)}:{function.lineno} {function.name}": _code_lines(function)
        for path in _product_files()
        for function in _functions(_parse(path))
    }
    assert _over(lengths, FUNCTION_LINES) == {}


def test_only_settings_reads_the_environment():
    readers = {
        f"{_name(path)}:{line}"
        for path in _product_files()
        if path != PRODUCT / "settings.py"
        for line in _environment_reads(_parse(path))
    }
    assert readers == set()


def test_core_imports_only_itself_and_the_standard_library():
    outsiders = {
        f"{_name(path)} imports {module}"
        for path in (PRODUCT / "core").glob("**/*.py")
        for module in _imports(_parse(path))
        if _top(module) not in sys.stdlib_module_names and not f"{module}.".startswith("github_app.core.")
    }
    assert outsiders == set()


@pytest.mark.parametrize(
    ("folder", "extras"),
    [
        ("github_app", ["bedrock", "vertex", "mcp", "traces", "demo"]),
        ("tests", ["bedrock", "vertex", "mcp", "traces", "demo", "dev", "browser", "claude"]),
    ],
)
def test_every_import_is_a_direct_dependency(folder: str, extras: list[str]):
    declared = {_normal(name) for name in _direct_dependencies(*extras)}
    providers = {module: {_normal(name) for name in names} for module, names in packages_distributions().items()}
    undeclared = {
        f"{_name(path)} imports {module}"
        for path in (ROOT / folder).glob("**/*.py")
        if not _is_sample(path)
        for module in map(_top, _imports(_parse(path)))
        if module in providers and module not in {"github_app", "tests", "bench"}
        if not providers[module] & declared
    }
    assert undeclared == set()


def test_every_direct_dependency_has_its_reason():
    reasons = (ROOT / "docs/dependencies.md").read_text()
    written = {_normal(name) for name in re.findall(r"^\| `([^`]+)`", reasons, re.MULTILINE)}
    assert written == {
        _normal(name)
        for name in _direct_dependencies("bedrock", "vertex", "mcp", "traces", "demo", "dev", "browser", "claude")
    }


def test_names_say_what_a_thing_is():
    vague = set()
    for path in _product_files():
        names = [path.stem if path.stem != "__init__" else path.parent.name]
        names += [node.name for node in ast.walk(_parse(path)) if isinstance(node, ast.ClassDef)]
        vague |= {f"{_name(path)}: {name}" for name in names if _words(name) & VAGUE_WORDS}
    assert vague == set()


def test_there_is_one_way_to_a_merge():
    """GitHub gives no token that pushes and does not merge, so our code must be read: who names what merges there, who
    gets the object that does, who calls it, and who decides on the effect that does that."""
    product = {_name(path): path for path in _product_files() if "localhub" not in path.parts}
    words = re.compile(r"enablePullRequestAutoMerge|enqueuePullRequest|mergePullRequest|mergeBranch|/merges?\b[\"'?]")
    assert {name for name, path in product.items() if words.search(path.read_text())} == {
        "github_app/adapters/hub/shipping.py"
    }
    of_github = [path for name, path in product.items() if name.startswith("github_app/adapters/hub/")]
    assert not [path for path in of_github if _reads(path, "merge") or _reads(path, "enable_automerge")]
    assert {name for name, path in product.items() if _reads(path, "merger")} == {
        "github_app/app.py",
        "github_app/engine/shipping.py",
    }
    assert {name for name, path in product.items() if _reads(path, "ship", called=True)} == {
        "github_app/engine/shipping.py"
    }
    for made, where in {"GitHubMerger": "adapters/hub/github.py", "Ship": "core/shipping.py"}.items():
        assert {name for name, path in product.items() if _makes(path, made)} == {f"github_app/{where}"}


def _reads(path: Path, attribute: str, *, called: bool = False) -> bool:
    if called:
        calls = (node.func for node in ast.walk(_parse(path)) if isinstance(node, ast.Call))
        return any(isinstance(each, ast.Attribute) and each.attr == attribute for each in calls)
    return any(isinstance(node, ast.Attribute) and node.attr == attribute for node in ast.walk(_parse(path)))


def _makes(path: Path, name: str) -> bool:
    calls = (node.func for node in ast.walk(_parse(path)) if isinstance(node, ast.Call))
    return name in {each.attr if isinstance(each, ast.Attribute) else getattr(each, "id", "") for each in calls}


def test_locks_name_no_index_and_hash_everything():
    for name in ("requirements.lock", "requirements-dev.lock", "requirements-browser.lock", "requirements-claude.lock"):
        lock = (ROOT / name).read_text()
        assert "://" not in lock
        assert "index" not in re.sub(r"^\s+--hash.*$", "", lock, flags=re.MULTILINE)
        requirements = re.findall(r"^[A-Za-z0-9].*?(?=^[A-Za-z0-9]|\Z)", lock, re.MULTILINE | re.DOTALL)
        assert requirements
        assert all("--hash=sha256:" in requirement for requirement in requirements)


def test_no_file_names_a_registry_or_a_path_of_somebodys_machine():
    words = [word.encode() for word in REGISTRY_HOSTS + MACHINE_PATHS]
    found = {
        f"{_name(path)}: {word.decode()}" for path in _repository_files() for word in words if word in path.read_bytes()
    }
    assert found == set()


def _product_files() -> list[Path]:
    return sorted(path for path in PRODUCT.glob("**/*.py") if not _is_sample(path))


def _is_sample(path: Path) -> bool:
    """Tell whether this is code of a sample repository or of a suite's task: data for us, whatever is in it."""
    return bool({"sample", "samples", "suites", "data"} & set(path.relative_to(ROOT).parts))


@cache
def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _over(lengths: dict[str, int], limit: int) -> dict[str, int]:
    return {name: length for name, length in lengths.items() if length > limit}


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count a function's lines without its docstring: explaining must not cost."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    if ast.get_docstring(function) is not None:
        docstring = function.body[0]
        lines -= (docstring.end_lineno or docstring.lineno) - docstring.lineno + 1
    return lines


def _environment_reads(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="os"), attr="environ" | "environb" | "getenv" | "getenvb"):
                yield node.lineno
            case ast.ImportFrom(module="os", names=names):
                if {alias.name for alias in names} & {"environ", "environb", "getenv", "getenvb"}:
                    yield node.lineno
            case _:
                pass


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield from (f"{module}.{alias.name}" for alias in node.names)
            case _:
                pass


def _top(module: str) -> str:
    return module.partition(".")[0]


def _words(name: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


def _direct_dependencies(*extras: str) -> set[str]:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project, known = told["project"], told["project"]["optional-dependencies"] | told["dependency-groups"]
    lists = [project["dependencies"], *(known[extra] for extra in extras)]
    return {re.split(r"[^A-Za-z0-9._-]", line)[0] for lines in lists for line in lines}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _repository_files() -> list[Path]:
    """List what is or would be committed."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    paths = [ROOT / name for name in listing.split("\0") if name]
    return [path for path in paths if path.is_file() and not path.is_symlink()]
