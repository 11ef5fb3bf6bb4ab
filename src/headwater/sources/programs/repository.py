"""Which repository a file of a folder belongs to, and what governs it: found when shards are planned.

What is found becomes part of the shard's key: where a LICENSE file changes what it grants, or a commit moves, the
files that it governs are read again.
"""

import re
from pathlib import Path, PurePosixPath

from headwater.errors import HeadwaterError
from headwater.sources.archives import is_archive
from headwater.sources.encoding import UndecodableError, decode
from headwater.sources.places import Place, open_binary
from headwater.sources.programs.git import GitError, head_commit, is_git_folder
from headwater.sources.programs.licenses import MAX_TEXT, is_license_file, license_of_files

_VERSION = re.compile(
    r"[-_@]?(?:v?\d{1,20}(?:\.\d{1,20}){1,8}[\w.+-]{0,40}|[-_@](?:v\d[\w.]{0,20}|[0-9a-f]{7,40}|main|master|HEAD))\Z"
)


class Contexts:
    """For the files of one plan; every folder is looked at once.

    Of a file: `repository` (the unit), `path` (in it), and where they are known `license`, `license_file`, `commit`,
    `git`. The repository is the nearest folder above that holds `.git`, up to the source's root; else the first
    folder below the root. An archive is a repository of its own, named like it without a version or commit behind
    the name. The licence is that of the nearest folder, up to the repository's, that holds a licence file.
    """

    def __init__(self) -> None:
        self._git: dict[Place, bool] = {}
        self._tops: dict[Place, bool] = {}
        self._licenses: dict[Place, tuple[str, str]] = {}

    def __call__(self, path: Place, relative: str) -> dict[str, str]:
        if is_archive(path):
            return {"repository": archive_name(relative)}
        parts = PurePosixPath(relative).parts[:-1]
        name = PurePosixPath(relative).name
        folders = [
            path.parents[number] for number in range(len(parts) + 1)
        ]  # the nearest first, the root last
        for number, folder in enumerate(folders):
            if self._is_git(folder):
                return _of_git(path, folder, "/".join(parts[: len(parts) - number]))
        top = next((number for number, folder in enumerate(folders) if self._is_top(folder)), len(parts) - 1)
        top = max(0, top)
        inside = parts[len(parts) - top :]
        repository = "/".join(parts[: len(parts) - top]) or folders[-1].name or "."
        found = {"repository": repository, "path": "/".join([*inside, name])}
        for number in range(top + 1):
            names, license_id = self._license_in(folders[number])
            if names:
                found |= {"license": license_id, "license_file": "/".join([*inside[: top - number], names])}
                break
        return found

    def _is_git(self, folder: Place) -> bool:
        if folder not in self._git:
            self._git[folder] = isinstance(folder, Path) and is_git_folder(folder)
        return self._git[folder]

    def _is_top(self, folder: Place) -> bool:
        if folder not in self._tops:
            self._tops[folder] = (folder / ".git").exists()
        return self._tops[folder]

    def _license_in(self, folder: Place) -> tuple[str, str]:
        if folder not in self._licenses:
            self._licenses[folder] = _license_in(folder)
        return self._licenses[folder]


def _of_git(path: Place, folder: Path | Place, below: str) -> dict[str, str]:
    """Of a file in a git folder: HEAD stands for the repository, the rest is git's own."""
    name = below.removesuffix("/.git").removesuffix(".git")
    name = name or folder.name.removesuffix(".git") or folder.parent.name
    if path.name != "HEAD" or path.parent != folder or not isinstance(folder, Path):
        return {"repository": name, "git": "inside"}
    try:
        return {"repository": name, "git": "head", "commit": head_commit(folder)}
    except (GitError, OSError) as error:
        return {"repository": name, "git": "head", "problem": str(error)}


def archive_name(relative: str) -> str:
    """`org/requests` of `org/requests-2.31.0.tar.gz`: two versions of one project are one unit."""
    name = re.sub(
        r"(?i)\.(?:tar(?:\.(?:gz|bz2|xz|zst))?|tgz|tbz2|txz|tzst|zip|whl|crate|gem)\Z", "", relative
    )
    return _VERSION.sub("", name) or name


def _license_in(folder: Place) -> tuple[str, str]:
    """The names of a folder's licence files, and what they grant together; ("", "") where there is none."""
    names = sorted(child.name for child in folder.iterdir() if is_license_file(child.name))
    texts = {}
    for name in names[:20]:
        try:
            if not (folder / name).is_file():
                continue
            with open_binary(folder / name) as file:
                texts[name] = decode(file.read(MAX_TEXT))
        except UndecodableError:
            texts[name] = ""
        except (OSError, HeadwaterError):
            continue
    return (", ".join(texts), license_of_files(texts)) if texts else ("", "")
