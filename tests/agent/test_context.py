"""Which files an issue is about, on repositories small enough to see why; and what hostile ones cannot do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from github_app.agent.context.kinds import MAX_FILE_BYTES, kind_of
from github_app.agent.context.packing import count_tokens, pack_commands, pack_files
from github_app.agent.context.query import read_query
from github_app.agent.context.survey import Bounds, survey
from github_app.agent.context.words import terms_of
from github_app.core.context import Blob, Command, Context, Definition, RankedFile


@dataclass
class Tree:
    """A commit's files, and which of them were read."""

    contents: dict[str, bytes]
    sizes: dict[str, int] = field(default_factory=dict)
    was_read: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, **texts: str | bytes) -> Tree:
        return cls({path: text if isinstance(text, bytes) else text.encode() for path, text in texts.items()})

    def list(self) -> Sequence[Blob]:
        return [
            Blob(path=path, id=path, size=self.sizes.get(path, len(content)))
            for path, content in sorted(self.contents.items())
        ]

    def read(self, blobs: Sequence[Blob]) -> Iterator[bytes]:
        for blob in blobs:
            self.was_read.append(blob.path)
            yield self.contents[blob.path]


SHOP = {
    "shop/cart.py": "class Cart:\n    def add(self, item): ...\n\n    def total(self):\n        return sum(self.all)\n",
    "shop/checkout/payment.py": "def charge(card, amount):\n    retry = 3\n    return gateway.charge(card, amount)\n",
    "shop/checkout/__init__.py": "from shop.checkout.payment import charge\n",
    "shop/checkout/AGENTS.md": "Amounts are integers.\n",
    "shop/mail.py": "def send(message):\n    smtp.send(message)\n",
    "shop/views/select_all.js": "function selectAll(form) {\n  form.items.forEach(check)\n}\n",
    "shop/views/list.js": "export const listView = (items) => {\n  return items.map(select)\n}\n",
    "shop/util.py": "def total(items): ...\ndef select(items): ...\ndef charge_all(cards): ...\n",
    "tests/test_cart.py": "def test_total_of_a_cart_with_two_items():\n    assert Cart().total() == 0  # total\n",
    "docs/cart.md": "The cart's total is the total of the cart.\n",
    "vendor/cart.py": "class Cart: total = 1\n",
    "AGENTS.md": "Be brief.\n",
    "mail/AGENTS.md": "Of another folder.\n",
    "pyproject.toml": "[tool.pytest.ini_options]\n",
    ".github/workflows/ci.yml": "on: push\njobs:\n  a:\n    runs-on: linux\n    steps:\n      - run: make lint\n",
}


def look(issue: str, texts: dict[str, str] = SHOP) -> Context:
    return survey(Tree.of(**texts), issue, bounds=Bounds())


def first(issue: str, texts: dict[str, str] = SHOP) -> str:
    return look(issue, texts).files[0].path


@pytest.mark.parametrize(
    ("issue", "path"),
    [
        ("The total of the cart is wrong", "shop/cart.py"),
        ("Charging a card fails", "shop/checkout/payment.py"),
        ("Selecting all items in a form does nothing", "shop/views/select_all.js"),
        ("`select-all` does nothing", "shop/views/select_all.js"),
        ("`listView` shows nothing", "shop/views/list.js"),
        ("Nothing arrives\n\nLook at shop/mail.py", "shop/mail.py"),
        ("`shop.checkout.payment.charge` retries", "shop/checkout/payment.py"),
        ('It ends\n\n  File "/srv/app/shop/mail.py", line 2, in send\nValueError: total of cart', "shop/mail.py"),
        ("It ends\n\n    at selectAll (/srv/shop/views/list.js:2:9)", "shop/views/list.js"),
    ],
)
def test_the_file_that_an_issue_is_about_comes_first(issue: str, path: str):
    assert first(issue) == path


def test_the_innermost_line_of_a_trace_counts_most():
    trace = 'Boom\n\n  File "shop/util.py", line 1, in total\n  File "shop/mail.py", line 2, in send\n'
    mail, util = look(trace).files[:2]
    assert (mail.path, util.path) == ("shop/mail.py", "shop/util.py")
    assert "stack trace, line 2" in mail.reasons


def test_a_rare_name_that_is_defined_beats_words_that_are_everywhere():
    texts = {f"pkg/m{n}.py": "def value(error): return error\n" for n in range(20)}
    texts["pkg/z.py"] = "class OddOne:\n    pass\n"
    assert first("error in value of `OddOne`", texts) == "pkg/z.py"


def test_reasons_are_in_the_words_of_the_issue():
    (cart, *_) = look("The `Cart` total is wrong").files
    assert cart.reasons[0] == "defines Cart"
    assert set(cart.reasons[1].removeprefix("words: ").split(", ")) == {"Cart", "total"}


def test_tests_and_documentation_come_behind_and_vendored_files_not_at_all():
    paths = [file.path for file in look("The total of the cart is wrong").files]
    assert paths.index("tests/test_cart.py") > paths.index("shop/util.py")
    assert "docs/cart.md" in paths
    assert "vendor/cart.py" not in paths


def test_outlines_have_the_lines_that_matter():
    assert look("The total of the cart is wrong").files[0].outline == (
        Definition(line=1, text="class Cart:"),
        Definition(line=4, text="def total(self):"),
    )


def test_instructions_of_the_folders_above_apply_and_no_others():
    found = look("Charging a card fails").instructions
    assert [(each.path, each.text) for each in found] == [
        ("AGENTS.md", "Be brief.\n"),
        ("shop/checkout/AGENTS.md", "Amounts are integers.\n"),
    ]


