"""
Containers for the tests: bundles, and servers that run them with real runtimes.

A runtime wants a pure cgroup hierarchy.  Where the machine's is none, or is in use, a
server gets one of its own, in a mount namespace of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from support import DEADLINE

#: Makes a mount namespace, says so, and is there until it is ended.
_MOUNTS = (
    *("unshare", "--mount", "--propagation", "private", "sh", "-c"),
    "umount -l -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup"
    " && echo there && exec cat",
)

RUNTIMES = ("crun", "runc")

CAPABILITIES = [
    f"CAP_{name}"
    for name in (
        *("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID", "SETPCAP"),
        *("NET_BIND_SERVICE", "SYS_CHROOT", "SYS_BOOT"),
    )
]

#: A system of a login prompt on the console, which says which life it is in.
INITTAB = """\
::sysinit:/bin/sh -c 'echo up in life $(cat /lives)'
console::respawn:/sbin/getty -L console 115200 vt100
"""


class Mounts:
    """
    A mount namespace in which runtimes do what they do on a machine of their own.
    """

    def __init__(self) -> None:
        self._holder = subprocess.Popen(
            _MOUNTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == b"there\n"
        self.under = (
            *("nsenter", f"--mount=/proc/{self._holder.pid}/ns/mnt"),
            f"--wd={os.getcwd()}",
        )

    def do(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        """
        Run a command there.
        """
        return subprocess.run(
            [*self.under, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=DEADLINE,
        )

    def state(self, runtime: str, container: str) -> dict[str, Any] | None:
        """
        What a runtime knows of a container.
        """
        done = self.do(runtime, "state", container)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def remains(self, runtime: str, container: str) -> list[str]:
        """
        What there still is of a container: the runtime's own notes, mounts and cgroups.
        """
        notes = f"/run/{runtime}/{container}"
        found = [notes] if os.path.exists(notes) else []
        mounts = self.do("cat", "/proc/self/mounts").stdout.decode()
        found += [line for line in mounts.splitlines() if container in line]
        cgroups = self.do("find", "/sys/fs/cgroup", "-name", f"*{container}*")
        return found + cgroups.stdout.decode().splitlines()

    def close(self) -> None:
        """
        It is not needed any more.
        """
        self._holder.communicate()


def rootfs(path: Path) -> Path:
    """
    A root file system of nothing but busybox.
    """
    programs = path / "bin"
    for name in ("bin", "sbin", "etc", "proc", "dev", "root", "sys", "tmp"):
        (path / name).mkdir(parents=True)
    busybox = shutil.which("busybox")
    assert busybox is not None, "busybox-static is not installed"
    shutil.copy(busybox, programs / "busybox")
    listed = subprocess.run([busybox, "--list"], capture_output=True, check=True)
    for name in listed.stdout.decode().split():
        if name != "busybox":
            (programs / name).symlink_to("busybox")
    for name in ("init", "getty"):
        (path / "sbin" / name).symlink_to("../bin/busybox")
    (path / "etc/passwd").write_text("root::0:0:root:/root:/bin/sh\n")
    (path / "etc/group").write_text("root:x:0:\ntty:x:5:\n")
    (path / "etc/inittab").write_text(INITTAB)
    return path


def config(*args: str, terminal: bool = False, **more: Any) -> dict[str, Any]:
    """
    A bundle's configuration.

    @param args: the words of its first process.
    @param more: what else is in it.
    """
    sets = ("bounding", "effective", "permitted")
    return {
        "ociVersion": "1.0.0",
        "process": {
            "terminal": terminal,
            "user": {"uid": 0, "gid": 0},
            "args": list(args),
            "env": ["PATH=/bin:/sbin", "TERM=vt100", "HOME=/root"],
            "cwd": "/",
            "capabilities": {name: CAPABILITIES for name in sets},
        },
        "root": {"path": "rootfs"},
        "hostname": "zone1",
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {
                "destination": "/dev",
                "type": "tmpfs",
                "source": "tmpfs",
                "options": ["nosuid", "strictatime", "mode=755", "size=65536k"],
            },
            {
                "destination": "/dev/pts",
                "type": "devpts",
                "source": "devpts",
                "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666"],
            },
        ],
        "linux": {
            "namespaces": [
                {"type": kind} for kind in ("pid", "ipc", "uts", "mount", "network")
            ],
        },
        **more,
    }


class Bundle:
    """
    A bundle.

    @ivar path: where it is.
    """

    def __init__(self, path: Path, *args: str, **how: Any) -> None:
        """
        @param args: as for L{config}; so are the others.
        """
        self.path = path
        rootfs(path / "rootfs")
        self.write(config(*args, **how))

    def write(self, config: Mapping[str, Any]) -> None:
        """
        Give it another configuration.
        """
        (self.path / "config.json").write_text(json.dumps(config))

    def read(self) -> str:
        """
        Its configuration as it is.
        """
        return (self.path / "config.json").read_text()


def system(path: Path, **how: Any) -> Bundle:
    """
    A bundle with an init and a login prompt.
    """
    count = "n=$(cat /lives 2>/dev/null); echo $((n + 1)) >/lives; exec /sbin/init"
    return Bundle(path, "/bin/sh", "-c", count, **how)
