"""GitHub Enterprise Server: under `/api/v3`, with a certificate of an authority of its own."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from github_app.demo.stack import PROGRAM
from github_app.localhub.server import Certificate
from tests.edge.cases import shows
from tests.story.conftest import FILES, running, world_in
from tests.story.plot import live_through


def _authority(folder: Path) -> tuple[Path, Certificate]:
    """An authority that nobody knows: the file of its own certificate, and those of a server on this machine."""
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)

    def certificate(subject: str, of: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "An authority of our own")])
        named = x509.CertificateBuilder().issuer_name(issuer).serial_number(x509.random_serial_number())
        dated = named.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=12))
        who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
        return dated.subject_name(who).public_key(of.public_key())

    is_authority = x509.BasicConstraints(ca=True, path_length=0)
    root = certificate("An authority of our own", root_key).add_extension(is_authority, critical=True)
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    server = certificate("ghe.example", key).add_extension(here, critical=False)
    pem = serialization.Encoding.PEM
    plain = (pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "ca.pem").write_bytes(root.sign(root_key, hashes.SHA256()).public_bytes(pem))
    (folder / "server.pem").write_bytes(server.sign(root_key, hashes.SHA256()).public_bytes(pem))
    (folder / "server.key").write_bytes(key.private_bytes(*plain))
    return folder / "ca.pem", Certificate(folder / "server.pem", folder / "server.key")


@shows("W82")
def test_the_whole_loop_with_a_certificate_of_an_authority_of_ones_own(open_tmp_path: Path) -> None:
    trusted, served = _authority(open_tmp_path)
    with running(PROGRAM, served, SSL_CERT_FILE=str(trusted)) as stack, world_in(stack, "enterprise", FILES) as world:
        assert stack.hub.api_url == f"{stack.hub.url}/api/v3"
        assert stack.hub.url.startswith("https://")
        live_through(world)
        assert any("nobody said hello" in prompt for prompt in world.prompts())  # CI's log came by TLS as well


@shows("W82")
def test_without_it_nobody_is_trusted_and_the_operator_told(open_tmp_path: Path) -> None:
    _, served = _authority(open_tmp_path)
    with running(PROGRAM, served) as stack, world_in(stack, "enterprise", FILES) as world:
        world.may_log_errors = True
        world.ask_for()
        world.wait("the operator to be told", lambda: "SSL" in stack.log_tail(200))
        assert world.turns() == 0
