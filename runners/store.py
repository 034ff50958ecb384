"""Store: artifacts by the digest of their recipe, in folders that appear whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from .artifact import Artifact, Entry, Manifest, ManifestError, content_of, require_same_recipe
from .disk import FULL, sync
from .errors import StoreError, StoreFullError, StoreReadOnlyError, StoreWarning
from .failures import Failures
from .lease import Leases
from .place import VARIABLE, store_cap
from .recipe import Recipe
from .session import Session
from .text import clean, size
from .verification import Damage, Stamp, check_hashes, check_sizes, listed

LAYOUT = "v1"  # another layout gets another folder: no checkout damages what another one has built
RESUMABLE_KEPT = 7 * 86400.0  # seconds that an interrupted build is kept for being continued
PATIENCE = 2.0  # seconds of waiting for another process, from which it is worth a line
MANIFEST, FILES, RESUMABLE = "manifest.json", "files", "resumable"


class Store:
    """Artifacts in a folder, for any number of processes at once.

    An artifact is ``artifacts/ab/abcd.../`` with ``manifest.json`` and ``files/``. It is built in ``building/`` under
    the digest's lock and renamed into place when it is whole. Whoever opens one checks names and sizes of its files,
    and in the first use by a process every byte.

    With ``own``, a folder of this machine, locks, leases and failures lie there: for a store on a file system that
    several machines share, where they would not hold. Somebody else has to see to it then that no artifact is built by
    two machines at once.
    """

    def __init__(
        self, root: Path, cap: int | None = None, session: Session | None = None, own: Path | None = None
    ) -> None:
        self.root, self.cap = root, store_cap() if cap is None else cap
        self.session = session or Session()
        self.base = base = root / LAYOUT
        self._artifacts, self._building, self._leaving = base / "artifacts", base / "building", base / "leaving"
        notes = base if own is None else own
        self._lock_folder = notes / "locks"
        self.leases = Leases(notes / "leases")
        self.failures = Failures(notes / "failures", self.session)
        self._locks: dict[str, FileLock] = {}
        self._verified: dict[str, Stamp] = {}
        self._swept = own is not None  # what looks abandoned may be another machine's work

    # ---- reading ------------------------------------------------------------------------------------

    def home(self, digest: str) -> Path:
        """The folder with manifest and files."""
        return self._artifacts / digest[:2] / digest

    def folder(self, digest: str) -> Path:
        """The folder with the files, which builders and readers see."""
        return self.home(digest) / FILES

    def look(self, digest: str, *, thorough: bool = False) -> Artifact | None:
        """The artifact, or None where there is none. It stays for as long as this process lives.

        Names and sizes are compared with the manifest, and all bytes as well unless this process has compared them and
        no file was touched since; ``thorough`` compares them in any case, and does not count as use.

        Raises:
            Damage: something is there that is not what was published.
        """
        self.leases.take(digest)  # before looking: see remove
        home = self.home(digest)
        try:
            manifest = Manifest.from_text((home / MANIFEST).read_text("utf-8"))
            if manifest.digest != digest or Recipe.from_json(manifest.recipe).digest != digest:
                raise ManifestError("it belongs to another artifact")
            if manifest.content != content_of(manifest.files):
                raise ManifestError("its list of files does not hold")
        except FileNotFoundError:
            if home.exists():
                raise Damage(MANIFEST, "is missing") from None
            return None
        except PermissionError as exc:
            raise self._unreadable(exc) from None
        except (ValueError, OSError) as exc:
            raise Damage(MANIFEST, f"cannot be used: {exc}") from None
        stamp = check_sizes(home / FILES, manifest.files)
        if thorough or self._verified.get(digest) != stamp:
            try:
                check_hashes(home / FILES, manifest.files)
            except PermissionError as exc:
                raise self._unreadable(exc) from None
            self._verified[digest] = stamp
        if not thorough:
            with contextlib.suppress(OSError):
                os.utime(home)  # last used
        return Artifact(manifest, self)

    def _unreadable(self, exc: OSError) -> StoreError:
        return StoreError(
            f"{exc.filename} cannot be read ({exc.strerror}). Expected a store of files that you may read."
        )

    def find(self, recipe: Recipe) -> Artifact | None:
        """The artifact of a recipe, fit for use; None where it has to be built. What is damaged is removed.

        Raises:
            StoreError: it is damaged, and the store cannot be written; or it was built from another recipe.
        """
        try:
            found = self.look(recipe.digest)
        except Damage:
            found = self._repaired(recipe)
        if found is not None:
            require_same_recipe(recipe, found.manifest)
            if self.session.wants_again(recipe, found.manifest.session):
                return None
        return found

    def _repaired(self, recipe: Recipe) -> Artifact | None:
        """Look again, alone with the artifact: another process may have removed or mended it meanwhile."""
        try:
            with self.locked(recipe):
                try:
                    return self.look(recipe.digest)
                except Damage as damage:
                    said = f"{clean(recipe)} in {self.root} is damaged and will be built again: {clean(damage)}"
                    self.remove(recipe.digest)
        except StoreReadOnlyError as exc:
            raise StoreReadOnlyError(f"{clean(recipe)} is damaged. {exc}") from None
        warnings.warn(said, StoreWarning, stacklevel=3)
        return None

    def peek(self, digest: str) -> Manifest | None:
        """The manifest as it lies there, unverified."""
        try:
            return Manifest.from_text((self.home(digest) / MANIFEST).read_text("utf-8"))
        except (ValueError, OSError):
            return None

    def entries(self) -> Iterator[Entry]:
        """Everything in the store, unverified."""
        for home in sorted(self._artifacts.glob("??/*")):
            with contextlib.suppress(FileNotFoundError):  # removed while we look
                used, manifest = home.stat().st_mtime, self.peek(home.name)
                size_now = manifest.bytes if manifest else sum(s.st_size for _, s in listed(home))
                yield Entry(home.name, manifest, size_now, used)

    # ---- writing ------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def locked(self, recipe: Recipe, waiting: Callable[[], None] | None = None) -> Iterator[None]:
        """Alone among all processes with this digest; ``waiting`` is called once if that takes seconds.

        Raises:
            StoreReadOnlyError: the store cannot be written.
            StoreFullError: not even an empty file can be made.
        """
        with self.writing(recipe):
            self._prepare()
            lock = self._lock(recipe.digest)
            try:
                lock.acquire(timeout=PATIENCE if waiting else -1)
            except Timeout:
                if waiting:
                    waiting()
                lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def try_lock(self, recipe: Recipe) -> FileLock | None:
        """The digest's lock, taken, or None while another process has it."""
        with self.writing(recipe):
            self._prepare()
            try:
                self._lock(recipe.digest).acquire(timeout=0)
            except Timeout:
                return None
        return self._lock(recipe.digest)

    def named_lock(self, recipe: Recipe, name: str) -> FileLock:
        """A lock that all processes with this store share; ``recipe`` is what needs it."""
        with self.writing(recipe):
            self._prepare()
            return self._lock(name)

    @contextlib.contextmanager
    def writing(self, recipe: Recipe) -> Iterator[None]:
        """Errors of the disk, in words."""
        try:
            yield
        except OSError as exc:
            if exc.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
                raise StoreReadOnlyError(
                    f"{clean(recipe)} has to be built, and the store {self.root} cannot be written ({exc.strerror}). "
                    f"Name another one: --store DIR or {VARIABLE}=DIR."
                ) from None
            if exc.errno in FULL:
                raise self.full(recipe) from None
            raise StoreError(
                f"{clean(recipe)} has to be built, and the store {self.root} cannot be used ({exc.strerror}). "
                f"Name another one: --store DIR or {VARIABLE}=DIR."
            ) from None

    def full(self, recipe: Recipe) -> StoreFullError:
        """The error for a disk without space."""
        free = ""
        with contextlib.suppress(OSError):
            free = f", {size(shutil.disk_usage(self.root).free)} free now"
        return StoreFullError(
            f"no space left while building {clean(recipe)} in {self.root}{free}. Nothing of it was kept, and what was "
            "there before is whole. Make room (python -m runners gc --cap 5GB), or name another store: --store DIR."
        )

    def _prepare(self) -> None:
        if not self._lock_folder.exists():
            for folder in (self._artifacts, self._building, self._leaving, self._lock_folder):
                folder.mkdir(parents=True, exist_ok=True)
            (self.base / ".gitignore").write_text("*\n", "utf-8")
        if not self._swept:
            self._swept = True
            self.sweep()

    def _lock(self, digest: str) -> FileLock:
        if digest not in self._locks:
            self._locks[digest] = FileLock(self._lock_folder / f"{digest}.lock")
        return self._locks[digest]

    @contextlib.contextmanager
    def _alone(self, digest: str) -> Iterator[bool]:
        """Whether nobody is at this digest; if so, nobody comes while the block runs."""
        lock = self._lock(digest)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    def workspace(self, recipe: Recipe, *, resumable: bool) -> Path:
        """The folder to build in, under the lock. Empty, unless a resumable build of this very recipe was interrupted."""
        work = self._building / recipe.digest
        if work.exists() and not (resumable and (work / RESUMABLE).exists()):
            shutil.rmtree(work)
        (work / FILES).mkdir(parents=True, exist_ok=True)
        if resumable:
            (work / RESUMABLE).touch()
        return work / FILES

    def discard(self, recipe: Recipe) -> None:
        """Forget an unfinished build, under the lock."""
        shutil.rmtree(self._building / recipe.digest, ignore_errors=True)

    def adopt(self, recipe: Recipe, manifest: Manifest, fetch: Callable[[str, Path], None]) -> Artifact:
        """Keep a copy of an artifact that lies elsewhere, under the lock; ``fetch(name, to)`` brings one of its files.

        Raises:
            Damage: what arrived is not what the manifest says.
            OSError: ``fetch`` could not bring it.
            StoreFullError: no space for it.
        """
        with self.writing(recipe):
            out = self.workspace(recipe, resumable=False)
        try:
            for name in manifest.files:
                (out / name).parent.mkdir(parents=True, exist_ok=True)
                fetch(name, out / name)
            check_sizes(out, manifest.files)
            check_hashes(out, manifest.files)
            with self.writing(recipe):
                return self.publish(recipe, manifest)
        except BaseException as exc:
            self.discard(recipe)
            if isinstance(exc, OSError) and exc.errno in FULL:
                raise self.full(recipe) from None
            raise

    def publish(self, recipe: Recipe, manifest: Manifest) -> Artifact:
        """Make the workspace the artifact, under the lock: manifest last, then one rename.

        Raises:
            OSError: the disk; nothing was published then.
        """
        work, home = self._building / recipe.digest, self.home(recipe.digest)
        (work / RESUMABLE).unlink(missing_ok=True)
        for name in manifest.files:
            sync(work / FILES / name)
        for folder, _, _ in os.walk(work / FILES):
            sync(Path(folder))
        with (work / MANIFEST).open("x", encoding="utf-8") as file:
            file.write(manifest.to_text())
            file.flush()
            os.fsync(file.fileno())
        sync(work)
        stamp = check_sizes(work / FILES, manifest.files)
        home.parent.mkdir(parents=True, exist_ok=True)
        with self._aside(recipe.digest):
            try:
                os.replace(work, home)
            except OSError as exc:
                if exc.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                self.discard(recipe)  # a file system whose locks do not hold: the winner's is as good
            else:
                self._verified[recipe.digest] = stamp  # hashed a moment ago, by this process
        sync(home.parent)
        try:
            made = self.look(recipe.digest)
        except Damage as damage:
            raise StoreError(f"{clean(recipe)} was altered while it was published: {clean(damage)}") from None
        if made is None:
            raise StoreError(f"{clean(recipe)} was removed while it was published.")
        return made

    @contextlib.contextmanager
    def _aside(self, digest: str) -> Iterator[None]:
        """An artifact that is rebuilt goes only when the new one is there."""
        leaving = self._leaving / digest
        shutil.rmtree(leaving, ignore_errors=True)
        if not self.home(digest).exists():
            yield
            return
        os.replace(self.home(digest), leaving)
        try:
            yield
        except BaseException:
            os.replace(leaving, self.home(digest))
            raise
        shutil.rmtree(leaving, ignore_errors=True)

    def remove(self, digest: str, *, unless_used: bool = False) -> bool:
        """Remove an artifact, under the lock. With ``unless_used`` it stays if a living process uses it.

        It is moved aside before leases are read, and a reader says that it uses an artifact before it looks: whichever
        of the two is first, the other one sees it.
        """
        leaving = self._leaving / digest
        shutil.rmtree(leaving, ignore_errors=True)
        if unless_used and digest in self.leases.in_use():
            return False
        self._leaving.mkdir(parents=True, exist_ok=True)
        try:
            os.replace(self.home(digest), leaving)
        except FileNotFoundError:
            return False
        if unless_used and digest in self.leases.in_use():
            os.replace(leaving, self.home(digest))
            return False
        self._verified.pop(digest, None)
        shutil.rmtree(leaving, ignore_errors=True)
        return True

    def evict(self, digest: str) -> bool:
        """Remove an artifact that nobody uses and nobody is building."""
        with self._alone(digest) as alone:
            return alone and self.remove(digest, unless_used=True)

    def drop(self, digest: str) -> bool:
        """Remove an artifact that nobody is building, used or not: a damaged one, which nobody can use."""
        with self._alone(digest) as alone:
            return alone and self.remove(digest)

    def sweep(self) -> None:
        """Clear away what killed processes left; what can be continued is kept for a week."""
        for folder in (*self._building.glob("*"), *self._leaving.glob("*")):
            with contextlib.suppress(OSError), self._alone(folder.name) as alone:
                if alone and time.time() - _kept_since(folder) > RESUMABLE_KEPT:
                    shutil.rmtree(folder, ignore_errors=True)
        self.failures.sweep()


def _kept_since(folder: Path) -> float:
    """When a resumable build was last written to; the beginning of time for everything else."""
    if not (folder / RESUMABLE).exists():
        return 0.0
    return max(p.lstat().st_mtime for p in (folder / FILES, *(folder / FILES).iterdir()))
