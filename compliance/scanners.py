"""Virus scanners for uploads: ClamAV's daemon, and a sandbox that knows the EICAR test file."""

from __future__ import annotations

import socket
import struct

from compliance.ports import ScannerUnavailable, VirusScanner

# The industry's harmless test file, in two parts so that no scanner takes this source for it.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"

_TIMEOUT_SECONDS = 20
_LONGEST_ANSWER = 4_096


class SandboxScanner:
    """Finds the EICAR test file, wherever it stands, and nothing else."""

    name = "sandbox"

    def scan(self, content: bytes) -> str:
        return "Eicar-Test-Signature" if EICAR in content else ""


class ClamdScanner:
    """Asks a clamd over TCP (command INSTREAM). Its StreamMaxLength must be above what is taken as a document."""

    name = "clamd"

    def __init__(self, host: str, port: int) -> None:
        self.address = (host, port)

    def scan(self, content: bytes) -> str:
        try:
            with socket.create_connection(self.address, timeout=_TIMEOUT_SECONDS) as connection:
                connection.sendall(b"zINSTREAM\0" + struct.pack("!I", len(content)) + content + struct.pack("!I", 0))
                said = _read(connection)
        except OSError as error:
            raise ScannerUnavailable(f"clamd at {self.address[0]}:{self.address[1]}: {error}") from error
        if said == "stream: OK":
            return ""
        if said.startswith("stream: ") and said.endswith(" FOUND"):
            return said.removeprefix("stream: ").removesuffix(" FOUND")
        raise ScannerUnavailable(f"clamd said {said[:200]!r}")


def _read(connection: socket.socket) -> str:
    said = b""
    while len(said) < _LONGEST_ANSWER and not said.endswith(b"\0"):
        part = connection.recv(_LONGEST_ANSWER)
        if not part:
            break
        said += part
    return said.rstrip(b"\0\n").decode(errors="replace")


def scanner_named(address: str) -> VirusScanner:
    """As DOCUMENT_SCANNER names it: "sandbox" or "clamd://host:port". Raises: ValueError."""
    if address == "sandbox":
        return SandboxScanner()
    scheme, _, place = address.partition("://")
    host, _, port = place.rpartition(":")
    if scheme == "clamd" and host and port.isdigit():
        return ClamdScanner(host, int(port))
    raise ValueError(f'DOCUMENT_SCANNER is "sandbox" or "clamd://host:port", not {address!r}')
