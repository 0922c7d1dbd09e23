"""Where the embedded parts live, and as whom they run.

An ordinary user: data in the given folder, sockets in a short folder only they can open.
Root: PostgreSQL refuses to run as root, so both parts run as `nobody` (KAIROS_STACK_USER names
another). That user needs to reach the data and the binaries. Where a parent folder is closed to it,
nothing is opened up: data and a copy of the binaries go to a folder of its own under /var/tmp.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
from dataclasses import dataclass, field
from pathlib import Path

SOCKET_LIMIT = 107  # bytes of a socket's path that Linux takes; macOS takes 103
LONGEST_SOCKET = "/.s.PGSQL.5432.lock"


class StackError(Exception):
    """Something the person at the keyboard can understand and change."""


@dataclass(frozen=True)
class Place:
    """One folder of data with its socket folder; `user` is None unless we are root."""

    data: Path
    sockets: Path
    user: pwd.struct_passwd | None
    notes: tuple[str, ...] = field(default=())

    def identity(self) -> dict[str, object]:
        """Arguments for subprocess.Popen that make a part run as its user."""
        if self.user is None:
            return {}
        return {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}

    def write(self, path: Path, text: str, *, mode: int = 0o600) -> None:
        """A new file for the user of the parts. Never follows a link that they may have put there."""
        path.unlink(missing_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        with os.fdopen(handle, "w") as file:
            file.write(text)
            if self.user is not None:
                os.fchown(handle, self.user.pw_uid, self.user.pw_gid)

    def make_folder(self, path: Path) -> Path:
        """A folder that only the user of the parts can open."""
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.user is not None:
            os.chown(path, self.user.pw_uid, self.user.pw_gid, follow_symlinks=False)
        return path

    def programs(self, root: Path, *names: str) -> Path:
        """`root` where its user can run what is in it, else a copy with the named folders of it."""
        if self.user is None or can_reach(root / names[0], self.user):
            return root
        copy = self.data / "programs"
        mark = copy / ".from"
        wanted = str([(str(root / name), (root / name).stat().st_mtime_ns) for name in names])
        if not (mark.exists() and mark.read_text() == wanted):
            shutil.rmtree(copy, ignore_errors=True)
            for name in names:
                skipped = shutil.ignore_patterns("include", "*.py", "*.pyc")
                shutil.copytree(root / name, copy / name, ignore=skipped)
            mark.write_text(wanted)
            os.chmod(copy, 0o755)  # noqa: S103 (ours, and its parent is closed to others)
        return copy


def package_folder(name: str) -> Path:
    """Folder of an installed package, without running its code."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise StackError(
            f"The package {name} is not installed. For servers of your own, set DATABASE_URL, "
            "DATABASE_OWNER_URL and REDIS_URL."
        )
    return Path(spec.origin).parent


def find_place(folder: Path) -> Place:
    """Decides where the parts of `folder` (such as .local/postgres) really live.

    Raises StackError when root has no user to run them as.
    """
    user = helper_user()
    data, notes = folder, []
    if user is not None:
        notes.append(f"Running as root: the servers run as {user.pw_name}.")
        if not can_reach(folder, user):
            data = own_folder(outside(folder), user)
            notes.append(
                f"{user.pw_name} may not enter the folders above {folder}: its data is in {data}."
            )
    place = Place(data=data, sockets=socket_folder(data, user), user=user, notes=tuple(notes))
    if data == folder:
        place.make_folder(data)
    return place


def outside(folder: Path) -> Path:
    """Where a folder's data goes that the helper user cannot reach; survives a restart."""
    return Path("/var/tmp") / f"kairos-{short_hash(folder)}"  # noqa: S108 (made 0700, checked)


def own_place(folder: Path) -> Path | None:
    """The folder outside that `folder` really uses, if there is one and it may be removed."""
    path = outside(folder)
    user = helper_user() if os.geteuid() == 0 else None
    if user is None or not path.is_dir() or path.is_symlink():
        return None
    return path if path.stat().st_uid == user.pw_uid else None


def helper_user() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    name = os.environ.get("KAIROS_STACK_USER", "nobody")
    try:
        return pwd.getpwnam(name)
    except KeyError:
        raise StackError(
            f"PostgreSQL does not run as root, and this machine has no user {name}. "
            "Name one with KAIROS_STACK_USER, or start Kairos as an ordinary user."
        ) from None


def can_reach(path: Path, user: pwd.struct_passwd) -> bool:
    """True when every folder above `path` lets the user through. Looks only, changes nothing."""
    for folder in path.resolve().parents:
        if not folder.exists():
            continue
        info = folder.stat()
        if info.st_uid == user.pw_uid:
            allowed = info.st_mode & stat.S_IXUSR
        elif info.st_gid == user.pw_gid:
            allowed = info.st_mode & stat.S_IXGRP
        else:
            allowed = info.st_mode & stat.S_IXOTH
        if not allowed:
            return False
    return True


def socket_folder(data: Path, user: pwd.struct_passwd | None) -> Path:
    """Beside the data where the path is short enough, else a folder of our own under /tmp."""
    near = data / "sockets"
    if len(os.fsencode(str(near) + LONGEST_SOCKET)) <= min(SOCKET_LIMIT, 103):
        return near
    owner = user.pw_uid if user is not None else os.geteuid()
    return Path("/tmp") / f"kairos-{owner}-{short_hash(data)}"  # noqa: S108 (made 0700, checked)


def own_folder(path: Path, user: pwd.struct_passwd | None) -> Path:
    """A 0700 folder that belongs to `user` (or us); refuses one that somebody else put there."""
    wanted = user.pw_uid if user is not None else os.geteuid()
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        info = path.lstat()
        if not stat.S_ISDIR(info.st_mode) or info.st_uid not in {wanted, os.geteuid()}:
            raise StackError(
                f"{path} belongs to somebody else. Remove it, then try again."
            ) from None
    if user is not None:
        os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
    os.chmod(path, 0o700)
    return path


def short_hash(path: Path) -> str:
    return hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:10]
