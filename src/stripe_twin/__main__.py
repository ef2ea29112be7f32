"""
`python -m stripe_twin`: serve a twin of Stripe on this machine until stopped.
"""

import argparse
import json
import os
import socket
import sys
from pathlib import Path

from stripe_twin.server import HomeTaken, serve, url_of

HOST = "127.0.0.1"


def main() -> int:
    """
    Serve; say where in one line of JSON once requests are heard.
    """
    given = _arguments()
    try:
        with _listener(given.fd, given.port) as listener:
            said = json.dumps({"stripe_url": url_of(listener)})
            serve(listener, given.home, seed=given.seed, log_file=given.log, ready=lambda: _say(said))
    except OSError as error:
        sys.stderr.write(f"The twin cannot be served: {error}.\n")
        return 1
    except HomeTaken as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m stripe_twin", description="A stand-in for Stripe on this machine.")
    parser.add_argument("--port", type=int, default=0, help="listen on this port of 127.0.0.1 (default: any free one)")
    parser.add_argument("--fd", type=int, help="serve on this inherited listening socket instead")
    parser.add_argument("--home", type=Path, required=True, help="the folder that keeps the state")
    parser.add_argument("--log", type=Path, help="record every call and event in this file")
    parser.add_argument("--seed", default="twin", help="the seed of ids and chance")
    return parser.parse_args()


def _listener(fd: int | None, port: int) -> socket.socket:
    """
    Return the socket to serve on. An inherited one must listen on this machine's own address.

    Raises:
        OSError: it cannot be had.
    """
    if fd is None:
        return socket.create_server((HOST, port))
    listener = socket.socket(fileno=os.dup(fd))
    if listener.family != socket.AF_INET or listener.getsockname()[0] != HOST:
        raise OSError(f"the inherited socket is not on {HOST}")
    return listener


if __name__ == "__main__":
    sys.exit(main())
