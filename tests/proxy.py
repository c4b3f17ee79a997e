"""Debian's nginx before a server, by the file that we ship (`deploy/nginx.conf`), with TLS or without."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.conftest import REPOSITORY, skip_or_fail
from tests.sensors.waiting import until


def free_ports(count: int) -> list[int]:
    """So many free ports, one after the other."""
    for first in range(20_000, 30_000, 37):
        try:
            for port in range(first, first + count):
                with socket.socket() as one:
                    one.bind(("127.0.0.1", port))
        except OSError:
            continue
        return list(range(first, first + count))
    raise AssertionError("no free ports")


def settings(folder: Path, listen: int, ports: Sequence[int], plain: int | None) -> Path:
    """A whole configuration that says what the shipped file says, for servers on `ports`.

    plain : the port in place of 80, with TLS on `listen`; None: there is no TLS.
    """
    site = (REPOSITORY / "deploy" / "nginx.conf").read_text()
    if plain is None:
        site = re.sub(r"(?ms)^server \{\n    listen 80;.*?^\}\n", "", site)
        site = re.sub(r"(?m)^ *(listen|ssl_)\w* .*\n", "", site)
        site = site.replace("server_name", f"listen 127.0.0.1:{listen};\n    server_name")
    else:
        site = re.sub(r"(?m)^ *listen \[::\].*\n", "", site)
        site = site.replace("listen 80;", f"listen 127.0.0.1:{plain};")
        site = site.replace("listen 443 ssl", f"listen 127.0.0.1:{listen} ssl")
        site = site.replace("/etc/ssl/lobeda.", f"{folder}/lobeda.")
        site = site.replace("lobeda.example", "127.0.0.1")
        certified = [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "1",
            "-subj",
            "/CN=lobeda",
        ]
        named = [
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-keyout",
            f"{folder}/lobeda.key",
            "-out",
            f"{folder}/lobeda.pem",
        ]
        subprocess.run([*certified, *named], check=True, capture_output=True)
    site = site.replace("/var/cache/lobeda-pages", str(folder / "pages"))
    site = site.replace("/var/log/nginx/", f"{folder}/")
    servers = "".join(f"    server 127.0.0.1:{port};\n" for port in ports)
    site, count = re.subn(r"(?m)^ *server 127\.0\.0\.1:5006;\n", servers, site)
    assert count == 1, "the shipped file names one server"
    paths = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    head = [
        "daemon off", f"pid {folder}/pid", f"error_log {folder}/error.log",
        "events { worker_connections 4096; }\nhttp {",
    ]  # fmt: skip
    if os.getuid() == 0:
        head.insert(0, "user root")  # the test's folder is its owner's alone
    text = ";\n".join(head) + f"\n{paths}{site}}}\n"
    file = folder / "nginx.conf"
    file.write_text(text)
    return file


@contextmanager
def proxied(folder: Path, listen: int, ports: Sequence[int], plain: int | None = None) -> Iterator[str]:
    """The address of nginx on the port `listen` before servers on `ports`, which may come later.

    plain : with TLS on `listen`, the port that leads there; the certificate is ``lobeda.pem`` in `folder`.
    """
    if shutil.which("nginx") is None:
        skip_or_fail("nginx is not installed (Debian: nginx-light)")
    folder.mkdir()
    process = subprocess.Popen(["nginx", "-c", str(settings(folder, listen, ports, plain))])
    try:
        until(partial(_listens, listen), 30, 0.05)
        assert process.poll() is None, (folder / "error.log").read_text()
        yield f"{'http' if plain is None else 'https'}://127.0.0.1:{listen}"
    finally:
        process.terminate()
        process.wait(30)


def _listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0
