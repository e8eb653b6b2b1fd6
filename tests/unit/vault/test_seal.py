"""The vault envelope: opens for its own connection under any key of the ring, for nothing else, and gives nothing away."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.vault.seal import ConnectionAad, KeyRing, SealError, Tampered, UnknownKey
from schemas.connections import Service

OLD, NEW = ("2025-01", bytes(range(32))), ("2026-01", bytes(range(32, 64)))
TOKEN = "1//a-refresh-token"
AAD = ConnectionAad(provider_id="prov-1", service=Service.GOOGLE, grant_id="grant-1")

identifiers = st.text(min_size=1, max_size=20)
connections = st.builds(ConnectionAad, provider_id=identifiers, service=st.sampled_from(Service), grant_id=identifiers)


@given(token=st.text(max_size=3000), aad=connections)
def test_what_was_sealed_opens_to_the_same_text(token: str, aad: ConnectionAad) -> None:
    ring = KeyRing([NEW])
    assert ring.open(ring.seal(token, aad), aad) == token


@given(first=connections, second=connections)
def test_no_two_connections_share_their_associated_data(first: ConnectionAad, second: ConnectionAad) -> None:
    assert (first == second) == (first.encode("k") == second.encode("k"))


@pytest.mark.parametrize(
    "other",
    [
        ConnectionAad(provider_id="prov-2", service=Service.GOOGLE, grant_id="grant-1"),
        ConnectionAad(provider_id="prov-1", service=Service.MICROSOFT, grant_id="grant-1"),
        ConnectionAad(provider_id="prov-1", service=Service.GOOGLE, grant_id="grant-2"),
        ConnectionAad(provider_id="prov-1g", service=Service.GOOGLE, grant_id="rant-1"),
    ],
)
def test_a_sealed_token_opens_for_no_other_connection(other: ConnectionAad) -> None:
    ring = KeyRing([NEW])
    with pytest.raises(Tampered):
        ring.open(ring.seal(TOKEN, AAD), other)


@given(data=st.data())
def test_a_sealed_token_that_was_changed_anywhere_does_not_open(data: st.DataObject) -> None:
    ring = KeyRing([NEW, OLD])
    sealed = ring.seal(TOKEN, AAD)
    at = data.draw(st.integers(0, len(sealed) - 1))
    put = data.draw(st.characters().filter(lambda char: char != sealed[at]))
    with pytest.raises(SealError):
        ring.open(sealed[:at] + put + sealed[at + 1 :], AAD)


@given(st.text(max_size=200))
def test_arbitrary_text_raises_a_seal_error_and_nothing_else(text: str) -> None:
    with pytest.raises(SealError):
        KeyRing([NEW]).open(text, AAD)


@pytest.mark.parametrize(
    "text",
    ["", "v1", "v1.2026-01.", "v2.2026-01." + "A" * 80, "v1.2026-01.AAAA", "v1..AAAA", "v1.2026-01." + "A" * 80 + "=", "v1.2026-01.!!!!"],
)
def test_what_is_not_a_sealed_token_says_what_one_looks_like(text: str) -> None:
    with pytest.raises(Tampered, match=r"v1\.<key id>\.<base64url>"):
        KeyRing([NEW]).open(text, AAD)


def test_a_sealed_token_relabelled_with_another_key_of_the_ring_does_not_open() -> None:
    ring = KeyRing([NEW, OLD])
    with pytest.raises(Tampered):
        ring.open(ring.seal(TOKEN, AAD).replace(NEW[0], OLD[0]), AAD)


def test_a_key_that_the_ring_does_not_hold_is_named() -> None:
    with pytest.raises(UnknownKey, match="2025-01") as caught:
        KeyRing([NEW]).open(KeyRing([OLD]).seal(TOKEN, AAD), AAD)
    assert caught.value.key_id == "2025-01"


def test_keys_are_rotated_without_downtime() -> None:
    before, during, after = KeyRing([OLD]), KeyRing([NEW, OLD]), KeyRing([NEW])
    sealed = before.seal(TOKEN, AAD)
    assert during.open(sealed, AAD) == TOKEN
    resealed = during.seal(during.open(sealed, AAD), AAD)
    assert (sealed.split(".")[1], resealed.split(".")[1]) == ("2025-01", "2026-01")
    assert after.open(resealed, AAD) == TOKEN


def test_sealing_twice_gives_two_different_texts() -> None:
    ring = KeyRing([NEW])
    assert ring.seal(TOKEN, AAD) != ring.seal(TOKEN, AAD)


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ([], "at least one"),
        ([("a", bytes(16))], "has 16 bytes"),
        ([("a.b", bytes(32))], "key id"),
        ([("", bytes(32))], "key id"),
        ([("a", bytes(32)), ("a", bytes(32))], "twice"),
    ],
)
def test_a_ring_that_could_not_work_is_refused(keys: list[tuple[str, bytes]], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        KeyRing(keys)


def test_no_key_and_no_token_shows_in_a_repr_or_an_error() -> None:
    ring = KeyRing([NEW, OLD])
    assert repr(ring) == str(ring) == "KeyRing(key_ids=['2026-01', '2025-01'])"
    sealed = ring.seal(TOKEN, AAD)
    assert TOKEN not in sealed
    assert base64.urlsafe_b64encode(TOKEN.encode()).decode().rstrip("=") not in sealed
    other = ConnectionAad(provider_id="prov-2", service=Service.GOOGLE, grant_id="grant-1")
    for ring_, aad in ((ring, other), (KeyRing([("x", bytes(32))]), AAD)):
        with pytest.raises(SealError) as caught:
            ring_.open(sealed, aad)
        assert TOKEN not in repr(caught.value)
        assert sealed not in repr(caught.value)
