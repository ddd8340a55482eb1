"""Names of hosts, what rules cover, and which addresses are outside."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from github_app.core.hosts import REFUSALS_KEPT, HostRule, address, is_outside, merge, plain_name, refusals
from github_app.core.model import NetworkDecision


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("example.com", "example.com"),
        ("EXAMPLE.com.", "example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("\uff45xample.com", "example.com"),
        ("example。com", "example.com"),
        ("a_b.x-y.example", "a_b.x-y.example"),
    ],
)
def test_a_name_has_one_form(written: str, name: str):
    assert plain_name(written) == name


@pytest.mark.parametrize(
    "written",
    [
        "", ".", "a..b", "example.com..", "-a.example", "a-.example", "a" * 64 + ".example", "a." * 127 + "aa",
        "straße.example", "a\u200db.example", "exa mple.com", "example.com\n", "a/b.example", "user@example.com",
        "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "[::1]", "::1", "example.com:443", "a.example%00",
        "é" * 70 + ".example",
    ],
)  # fmt: skip
def test_what_is_no_name_is_refused(written: str):
    with pytest.raises(ValueError, match=r"not|too long|whole"):
        plain_name(written)


@given(st.text(max_size=60))
def test_the_form_of_a_name_is_final(text: str):
    try:
        name = plain_name(text)
    except ValueError:
        return
    assert plain_name(name) == plain_name(f"{name}.") == plain_name(name.upper()) == name
    assert name.isascii()
    assert not is_outside(name)


@pytest.mark.parametrize(
    ("outer", "inner", "is_covered"),
    [
        ("example.com", "example.com", True),
        ("example.com", "EXAMPLE.com.", True),
        ("example.com", "a.example.com", False),
        ("example.com", "*.example.com", False),
        ("example.com", "badexample.com", False),
        ("example.com", "example.com.evil.test", False),
        ("example.com", "example.com:22", False),
        ("example.com:8443", "example.com:8443", True),
        ("*.example.com", "a.example.com", True),
        ("*.example.com", "a.b.example.com", True),
        ("*.example.com", "*.example.com", True),
        ("*.example.com", "*.a.example.com", True),
        ("*.a.example.com", "*.example.com", False),
        ("*.example.com", "example.com", False),
        ("*.example.com", "badexample.com", False),
        ("*.example.com", "a.example.com:22", False),
    ],
)
def test_what_a_rule_covers(outer: str, inner: str, is_covered: bool):
    assert HostRule.parse(outer).covers(HostRule.parse(inner)) is is_covered


@pytest.mark.parametrize(
    "text",
    ["*", "*.com", "a.*.com", "*a.example.com", "example.com:", "example.com:0", "example.com:65536",
     "example.com:٣", "example.com:443:1", "https://example.com", "10.0.0.1", "[::1]:443"],
)  # fmt: skip
def test_what_is_no_rule(text: str):
    with pytest.raises(ValueError, match=r"not|too long|whole"):
        HostRule.parse(text)


@pytest.mark.parametrize(
    ("address", "outside"),
    [
        ("1.1.1.1", True), ("8.8.8.8", True), ("2606:4700::1111", True), ("2a00:1450:4001::1", True),
        ("127.0.0.1", False), ("127.9.9.9", False), ("0.1.2.3", False), ("10.1.2.3", False), ("172.31.0.1", False),
        ("192.168.0.1", False), ("100.64.0.1", False), ("100.127.255.255", False), ("169.254.169.254", False),
        ("168.63.129.16", False), ("168.63.129.17", True),
        ("192.0.0.192", False), ("192.0.2.1", False), ("198.18.0.1", False), ("203.0.113.9", False),
        ("224.0.0.1", False), ("240.0.0.1", False), ("255.255.255.255", False), ("192.88.99.1", False),
        ("::", False), ("::1", False), ("fe80::1", False), ("fc00::1", False), ("fd00:ec2::254", False),
        ("ff02::1", False), ("::ffff:1.1.1.1", False), ("::ffff:169.254.169.254", False), ("::127.0.0.1", False),
        ("64:ff9b::1.1.1.1", False), ("64:ff9b:1::1", False), ("2002:7f00:1::", False), ("2001::1", False),
        ("2001:db8::1", False), ("fe80::1%eth0", False), ("example.com", False), ("", False),
    ],
)  # fmt: skip
def test_which_addresses_are_outside(address: str, outside: bool):
    assert is_outside(address) is outside


def _refused(host: str, **more: int) -> NetworkDecision:
    return NetworkDecision(host=host, port=443, is_allowed=False, reason="not in the policy", **more)


def test_equal_decisions_are_counted_together():
    allowed = NetworkDecision(host="a.example", port=443, is_allowed=True, bytes_up=1, bytes_down=2)
    assert merge([allowed, _refused("b.example"), allowed]) == (
        NetworkDecision(host="a.example", port=443, is_allowed=True, times=2, bytes_up=2, bytes_down=4),
        _refused("b.example"),
    )


def test_of_refusals_a_few_are_kept():
    many = [_refused(f"{number}.a.example") for number in range(50)]
    allowed = NetworkDecision(host="a.example", port=443, is_allowed=True)
    assert refusals([allowed, *many[:REFUSALS_KEPT]]) == tuple(many[:REFUSALS_KEPT])
    kept = refusals([allowed, *many])
    assert kept[:-1] == tuple(many[:REFUSALS_KEPT])
    assert (address(kept[-1]), kept[-1].times) == ("(others)", 30)
    again = refusals([*kept, *kept])
    assert [each.times for each in again] == [*[2] * REFUSALS_KEPT, 60]
    assert address(again[0]) == "0.a.example:443"
