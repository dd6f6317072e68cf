"""The gateway's process: HAProxy with its one configuration, and the files beside it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from gateway_files import write_servers, write_states
from gateway_settings import GatewaySettings
from keys import add_key
from server_process import make_folder
from settings import LOOPBACK, StartError
from tied import tied

CONFIGURATION = Path(__file__).resolve().parent / "gateway" / "haproxy.cfg"
ANSWER_SECONDS = 10.0
GRACE_SECONDS = 10.0
POLL_SECONDS = 0.05


class GatewayProcess:
    """HAProxy's master and workers, with a folder of their own."""

    def __init__(self, settings: GatewaySettings) -> None:
        """Returns when it listens; raises StartError where it cannot."""
        self.settings = settings
        self.folder = make_folder()
        self.log_file = self.folder / "logs" / "gateway.log"
        self.keys = settings.keys or self.folder / "keys.map"
        self.key = "" if settings.keys else add_key(self.keys, "owner")
        try:
            self._write()
            self._check()
            with self.log_file.open("wb") as log:
                self._process = subprocess.Popen(  # noqa: S603
                    tied([*self._command, "-W"]),
                    env=self._environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            self._wait_for_another(0)
        except BaseException:
            self.stop()
            raise

    @property
    def url(self) -> str:
        """Where clients reach it."""
        return self.settings.url

    @property
    def pid(self) -> int:
        """Its master, whose children serve."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Its exit code, None while it runs."""
        return self._process.poll()

    def log(self) -> str:
        """What was written so far: a line of JSON for each request, and what befalls servers."""
        return self.log_file.read_text(errors="replace")

    def ask(self, command: str) -> str:
        """What HAProxy's own line of command answers."""
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(ANSWER_SECONDS)
            line.connect(str(self.folder / "admin.sock"))
            line.sendall(f"{command}\n".encode())
            return b"".join(iter(lambda: line.recv(65536), b"")).decode().strip()

    def ready(self, backend: str = "fleet") -> int:
        """How many servers are ready to paint."""
        return sum(server["status"].startswith("UP") for server in self.servers(backend))

    def streams(self, address: str, backend: str = "fleet") -> int:
        """How many answers a server is giving now."""
        return int(self._server(address, backend)["scur"])

    def is_ready(self, address: str, backend: str = "fleet") -> bool:
        """Whether a server is ready to paint."""
        return self._server(address, backend)["status"].startswith("UP")

    def _server(self, address: str, backend: str) -> dict[str, str]:
        return next(each for each in self.servers(backend) if each["svname"] == address)

    def servers(self, backend: str) -> list[dict[str, str]]:
        """What HAProxy counts of each server, by HAProxy's names."""
        head, *rows = self.ask(f"show stat {backend} 4 -1").splitlines()
        names = head.removeprefix("# ").split(",")
        return [dict(zip(names, row.split(","), strict=False)) for row in rows if row]

    def reload(self, settings: GatewaySettings | None = None) -> None:
        """Reads keys, servers and configuration anew; what streams goes on as it was.

        Raises StartError, and changes nothing, where HAProxy does not take them.
        """
        before, self.settings = self.settings, settings or self.settings
        worker, known = self._worker(), self.ask("show servers state").splitlines()
        try:
            self._write(known)
            self._check()
        except StartError:
            self.settings = before
            self._write(known)
            raise
        self._process.send_signal(signal.SIGUSR2)
        self._wait_for_another(worker)

    def stop(self) -> None:
        """Ends all its processes, and removes its folder."""
        if hasattr(self, "_process"):
            self._process.terminate()
            try:
                self._process.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _command(self) -> list[str]:
        program = shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        if program is None:
            raise StartError("HAProxy is not installed: `apt install haproxy`.")
        return [program, "-f", str(CONFIGURATION), "-f", str(self.folder / "servers.cfg")]

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", ""),
            "BRUNO_GATEWAY_METRICS": f"{LOOPBACK}:{self.settings.port + 1}",
            **self.settings.more,
            "BRUNO_GATEWAY_BIND": f"{self.settings.bind}:{self.settings.port}",
            "BRUNO_GATEWAY_KEYS": str(self.keys),
            "BRUNO_GATEWAY_SOCKET": str(self.folder / "admin.sock"),
            "BRUNO_GATEWAY_STATE": str(self.folder / "servers.state"),
            "BRUNO_TOKEN": self.settings.token,
        }

    def _write(self, known: Sequence[str] = ()) -> None:
        servers, canary = self.settings.servers, self.settings.canary
        write_servers(self.folder / "servers.cfg", servers, canary)
        write_states(self.folder / "servers.state", servers, canary, known)

    def _check(self) -> None:
        """Raises StartError with HAProxy's own words where it does not take its files."""
        run = subprocess.run(  # noqa: S603
            [*self._command, "-c"],
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode:
            alerts = [line for line in run.stderr.splitlines() if "[ALERT]" in line]
            raise StartError(f"HAProxy refused: {(alerts or [run.stderr])[0].strip()}")

    def _worker(self) -> int:
        """The process that serves now; 0 while none does."""
        try:
            told = dict(line.partition(": ")[::2] for line in self.ask("show info").splitlines())
            return int(told["Pid"])
        except (OSError, KeyError, ValueError):
            return 0

    def _wait_for_another(self, worker: int) -> None:
        deadline = time.monotonic() + ANSWER_SECONDS
        while self._worker() in (0, worker):
            if self.exit_code is not None or time.monotonic() > deadline:
                words = self.log().strip().splitlines() or ["it said nothing"]
                raise StartError(f"HAProxy does not serve: {words[-1]}")
            time.sleep(POLL_SECONDS)
