"""What the App's private key is good for besides GitHub: sealing the audit, making links, and signing what is attested
of a commit, as a DSSE envelope. https://github.com/secure-systems-lab/dsse/blob/master/protocol.md"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from github_app.core.errors import Misconfigured, Refused

PAYLOAD_TYPE = "application/vnd.in-toto+json"


def seal_key(private_key: str) -> bytes:
    """The key that seals the audit: one-way from the App's key, the same for each form that PEM has. Raises
    `Misconfigured`."""
    return _derived(private_key, b"honk audit seal v1")


def link_key(private_key: str) -> bytes:
    """The key that makes the tokens of page addresses, in the same way. Raises `Misconfigured`."""
    return _derived(private_key, b"honk page links v1")


def visitor_key(private_key: str) -> bytes:
    """The key that seals who signed in, in the same way. Raises `Misconfigured`."""
    return _derived(private_key, b"honk visitors v1")


def _derived(private_key: str, purpose: bytes) -> bytes:
    der = _private(private_key).private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(der)


def public_key(private_key: str) -> str:
    """The public half of the App's key, as PEM. Raises `Misconfigured`."""
    return _private(private_key).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def sign(statement: Mapping[str, Any], private_key: str) -> dict[str, Any]:
    """A statement in a signed envelope (RS256). Its `keyid` is the fingerprint that GitHub shows for the App's key."""
    payload = json.dumps(statement).encode()
    key = _private(private_key)
    signature = key.sign(_encoded(PAYLOAD_TYPE, payload), PKCS1v15(), SHA256())
    return {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"keyid": _fingerprint(key.public_key()), "sig": base64.b64encode(signature).decode()}],
    }


def open_envelope(text: str, public_key: str) -> dict[str, Any]:
    """The statement in an envelope. Raises `Refused` unless this key signed it, `Misconfigured` for a bad key."""
    try:
        key = load_pem_public_key(public_key.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Misconfigured(f"the public key is not PEM: {error}") from error
    if not isinstance(key, RSAPublicKey):
        raise Misconfigured("the public key is not an RSA key; GitHub Apps have RSA keys")
    try:
        envelope = json.loads(text)
        payload, payload_type = base64.b64decode(envelope["payload"], validate=True), str(envelope["payloadType"])
        signatures = [base64.b64decode(each["sig"], validate=True) for each in envelope["signatures"]]
        statement = json.loads(payload)
    except (ValueError, KeyError, TypeError, binascii.Error, RecursionError) as error:
        raise Refused("this is no signed attestation (a DSSE envelope, as JSON)") from error
    if payload_type != PAYLOAD_TYPE or not isinstance(statement, dict):
        raise Refused("this is no in-toto statement")
    if not any(_is_by(key, signature, _encoded(payload_type, payload)) for signature in signatures):
        raise Refused("no signature of this key is on it: it was changed, or signed by somebody else")
    return statement


def _is_by(key: RSAPublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def _encoded(payload_type: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: type and content, each after its length."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def _fingerprint(key: RSAPublicKey) -> str:
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"SHA256:{base64.b64encode(hashlib.sha256(der).digest()).decode()}"


@lru_cache(maxsize=1)  # each reading tests the key's primes, which takes 40 ms; there is one key
def _private(pem: str) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Misconfigured(f"the app's private key is not a PEM key without a password: {error}") from error
    if not isinstance(key, RSAPrivateKey):
        raise Misconfigured("the app's private key is not an RSA key; GitHub makes them on the app's settings page")
    return key