def test_commands_name_the_file_that_says_so():
    found = {each.source: each.command for each in look("Charging a card fails").commands}
    assert "pytest" in found["pyproject.toml"]
    assert found[".github/workflows/ci.yml"] == "make lint"


def test_the_same_repository_gives_the_same_answer():
    texts = {f"pkg/a{n}.py": "def total(cart): ...\n" for n in range(30)}
    once, again = look("total of cart", texts), look("total of cart", dict(reversed(texts.items())))
    assert once == again
    assert [file.path for file in once.files] == sorted(texts)[:20]


def test_nothing_to_go_by_gives_nothing():
    assert look("").files == ()
    assert look("It is broken", {}).files == ()


# --- hostile repositories ---------------------------------------------------------------------------------------------


def test_giants_are_not_even_read():
    tree = Tree.of(**{"app.js": "var total", "cart.py": "total = 1"})
    tree.sizes["app.js"] = 50_000_000
    assert [file.path for file in survey(tree, "total", bounds=Bounds()).files] == ["cart.py"]
    assert "app.js" not in tree.was_read


def test_bytes_that_are_no_text_do_no_harm():
    tree = Tree.of(
        **{"a.py": b"\xff\xfe total \x80\n", "b.py": b"total\0total", "c.py": "tötal = total\r\n".encode("utf-16")}
    )
    found = survey(tree, "total", bounds=Bounds())
    assert [file.path for file in found.files] == ["a.py"]


@pytest.mark.parametrize(
    "line", [" ", "\t", "a", "(", "x(", "export ", "const a = ", "ABC:", "aaa(", "def ", "/*", "`", "A" * 79 + " "]
)
def test_a_line_of_half_a_megabyte_is_read_like_any_other(line: str):
    text = line * (MAX_FILE_BYTES // len(line))
    assert survey(Tree.of(**{"a.py": text, "b.py": "total = 1"}), "total", bounds=Bounds()).files[0].path == "b.py"


@pytest.mark.parametrize(
    "part", ["a/", "a.", "at ", 'File "', "at a:", "`", "http://", "a-", "at x.x:1", "é", "a@", "::"]
)
def test_an_issue_made_to_be_slow_is_read_like_any_other(part: str):
    query = read_query(f"total {part * (200_000 // len(part))}")
    assert "total" in {query.spelled[term] for term in query.terms}
    assert len(query.terms) <= 401
    assert len(query.paths) + len(query.modules) + len(query.places) <= 300


def test_a_large_repository_is_looked_at_in_part_its_code_first():
    texts = {**{f"docs/{n}.md": "total" for n in range(50)}, **{f"src/{n}.py": "total" for n in range(50)}}
    for bounds in (Bounds(files=50), Bounds(bytes=250)):
        found = survey(Tree.of(**texts), "total", bounds=bounds)
        assert found.is_partial
        assert {file.kind for file in found.files} == {"code"}
    assert not survey(Tree.of(**texts), "total", bounds=Bounds()).is_partial


def test_a_survey_that_takes_too_long_ends_with_what_it_has():
    ticks = iter(range(1_000))
    found = survey(Tree.of(**SHOP), "cart total", bounds=Bounds(seconds=3), clock=lambda: float(next(ticks)))
    assert found.is_partial
    assert [file.path for file in found.files] == ["shop/cart.py"]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("src/a.py", "code"),
        ("src/history.py", "code"),
        ("src/changes.py", "code"),
        ("lib/a.test.js", "test"),
        ("src/test/java/ATest.java", "test"),
        ("docs/conf.py", "other"),
        ("README.md", "other"),
        ("CHANGELOG.md", None),
        ("CHANGES", None),
        ("dist/app.js", None),
        ("a/node_modules/b/index.js", None),
        ("app.min.js", None),
        ("api_pb2.py", None),
        ("Cargo.lock", None),
        ("logo.png", None),
        ("a/" * 300 + "a.py", None),
    ],
)
def test_kinds_of_files(path: str, kind: str | None):
    assert kind_of(path) == kind


def test_identifiers_are_found_by_their_parts():
    assert terms_of("readHTTPHeaders") == ("readhttpheaders", "read", "http", "head")
    assert terms_of("http_headers")[1:] == terms_of("HttpHeader")[1:] == ("http", "head")
    assert terms_of("x" * 100) == ()


# --- packing ----------------------------------------------------------------------------------------------------------


def a_file(number: int, lines: int = 3) -> RankedFile:
    outline = tuple(Definition(line=n, text=f"def f{n}():") for n in range(1, lines + 1))
    return RankedFile(path=f"a{number}.py", score=1.0, reasons=("words: x",), kind="code", outline=outline)


def test_a_map_has_names_first_and_outlines_as_far_as_they_fit():
    files = [a_file(n) for n in range(20)]
    assert pack_files(files[:1]) == "a0.py (words: x)\n  1: def f1():\n  2: def f2():\n  3: def f3():"
    for tokens in (10, 60, 120, 200):
        packed = pack_files(files, tokens=tokens)
        assert 0 < count_tokens(packed) <= tokens
    assert "a19.py" in pack_files(files, tokens=120)
    assert "def" not in pack_files(files, tokens=95)


def test_commands_are_lines_whatever_is_in_them():
    assert pack_commands([Command(command="a \\\n  b", source="Makefile")]) == "Builds and tests:\n  a \\ b  (Makefile)"
    assert pack_commands([]) == ""
