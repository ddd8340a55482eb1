"""An outside world for proxies: TLS servers on this machine under names of our choice, and who is asked for them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from github_app.adapters.egress.proxy import Egress
from github_app.adapters.egress.rules import EgressLimits

NAME = "allowed.example"
GREETING = b"hello from outside"


@dataclass(kw_only=True)
class Outside:
    """A TLS server that greets, echoes and says what it was sent; `asked` are the names that were looked up."""

    certificate: Path
    port: int = 0
    addresses: dict[str, list[str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    received: bytearray = field(default_factory=bytearray)
    connections: int = 0

    async def look_up(self, host: str, _: int) -> list[str]:
        """Names lead to this machine unless `addresses` says otherwise."""
        self.asked.append(host)
        return self.addresses.get(host, ["127.0.0.1"])

    def egress(self, **more: object) -> Egress:
        """A way out that takes this machine for the outside world."""
        usual = {"look_up": self.look_up, "is_elsewhere": lambda _: True}
        return Egress(**{**usual, **more})  # type: ignore[arg-type] # tests know what they change

    def trust(self) -> ssl.SSLContext:
        """For clients."""
        return ssl.create_default_context(cafile=str(self.certificate))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            writer.write(GREETING)
            while data := await reader.read(65_536):
                self.received += data
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def open_outside(path: Path, *names: str) -> AsyncIterator[Outside]:
    """A server for these names, besides the usual one."""
    certificate = make_certificate(path / "outside.pem", NAME, *names)
    outside = Outside(certificate=certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = await asyncio.start_server(outside._serve, "127.0.0.1", 0, ssl=context)
    outside.port = server.sockets[0].getsockname()[1]
    try:
        yield outside
    finally:
        server.close()


def make_certificate(path: Path, *names: str) -> Path:
    """A self-signed certificate for names, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    path.chmod(0o644)
    return path


def limits(**more: float) -> EgressLimits:
    """Limits that end quickly."""
    return EgressLimits(**{"hello_s": 5.0, **more})  # type: ignore[arg-type] # tests know what they change
