"""What is signed is checked by anybody who has the public key, and by the letter of DSSE."""

from __future__ import annotations

import base64
import json
import re

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from github_app.core.errors import Misconfigured, Refused
from github_app.engine.signing import open_envelope, public_key, seal_key, sign
from tests.adapters.hub_stage import the_private_key

STATEMENT = {"_type": "https://in-toto.io/Statement/v1", "subject": []}


@pytest.fixture(scope="module")
def public() -> str:
    return public_key(the_private_key())


def test_a_signed_statement_is_opened_with_the_public_key(public):
    assert open_envelope(json.dumps(sign(STATEMENT, the_private_key())), public) == STATEMENT


def test_the_signature_is_over_dsses_encoding(public):
    envelope = sign(STATEMENT, the_private_key())
    payload = base64.b64decode(envelope["payload"])
    signed = b"DSSEv1 28 application/vnd.in-toto+json " + str(len(payload)).encode() + b" " + payload
    [signature] = envelope["signatures"]
    key = load_pem_public_key(public.encode())
    assert isinstance(key, RSAPublicKey)
    key.verify(base64.b64decode(signature["sig"]), signed, PKCS1v15(), SHA256())
    assert re.fullmatch(r"SHA256:[A-Za-z0-9+/]{43}=", signature["keyid"])


def _other_payload(envelope):
    return {**envelope, "payload": base64.b64encode(b'{"forged": 1}').decode()}


def _other_type(envelope):
    return {**envelope, "payloadType": "text/plain"}


def _other_signature(envelope):
    return {**envelope, "signatures": [{"sig": base64.b64encode(b"x" * 256).decode()}]}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_other_payload, "no signature of this key"),
        (_other_type, "no in-toto statement"),
        (_other_signature, "no signature of this key"),
        (lambda envelope: {**envelope, "signatures": []}, "no signature of this key"),
        (lambda envelope: {**envelope, "payload": base64.b64encode(b"[]").decode()}, "no in-toto statement"),
        (lambda envelope: {**envelope, "payload": "§"}, "no signed attestation"),
        (lambda envelope: {**envelope, "signatures": [1]}, "no signed attestation"),
        (lambda _envelope: {}, "no signed attestation"),
        (lambda _envelope: [], "no signed attestation"),
    ],
)
def test_what_the_key_did_not_sign_is_refused(public, change, said):
    with pytest.raises(Refused, match=said):
        open_envelope(json.dumps(change(sign(STATEMENT, the_private_key()))), public)


def test_what_is_no_json_is_refused(public):
    with pytest.raises(Refused, match="no signed attestation"):
        open_envelope("[" * 100_000, public)


def _pem_of_an_elliptic_key() -> tuple[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return private, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def test_other_keys_are_refused():
    private, public = _pem_of_an_elliptic_key()
    for bad in (private, "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"):
        with pytest.raises(Misconfigured, match="private key"):
            seal_key(bad)
    for bad in (public, "nonsense"):
        with pytest.raises(Misconfigured, match="public key"):
            open_envelope("{}", bad)


def test_the_seals_key_is_the_same_for_every_form_of_the_apps_key():
    key = load_pem_private_key(the_private_key().encode(), password=None)
    forms = {
        key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()
        for form in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL)
    }
    assert len(forms) == 2
    assert len({seal_key(form) for form in forms}) == 1
    assert len(seal_key(the_private_key())) == 32
