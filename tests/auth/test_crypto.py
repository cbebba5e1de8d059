import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from stackd.auth.crypto import Cipher, UnreadableSecret, key_id

OLD, NEW = "b2xkLWtleS1vZi0zMi1ieXRlcy1mb3ItdGVzdHMtMCE=", "a passphrase of the operator"


@given(st.text())
def test_what_is_encrypted_can_be_read_again(secret: str) -> None:
    cipher = Cipher([OLD])
    assert cipher.decrypt(cipher.encrypt(secret)) == secret


def test_bytes_can_be_kept_too() -> None:
    cipher = Cipher([NEW])
    assert cipher.decrypt_bytes(cipher.encrypt(b"\x00\xff")) == b"\x00\xff"


def test_token_names_its_key_and_hides_the_secret() -> None:
    token = Cipher([OLD]).encrypt("hunter2")
    assert token.startswith(f"{key_id(OLD)}:")
    assert "hunter2" not in token
    assert OLD[:8] not in token


def test_fernet_key_of_an_operator_is_used_as_it_is() -> None:
    sealed = Cipher([OLD]).encrypt("x").partition(":")[2]
    assert Fernet(OLD).decrypt(sealed.encode()) == b"x"


def test_keys_are_exchanged_while_in_use() -> None:
    token = Cipher([OLD]).encrypt("secret")
    both = Cipher([NEW, OLD])
    assert both.needs_rotation(token)
    again = both.encrypt(both.decrypt(token))
    assert not both.needs_rotation(again)
    assert Cipher([NEW]).decrypt(again) == "secret"


def test_token_of_a_missing_key_names_it() -> None:
    with pytest.raises(UnreadableSecret, match=key_id(OLD)):
        Cipher([NEW]).decrypt(Cipher([OLD]).encrypt("secret"))


@pytest.mark.parametrize(
    "token", ["", "nonsense", f"{key_id(OLD)}:", f"{key_id(OLD)}:gAAAA", f"{key_id(OLD)}:é"]
)
def test_tampered_token_is_unreadable(token: str) -> None:
    with pytest.raises(UnreadableSecret):
        Cipher([OLD]).decrypt(token)


def test_weak_or_missing_keys_are_refused() -> None:
    with pytest.raises(ValueError, match="16"):
        Cipher(["short"])
    with pytest.raises(ValueError, match="At least one"):
        Cipher([])
