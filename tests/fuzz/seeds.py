"""
What each target's corpus begins with.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from zcons_twisted.frames import Attach, FrameType, encodeFrame, formatAttach

HERE = Path(__file__).parent

SEEDS: dict[str, list[bytes]] = {
    "first_line": [
        b"IDENT 1 C 0\n",
        b"IDENT 4711 de_DE.UTF-8 1\nuname",
        b"IDENT C 1\n",
        b"IDENT 99 C\n",
        b"IDENT " + b"9" * 1100 + b"\n",
        formatAttach(Attach()),
        formatAttach(Attach("watch", ("lines", 20), True, "fr_FR", 24, 80)),
        formatAttach(Attach("take", ("offset", 2**63), False, "C", 65535, 1)),
        formatAttach(Attach("watch", ("offset", 7), birth="0123456789abcdef")),
        formatAttach(Attach("watch", "boot")),
        b'ATTACH {"v":1,"start":{"bytes":1e9}}\n',
        b"ATTACH " + b"[" * 1000 + b"\n",
    ],
    "frames": [
        b"\0\1" + encodeFrame(FrameType.CONFIRM, b"17"),
        b"\1\3" + encodeFrame(FrameType.CONFIRMED, b"17"),
        b"\0\1" + encodeFrame(FrameType.INPUT, b"ls\r") + encodeFrame(FrameType.LEAVE),
        b"\0\2" + encodeFrame(FrameType.WINDOW, b'{"rows":24,"columns":80}'),
        b"\1\3"
        + encodeFrame(FrameType.OUTPUT, bytes(8) + b"login: ")
        + encodeFrame(FrameType.GAP, bytes(7) + b"\7" + bytes(7) + b"\5")
        + encodeFrame(
            FrameType.NOTICE,
            b'{"event":"halted","text":"t","time":1,"offset":3,"arguments":""}',
        )
        + encodeFrame(FrameType.OPERATOR, b'{"operator":null,"role":"watch"}')
        + encodeFrame(FrameType.ANSWER, b'{"request":"seat","ok":true,"text":""}')
        + encodeFrame(FrameType.PONG, b"p")
        + encodeFrame(FrameType.END, b'{"reason":"halted","text":"x"}'),
        b'\0\0{"v":1,"zone":"z","state":"running","role":"watch","offset":0,"oldest":0,'
        b'"end":0,"operator":{"pid":1,"uid":0,"since":1.5},"sessions":1}\n',
    ],
    "session": [bytes([n, 200, 3, 1, 77, 5, 0, 3]) * 6 for n in range(12)],
    "history": [bytes([1, 3, 40, 200, 3, n, 1, n, 9, 9, 9]) * 4 for n in range(8)],
    "control": [bytes([n, 7, n, 2, 0, 6]) + b"halted" * 9 for n in range(8)],
}


def main() -> None:
    """
    Write what is not there.
    """
    for name in sys.argv[1:] or SEEDS:
        corpus = HERE / "corpus" / name
        corpus.mkdir(parents=True, exist_ok=True)
        for seed in SEEDS[name]:
            path = corpus / hashlib.sha256(seed).hexdigest()[:16]
            path.write_bytes(seed)


if __name__ == "__main__":
    main()
