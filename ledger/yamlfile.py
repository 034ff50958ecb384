"""YAML with line numbers, without the parts of YAML that hurt: tags, aliases, repeated keys."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from .errors import RegistrationError

MAX_BYTES = 2_000_000
MAX_DEPTH = 50
KeyPath = tuple[str | int, ...]

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
# YAML 1.1 reads `no` as false, `1e-3` as text, `010` as 8 and `12:30` as 750. Only what everybody
# reads alike may stand without quotes.
_NUMBER = r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?"
_PLAIN = {
    _TAG + "bool": re.compile("true|false", re.IGNORECASE),
    _TAG + "int": re.compile(r"[-+]?(0|[1-9]\d*)"),
    _TAG + "float": re.compile(rf"{_NUMBER}|[-+]?\.(inf|nan)", re.IGNORECASE),
    _TAG + "null": re.compile("|~|null", re.IGNORECASE),
    _TAG + "str": re.compile(rf"(?!{_NUMBER}$).*", re.DOTALL),
}


@dataclass
class YamlFile:
    """Parsed data, and the line of every key."""

    path: Path
    data: Any
    lines: dict[KeyPath, int] = field(default_factory=dict)

    def where(self, key: KeyPath) -> str:
        """``file:line`` of a key, or of the nearest one around it."""
        for end in range(len(key), -1, -1):
            if key[:end] in self.lines:
                return f"{self.path.name}:{self.lines[key[:end]]}"
        return self.path.name


def read_yaml(path: Path) -> YamlFile:
    """Read a YAML file.

    Raises:
        RegistrationError: not readable, not UTF-8, too large, not YAML, a tag such as
            ``!!python/object``, an anchor or alias, a repeated key, nesting too deep, a plain
            scalar that YAML 1.1 reads in its own way.
    """
    try:
        raw = path.read_bytes()
    except OSError as exc:
        raise RegistrationError(f"{path}: cannot be read ({exc.strerror})") from None
    if len(raw) > MAX_BYTES:
        raise RegistrationError(f"{path}: {len(raw):,} bytes; a claim file has at most {MAX_BYTES:,}")
    try:
        text = raw.decode("utf-8")
        _check_depth(text)
        loader = _LOADER(text)
        node = loader.get_single_node()
        file = YamlFile(path, None)
        if node is not None:
            _walk(node, (), file, set())
            file.data = loader.construct_document(node)
        return file
    except UnicodeDecodeError as exc:
        raise RegistrationError(f"{path}: not UTF-8 (byte {exc.start})") from None
    except yaml.MarkedYAMLError as exc:
        line = exc.problem_mark.line + 1 if exc.problem_mark else 1
        raise RegistrationError(f"{path.name}:{line}: {_problem(exc) or 'not YAML'}") from None
    except (yaml.YAMLError, ValueError) as exc:
        raise RegistrationError(f"{path.name}: not YAML ({' '.join(str(exc).split())})") from None
    except RecursionError:
        raise RegistrationError(f"{path.name}: nested too deeply") from None


def _problem(exc: yaml.MarkedYAMLError) -> str | None:
    """PyYAML's words, or plainer ones where it speaks of tokens."""
    if exc.problem and "cannot start any token" in exc.problem:
        return f"{exc.problem} (indent with spaces, not tabs; quote text that begins with a special character)"
    return exc.problem


def _walk(node: yaml.Node, key: KeyPath, file: YamlFile, seen: set[int]) -> None:
    line = node.start_mark.line + 1
    file.lines.setdefault(key, line)
    if id(node) in seen:
        raise RegistrationError(
            f"{file.path.name}:{line}: an alias (*name); write the value out, aliases can hide or explode"
        )
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        keys: set[str] = set()
        for key_node, value in node.value:
            name, at = str(key_node.value), key_node.start_mark.line + 1
            if key_node.tag != _TAG + "str" and name != "<<":
                raise RegistrationError(
                    f"{file.path.name}:{at}: {_dotted((*key, name[:40]))}: YAML does not read this key as text; quote it"
                )
            if name in keys:
                raise RegistrationError(f"{file.path.name}:{at}: {_dotted((*key, name))}: this key occurs twice")
            if name == "<<":
                raise RegistrationError(f"{file.path.name}:{at}: merge keys (<<) are not supported; write the keys out")
            keys.add(name)
            file.lines[(*key, name)] = at
            _walk(value, (*key, name), file, seen)
    elif isinstance(node, yaml.SequenceNode):
        for i, item in enumerate(node.value):
            _walk(item, (*key, i), file, seen)
    elif (
        isinstance(node, yaml.ScalarNode)
        and not node.style
        and not (node.tag in _PLAIN and _PLAIN[node.tag].fullmatch(node.value))
    ):
        raise RegistrationError(
            f"{file.path.name}:{line}: {_dotted(key)}: YAML 1.1 reads {node.value[:40]} as {node.tag.removeprefix(_TAG)}; "
            "write true or false, 10, 0.001 or 1.0e-3, or quote it"
        )


def _check_depth(text: str) -> None:
    """Refuse deep nesting before nodes are built: the C loader recurses without a limit."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise RecursionError


def _dotted(key: KeyPath) -> str:
    return ".".join(str(k) for k in key)
