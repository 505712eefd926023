"""TLS contexts: shared where nothing differs, new where something does."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import pytest
import trustme
from botocore.httpsession import get_cert_path

from aiosdk._transport.tls import TLSSettings, tls_context
from aiosdk.exceptions import CertificateFileError


def settings(**given: object) -> TLSSettings:
    return TLSSettings(find_ca=get_cert_path, **given)  # type: ignore[arg-type]


@pytest.fixture
def client_files(authority: trustme.CA, tmp_path: Path) -> tuple[str, str]:
    issued = authority.issue_cert("client@example.com")
    cert, key = tmp_path / "client.pem", tmp_path / "client.key"
    issued.cert_chain_pems[0].write_to_path(str(cert))
    issued.private_key_pem.write_to_path(str(key))
    return str(cert), str(key)


def touch(path: str) -> None:
    """Give the file another time of change, whatever the clock's resolution."""
    status = os.stat(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000_000))


def test_equal_settings_share_one_context(ca_bundle: str) -> None:
    assert tls_context(settings(verify=ca_bundle)) is tls_context(settings(verify=ca_bundle))


def test_the_default_bundle_is_loaded_once() -> None:
    context = tls_context(settings())
    assert context is tls_context(settings())
    assert context.cert_store_stats()["x509_ca"] > 50


def test_other_ways_to_name_the_same_bundle_share_one_context(ca_bundle: str) -> None:
    renamed = TLSSettings(find_ca=lambda _: ca_bundle, verify=True)
    assert tls_context(renamed) is tls_context(settings(verify=ca_bundle))


def test_the_bundle_given_is_the_only_one_trusted(ca_bundle: str) -> None:
    context = tls_context(settings(verify=ca_bundle))
    assert context.cert_store_stats()["x509"] == 1
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname


def test_a_bundle_that_changed_gets_a_new_context(ca_bundle: str) -> None:
    before = tls_context(settings(verify=ca_bundle))
    trustme.CA().cert_pem.write_to_path(ca_bundle, append=True)
    after = tls_context(settings(verify=ca_bundle))
    assert after is not before
    assert after.cert_store_stats()["x509"] == 2


def test_a_bundle_replaced_by_one_of_equal_size_gets_a_new_context(ca_bundle: str) -> None:
    before = tls_context(settings(verify=ca_bundle))
    touch(ca_bundle)
    assert tls_context(settings(verify=ca_bundle)) is not before


def test_without_verification_nothing_is_checked() -> None:
    context = tls_context(settings(verify=False))
    assert context.verify_mode == ssl.CERT_NONE
    assert not context.check_hostname
    assert context is not tls_context(settings())


def test_a_client_certificate_is_loaded_and_not_shared_with_clients_that_have_none(
    ca_bundle: str, client_files: tuple[str, str]
) -> None:
    cert, key = client_files
    context = tls_context(settings(verify=ca_bundle, client_cert=cert, client_key=key))
    assert context is not tls_context(settings(verify=ca_bundle))
    assert context is tls_context(settings(verify=ca_bundle, client_cert=cert, client_key=key))


def test_a_client_certificate_that_was_renewed_gets_a_new_context(
    ca_bundle: str, client_files: tuple[str, str]
) -> None:
    cert, key = client_files
    given = settings(verify=ca_bundle, client_cert=cert, client_key=key)
    before = tls_context(given)
    touch(cert)
    assert tls_context(given) is not before


def test_a_certificate_and_its_key_may_be_in_one_file(ca_bundle: str, client_files: tuple[str, str]) -> None:
    cert, key = client_files
    Path(cert).write_text(Path(cert).read_text() + Path(key).read_text())
    assert tls_context(settings(verify=ca_bundle, client_cert=cert)) is not tls_context(settings(verify=ca_bundle))


def test_an_additional_bundle_adds_to_the_first(ca_bundle: str, tmp_path: Path) -> None:
    extra = tmp_path / "proxy.pem"
    trustme.CA().cert_pem.write_to_path(str(extra))
    context = tls_context(settings(verify=ca_bundle, extra_ca=str(extra)))
    assert context.cert_store_stats()["x509"] == 2


def test_a_folder_of_certificates_is_a_bundle_too(tmp_path: Path) -> None:
    context = tls_context(settings(verify=str(tmp_path)))
    assert context.verify_mode == ssl.CERT_REQUIRED


def test_old_versions_of_tls_are_refused() -> None:
    assert tls_context(settings()).minimum_version == ssl.TLSVersion.TLSv1_2


def test_a_missing_bundle_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(CertificateFileError, match=r"missing\.pem.*No such file"):
        tls_context(settings(verify=str(tmp_path / "missing.pem")))


def test_a_bundle_without_certificates_is_an_error_that_names_it(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")
    with pytest.raises(CertificateFileError, match=r"empty\.pem"):
        tls_context(settings(verify=str(empty)))


def test_a_client_certificate_without_its_key_is_an_error_that_names_it(
    ca_bundle: str, client_files: tuple[str, str]
) -> None:
    with pytest.raises(CertificateFileError, match=r"client\.pem"):
        tls_context(settings(verify=ca_bundle, client_cert=client_files[0]))


def test_a_failed_attempt_is_not_remembered(tmp_path: Path, authority: trustme.CA) -> None:
    path = tmp_path / "late.pem"
    with pytest.raises(CertificateFileError):
        tls_context(settings(verify=str(path)))
    authority.cert_pem.write_to_path(str(path))
    assert tls_context(settings(verify=str(path))).cert_store_stats()["x509"] == 1
