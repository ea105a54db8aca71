"""Runs an arm64 binary of check-followers on a machine of another kind, and hands it one event.

qemu runs the binary, this script plays Lambda's Runtime API, and `hug sandbox` around it is the table
and the networks: see `make try-arm64`.
"""

import http.server
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BINARY = Path(sys.argv[1])
ARN = "arn:aws:lambda:local:000000000000:function:check-followers"
SYSTEM = "/usr/aarch64-linux-gnu"  # Debian's arm64 C library


class RuntimeApi(http.server.BaseHTTPRequestHandler):
    event = (ROOT / "events" / "check-followers" / "by-hand.json").read_bytes()
    handed_out = False
    answer: tuple[str, bytes] | None = None
    answered = threading.Event()

    def do_GET(self) -> None:
        if RuntimeApi.handed_out:
            self.answered.wait()
            return
        RuntimeApi.handed_out = True
        self.send_response(200)
        self.send_header("Lambda-Runtime-Aws-Request-Id", "1")
        self.send_header("Lambda-Runtime-Deadline-Ms", str(int(time.time() * 1000) + 60_000))
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", ARN)
        self.send_header("Content-Length", str(len(self.event)))
        self.end_headers()
        self.wfile.write(self.event)

    def do_POST(self) -> None:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body = b"".join(self.chunks())
        else:
            body = self.rfile.read(int(self.headers["Content-Length"]))
        RuntimeApi.answer = self.path, body
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()
        RuntimeApi.answered.set()

    def chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def log_message(self, *_: object) -> None:
        pass


def main() -> None:
    kind = BINARY.read_bytes()[18:20]
    if kind != b"\xb7\x00":  # EM_AARCH64 in the ELF header
        sys.exit(f"{BINARY} is not an arm64 binary: run `make build` first")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), RuntimeApi)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    lambda_environment = {
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_address[1]}",
        "AWS_LAMBDA_FUNCTION_NAME": "check-followers",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    }
    try:
        function = subprocess.Popen(["qemu-aarch64", "-L", SYSTEM, BINARY], env={**os.environ, **lambda_environment})
    except FileNotFoundError:
        packages = "qemu-user libc6-arm64-cross libgcc-s1-arm64-cross"
        sys.exit(f"qemu-aarch64 is missing (on Debian: apt-get install {packages})")
    try:
        while not RuntimeApi.answered.wait(0.2):
            if function.poll() is not None:
                ended = f"the function ended with {function.returncode} before it answered"
                sys.exit(f"{ended}; is the arm64 C library in {SYSTEM}?")
    finally:
        function.kill()
        function.wait()
    path, body = RuntimeApi.answer or ("nothing", b"{}")
    summary = json.loads(body)
    print(json.dumps(summary, indent=1))
    if not path.endswith("/1/response") or summary.get("failed") != 0:
        sys.exit(f"not the summary of a round that worked ({path})")
    print("The arm64 binary has answered.")


if __name__ == "__main__":
    main()
