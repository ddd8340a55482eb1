"""Images: found where people see them, taken from GitHub alone, and known by their bytes."""

from __future__ import annotations

import pytest

from github_app.core.images import (
    MAX_TOKENS,
    Format,
    find_images,
    is_hosted,
    is_signed_for,
    may_follow,
    read_format,
    tokens_of,
)

DOT_COM, GHES, LOCAL = "https://github.com", "https://git.example", "http://127.0.0.1:8100"
UUID = "0c6d7a30-5a0e-4c8e-9f6b-9b1f0e3f1a11"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("See ![](https://a.example/1.png) and ![it]( <https://a.example/2.png> ).", ("https://a.example/1.png", "https://a.example/2.png")),
        ('<img src="https://a.example/1.png"> <IMG width=3 src=https://a.example/2.png>', ("https://a.example/1.png", "https://a.example/2.png")),
        ("![](https://a.example/1.png) ![](https://a.example/1.png)", ("https://a.example/1.png",)),
        ("`![](https://a.example/1.png)`\n\n```\n<img src='https://a.example/2.png'>\n```", ()),
        ("[no](https://a.example/1.png) ![](data:image/png;base64,AA) ![](/x.png) <imgs src='https://a.example'>", ()),
    ],
)  # fmt: skip
def test_images_of_a_text(text: str, found: tuple[str, ...]) -> None:
    assert find_images(text) == found


def test_a_hostile_text_takes_no_time() -> None:
    assert find_images("![" * 50_000 + "<img " * 50_000 + "![](https://" * 20_000) == ("https://![]",)


@pytest.mark.parametrize(
    ("url", "home", "hosted", "follow"),
    [
        (f"{DOT_COM}/user-attachments/assets/{UUID}", DOT_COM, True, True),
        (f"{DOT_COM}/acme/shop/assets/12/{UUID}", DOT_COM, True, True),
        (f"https://GitHub.com/user-attachments/assets/{UUID}", DOT_COM, True, True),
        (f"{DOT_COM}/acme/shop/raw/main/x.png", DOT_COM, False, True),
        (f"{DOT_COM}/logout", DOT_COM, False, True),
        (f"https://private-user-images.githubusercontent.com/1/2-{UUID}.png?jwt=a.b-c", DOT_COM, True, True),
        ("https://camo.githubusercontent.com/0a/1b", DOT_COM, False, False),
        ("https://githubusercontent.com/x.png", DOT_COM, False, False),
        ("https://evilgithubusercontent.com/x.png", DOT_COM, False, False),
        ("https://github-production-user-asset-6210df.s3.amazonaws.com/1/2.png?X-Amz-Date=1", DOT_COM, False, True),
        ("https://other.s3.amazonaws.com/1/2.png", DOT_COM, False, False),
        ("https://media.github.com/x.png", DOT_COM, False, False),
        (f"http://github.com/user-attachments/assets/{UUID}", DOT_COM, False, False),
        (f"{DOT_COM}:444/user-attachments/assets/{UUID}", DOT_COM, False, False),
        (f"https://me@github.com/user-attachments/assets/{UUID}", DOT_COM, False, False),
        (f"https://evil.example\\@github.com/user-attachments/assets/{UUID}", DOT_COM, False, False),
        (f"{GHES}/storage/user/3/files/{UUID}", GHES, True, True),
        ("https://media.git.example/user/3/files/a", GHES, True, True),
        ("https://notgit.example/user/3/files/a", GHES, False, False),
        (f"{LOCAL}/user-attachments/assets/{UUID}", LOCAL, True, True),
        (f"http://127.0.0.1:8101/user-attachments/assets/{UUID}", LOCAL, False, False),
        ("http://169.254.169.254/user-attachments/assets/a", LOCAL, False, False),
        ("http://raw.githubusercontent.com/a/b/c.png", LOCAL, False, False),
    ],
)
def test_only_github_is_asked(url: str, home: str, hosted: bool, follow: bool) -> None:
    assert (is_hosted(url, web_url=home), may_follow(url, web_url=home)) == (hosted, follow)


def test_a_signed_address_names_what_was_attached() -> None:
    signed = f"https://private-user-images.githubusercontent.com/1/2-{UUID}.png?jwt=x"
    assert is_signed_for(signed, f"{DOT_COM}/user-attachments/assets/{UUID.upper()}")
    assert is_signed_for(f"{GHES}/user/3/files/ab12ab12?token=x", f"{GHES}/storage/user/3/files/ab12ab12.png")
    assert not is_signed_for(signed, f"{DOT_COM}/user-attachments/assets/other-name")
    assert not is_signed_for(signed, f"{DOT_COM}/user-attachments/assets/png")


PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (640).to_bytes(4, "big") + (480).to_bytes(4, "big") + b"\x08\x02"
JPEG = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xff\xc4\x00\x03c\xff\xc2\x00\x0b\x08" + b"\x01\xe0\x02\x80" + b"\x03"
WEBP = b"RIFF\x00\x00\x00\x00WEBP"


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (PNG, "image/png"),
        (JPEG, "image/jpeg"),
        (b"GIF89a\x80\x02\xe0\x01", "image/gif"),
        (b"GIF87a\x80\x02\xe0\x01", "image/gif"),
        (WEBP + b"VP8 " + b"\0" * 10 + b"\x80\x02\xe0\x01", "image/webp"),
        (WEBP + b"VP8L" + b"\0" * 5 + (639 | 479 << 14).to_bytes(4, "little") + b"\0" * 9, "image/webp"),
        (WEBP + b"VP8X" + b"\0" * 8 + b"\x7f\x02\x00\xdf\x01\x00", "image/webp"),
    ],
)
def test_an_image_is_known_by_its_bytes(content: bytes, media_type: str) -> None:
    assert read_format(content) == Format(media_type=media_type, width=640, height=480)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg/>",
        PNG[:20],
        PNG.replace(b"IHDR", b"IDAT"),
        b"GIF89a",
        JPEG[:12],
        b"\xff\xd8\xff\xe0\x00\x02" + b"\0" * 20,
        WEBP,
        WEBP + b"JUNK" + b"\0" * 20,
        PNG.replace((640).to_bytes(4, "big"), (8_001).to_bytes(4, "big")),
        PNG.replace((480).to_bytes(4, "big"), bytes(4)),
    ],
)
def test_what_is_none_is_not_shown(content: bytes) -> None:
    assert read_format(content) is None


def test_what_an_image_costs() -> None:
    assert tokens_of(640, 480) == 414
    assert tokens_of(1, 1) == 1
    assert tokens_of(1, 8_000) == 286
    assert tokens_of(8_000, 8_000) == MAX_TOKENS
