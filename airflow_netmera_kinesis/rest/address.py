"""Decide where Netmera's REST API is, and which of its answers' links may be followed."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

import msgspec

from airflow_netmera_kinesis.errors import RestRefused

DEFAULT_BASE_URL = "https://restapi.netmera.com"
API_PATH = "/rest/3.0"
DEFAULT_PORTS = {"https": 443, "http": 80}
_NOT_ALLOWED = frozenset(map(chr, range(0x21))) | {"\\", "\x7f"}


class Address(msgspec.Struct, frozen=True):
    """The base URL of the API, in one spelling: two spellings of one place are equal."""

    scheme: str
    host: str
    port: int
    path: str = ""

    @property
    def base_url(self) -> str:
        return f"{self._origin}{self.path}"

    def url_of(self, method: str) -> str:
        return f"{self.base_url}{API_PATH}/{method}"

    def follow(self, current: str, link: str) -> str:
        """Return the URL of the next page, built on this address; RestRefused if ``link`` leads anywhere else.

        The message shows where to, never the rest of the link: its offset stays between Netmera and the connector.
        """
        try:
            parts = urlsplit(urljoin(current, link))
            origin = (parts.scheme, (parts.hostname or "").lower(), parts.port or DEFAULT_PORTS.get(parts.scheme))
        except ValueError:
            raise RestRefused("nextPage of Netmera's answer is not a URL: not followed") from None
        if _NOT_ALLOWED & set(link) or "@" in parts.netloc:
            raise RestRefused("nextPage of Netmera's answer is not a plain URL: not followed")
        if origin != (self.scheme, self.host, self.port):
            raise RestRefused(
                f"nextPage of Netmera's answer leads to {origin[0]}://{_bracketed(origin[1])}:{origin[2]}, not to "
                f"{self._origin}: not followed, since the key would go there. If that is the API's own address, put it "
                f"into the connection's Base URL (host)"
            )
        return urlunsplit(urlsplit(self._origin)._replace(path=parts.path, query=parts.query))

    @property
    def _origin(self) -> str:
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{_bracketed(self.host)}{port}"


def read_address(host: str | None, port: int | None, faults: list[str]) -> Address:
    """Read the connection's host, a URL or a name, and its port; note what is wrong with them."""
    given = (host or "").strip() or DEFAULT_BASE_URL
    url = given if "://" in given else f"https://{given}"
    try:
        parts = urlsplit(url)
        scheme, name, number = parts.scheme, (parts.hostname or "").lower(), parts.port or port
    except ValueError:
        parts, scheme, name, number = SplitResult("", "", "", "", ""), "", "", None
    address = Address(scheme, name, number or DEFAULT_PORTS.get(scheme, 0), _path(parts.path))
    if _NOT_ALLOWED & set(url) or not name or scheme not in DEFAULT_PORTS or parts.query or parts.fragment:
        faults.append(f"Base URL (host) is not a URL such as {DEFAULT_BASE_URL}: mend it, or leave it empty")
    elif "@" in parts.netloc:
        faults.append("Base URL (host) holds a user or a password: remove them, the key belongs into REST API key")
    elif scheme == "http" and not is_loopback(name):
        faults.append("Base URL (host) begins with http://: write https://, since the key travels with every request")
    return address


def is_loopback(host: str) -> bool:
    """Say whether requests to a host stay on this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _path(path: str) -> str:
    """Drop what everybody copies along from the documentation."""
    return path.rstrip("/").removesuffix(API_PATH).rstrip("/")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
