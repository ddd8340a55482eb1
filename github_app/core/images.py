"""Images in what people write: which are GitHub's own to give, what their bytes are, and what they cost a model."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import ceil
from typing import Literal
from urllib.parse import urlsplit

from github_app.core.text.markup import mask_code

MAX_IMAGES = 5
MAX_BYTES = 3_000_000
MAX_SIDE = 8_000
"""Pixels of a side, above which the service refuses an image.
https://docs.claude.com/en/docs/build-with-claude/vision"""

MAX_TOKENS = 5_000
"""More than the largest image counts after the service has made it smaller."""

MediaType = Literal["image/png", "image/jpeg", "image/gif", "image/webp"]

_IMAGE = re.compile(
    r"!\[[^\[\]]{0,1000}\]\(\s{0,10}<?(?P<url>https?://[^\s<>()\"']{1,2000})"
    r"|<img\s[^<>]{0,1000}?\bsrc=[\"']?(?P<src>https?://[^\s<>\"']{1,2000})",
    re.IGNORECASE,
)
# Of nothing but this can two parsers make two hosts.
_ADDRESS = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?/[A-Za-z0-9._~/%?&=+,:;@!$-]*")
# https://docs.github.com/get-started/writing-on-github/working-with-advanced-formatting/attaching-files
_ATTACHED = re.compile(r"/(?:user-attachments/assets|[\w.-]+/[\w.-]+/assets|storage/user)/[\w./-]+")
_USER_CONTENT = ".githubusercontent.com"
_PROXY = "camo.githubusercontent.com"
"""Passes on what stands elsewhere."""

_BUCKET = re.compile(r"github-production-user-asset-[0-9a-f]{1,20}\.s3\.amazonaws\.com")

_SHORTEST_NAME = 8


@dataclass(frozen=True, kw_only=True)
class Picture:
    """An image that the model is shown: where it stands, who wrote that, and its bytes by their SHA-256."""

    url: str
    author: str
    media_type: MediaType
    width: int
    height: int
    size_bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """What became of all images in the words that the agent hears. `unread` are addresses of those that could not be
    had or shown; `more` were not looked at for want of room, `elsewhere` because they are not GitHub's."""

    shown: tuple[Picture, ...] = ()
    unread: tuple[str, ...] = ()
    more: int = 0
    elsewhere: int = 0


@dataclass(frozen=True, kw_only=True)
class Format:
    """What the bytes of an image say of themselves."""

    media_type: MediaType
    width: int
    height: int


def find_images(text: str) -> tuple[str, ...]:
    """The addresses of images in a text (as people see it), in order; none in code."""
    found = _IMAGE.finditer(mask_code(text).text)
    return tuple(dict.fromkeys(each["url"] or each["src"] for each in found))


def is_hosted(url: str, *, web_url: str) -> bool:
    """Whether GitHub itself has the image: attached on this GitHub (`web_url`), or with GitHub's user content."""
    host, path = _host_and_path(url, web_url)
    home = _netloc(web_url)
    if host == home:
        return _ATTACHED.fullmatch(path) is not None
    return _is_content(host, home)


def may_follow(url: str, *, web_url: str) -> bool:
    """Whether GitHub may send on to this address for an image that it has."""
    host, _ = _host_and_path(url, web_url)
    home = _netloc(web_url)
    return host == home or _is_content(host, home) or _BUCKET.fullmatch(host) is not None


def _is_content(host: str, home: str) -> bool:
    # An Enterprise Server has its own, below its name (`media.`); below github.com are other services.
    is_below = home != "github.com" and host.endswith(f".{home}")
    return is_below or (host.endswith(_USER_CONTENT) and host != _PROXY)


def _host_and_path(url: str, web_url: str) -> tuple[str, str]:
    """Host (with port) and path of an address that is surely one and no less safe than GitHub's own; else nothing."""
    if not _ADDRESS.fullmatch(url):
        return "", ""
    parts = urlsplit(url)
    if parts.scheme != "https" and (parts.scheme != urlsplit(web_url).scheme or _netloc(url) != _netloc(web_url)):
        return "", ""
    return _netloc(url), parts.path


def _netloc(url: str) -> str:
    return urlsplit(url).netloc.lower()


def is_signed_for(signed: str, url: str) -> bool:
    """Whether one address gives for a while, to whoever has it, what is attached at the other: it has its name."""
    name = urlsplit(url).path.rpartition("/")[2].partition(".")[0].lower()
    return len(name) >= _SHORTEST_NAME and name in urlsplit(signed).path.lower()


def tokens_of(width: int, height: int) -> int:
    """No fewer tokens than an image counts: about a 750th of its pixels, and one for each square of 28 begun.
    https://docs.claude.com/en/docs/build-with-claude/vision#calculate-image-costs"""
    return min(MAX_TOKENS, max(ceil(width * height / 750), ceil(width / 28) * ceil(height / 28)))


def read_format(content: bytes) -> Format | None:
    """What an image is, by its first bytes, whatever it is called; None for what a model is not shown: no PNG, JPEG,
    GIF or WebP, broken, or with a side of more than `MAX_SIDE`."""
    found = _png(content) or _gif(content) or _webp(content) or _jpeg(content)
    if found is None or not (0 < found.width <= MAX_SIDE and 0 < found.height <= MAX_SIDE):
        return None
    return found


def _png(content: bytes) -> Format | None:
    if content[:8] != b"\x89PNG\r\n\x1a\n" or content[12:16] != b"IHDR" or len(content) < 24:
        return None
    return Format(media_type="image/png", width=_big(content[16:20]), height=_big(content[20:24]))


def _gif(content: bytes) -> Format | None:
    if content[:6] not in (b"GIF87a", b"GIF89a") or len(content) < 10:
        return None
    return Format(media_type="image/gif", width=_little(content[6:8]), height=_little(content[8:10]))


def _webp(content: bytes) -> Format | None:
    """https://developers.google.com/speed/webp/docs/riff_container"""
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP" or len(content) < 30:
        return None
    match content[12:16]:
        case b"VP8 ":
            width, height = _little(content[26:28]) & 0x3FFF, _little(content[28:30]) & 0x3FFF
        case b"VP8L":
            bits = _little(content[21:25])
            width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X":
            width, height = _little(content[24:27]) + 1, _little(content[27:30]) + 1
        case _:
            return None
    return Format(media_type="image/webp", width=width, height=height)


def _jpeg(content: bytes) -> Format | None:
    """The first frame's size; what stands before it are segments that say how long they are."""
    at = 2
    if content[:3] != b"\xff\xd8\xff":
        return None
    while at + 9 <= len(content) and content[at] == 0xFF:
        marker, length = content[at + 1], _big(content[at + 2 : at + 4])
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = _big(content[at + 5 : at + 7]), _big(content[at + 7 : at + 9])
            return Format(media_type="image/jpeg", width=width, height=height)
        at += 2 + length if marker != 0xFF else 1
    return None


def _big(raw: bytes) -> int:
    return int.from_bytes(raw, "big")


def _little(raw: bytes) -> int:
    return int.from_bytes(raw, "little")
