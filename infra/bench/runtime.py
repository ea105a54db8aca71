"""The process of a function, and Lambda's Runtime API for it."""

import os
import selectors
import signal
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

# How long a call may take, as in infra/template.yaml.
TIMEOUT = 120


@dataclass
class Request:
    """A whole request, and when its last byte had arrived."""

    connection: socket.socket
    method: str
    path: str
    body: bytes
    at: float


def dechunked(data: bytes) -> bytes:
    parts, at = [], 0
    while at < len(data):
        end = data.index(b"\r\n", at)
        begin, length = end + 2, int(data[at:end], 16)
        parts.append(data[begin : begin + length])
        at = begin + length + 2
    return b"".join(parts)


def parsed(connection: socket.socket, data: bytes, at: float) -> Request | None:
    head, ended, body = data.partition(b"\r\n\r\n")
    if not ended:
        return None
    lines = head.decode().lower().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    if headers.get("transfer-encoding") == "chunked":
        if not body.endswith(b"0\r\n\r\n"):
            return None
        body = dechunked(body)
    elif len(body) < int(headers.get("content-length", 0)):
        return None
    method, path, _ = head.decode().split(" ", 2)
    return Request(connection, method, path, body, at)


class RuntimeApi:
    """It reads with one thread and no library, so that it takes next to nothing of what is measured."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.received: dict[socket.socket, bytearray] = {}

    def request(self) -> Request | None:
        """Waits for the next request, for a second at most."""
        while ready := self.selector.select(1):
            for key, _ in ready:
                if key.fileobj is self.listener:
                    connection, _ = self.listener.accept()
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self.selector.register(connection, selectors.EVENT_READ)
                    self.received[connection] = bytearray()
                    continue
                connection = key.fileobj  # type: ignore[assignment]
                data = connection.recv(1 << 20)
                if not data:
                    self.selector.unregister(connection)
                    continue
                received = self.received[connection]
                received += data
                if request := parsed(connection, bytes(received), time.perf_counter()):
                    received.clear()
                    return request
        return None

    def close(self) -> None:
        self.selector.close()
        for one in [self.listener, *self.received]:
            one.close()


class Function:
    """A running function. It ends with the `with` block that it is used in."""

    def __init__(self, command: list[str], environment: Mapping[str, str], log: Path) -> None:
        self.api, self.log = RuntimeApi(), log
        self.calls = 0
        into_log = (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        actions = [into_log, (os.POSIX_SPAWN_DUP2, 1, 2)]
        environment = {**environment, "AWS_LAMBDA_RUNTIME_API": self.api.address}
        self.began = time.perf_counter()
        self.pid = os.posix_spawn(command[0], command, environment, file_actions=actions)
        self.waiting: Request | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self.api.close()

    def wait(self) -> float:
        """Waits until the function asks for an event; returns how many seconds after its start that was."""
        if self.waiting is None:
            self.waiting = self.request(TIMEOUT)
            if not self.waiting.path.endswith("/next"):
                raise self.error(f"it cannot start: {self.waiting.path}")
        return self.waiting.at - self.began

    def call(self, event: bytes) -> tuple[float, bytes]:
        """Hands over an event; returns how many seconds the answer took, and the answer."""
        self.wait()
        assert self.waiting
        self.calls += 1
        deadline = int((time.time() + TIMEOUT) * 1000)
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(event)}\r\n"
            f"Lambda-Runtime-Aws-Request-Id: {self.calls}\r\n"
            f"Lambda-Runtime-Deadline-Ms: {deadline}\r\n"
            "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:local:000000000000:function:f\r\n\r\n"
        )
        connection, self.waiting = self.waiting.connection, None
        began = time.perf_counter()
        connection.sendall(head.encode() + event)
        answer = self.request(TIMEOUT + 10)
        if not answer.path.endswith(f"/{self.calls}/response"):
            raise self.error(f"{answer.path}: {answer.body[:500]!r}")
        answer.connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        if self.calls == 1:
            self.first_answer = answer.at - self.began
        return answer.at - began, answer.body

    def request(self, within: int) -> Request:
        for _ in range(within):
            if request := self.api.request():
                return request
            if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                raise self.error("it has ended")
        raise self.error(f"no request within {within} seconds")

    def error(self, why: str) -> RuntimeError:
        return RuntimeError(f"{why}\nIts log ends with:\n{self.log.read_text()[-2000:]}")

    def cpu(self) -> float:
        """How many seconds all threads of the process have computed, by the clock that the kernel keeps of it."""
        return time.clock_gettime((~self.pid << 3) | 2)  # CPUCLOCK_SCHED, of <linux/posix-timers.h>

    def peak(self) -> float:
        """The most memory that the process has had, in megabytes."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024
