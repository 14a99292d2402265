"""Reads a YAML file together with the line of each of its values."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

Place = tuple[str | int, ...]


@dataclass(slots=True, kw_only=True)
class YamlFile:
    """A file's content, where each value stands, and what is wrong with the file as YAML."""

    path: Path
    content: object = None
    lines: dict[Place, int] = field(default_factory=dict)
    mistakes: list[str] = field(default_factory=list)

    def line(self, place: Sequence[str | int]) -> int:
        """Where the place stands; for one that is missing, what it is missing in."""
        known = tuple(place)
        while known and known not in self.lines:
            known = known[:-1]
        return self.lines.get(known, 1)

    def mistake(self, place: Sequence[str | int], reason: str) -> str:
        """The sentence for a mistake at, or inside, a place of the file."""
        return f"{self.path}, line {self.line(place)}: {reason}"


def read_yaml(path: Path) -> YamlFile:
    """Never raises for what the file holds: see `mistakes`, which name file, line and reason."""
    found = YamlFile(path=path)
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        if node is None:
            found.content = {}
            return found
        _walk(node, (), found)
        if not found.mistakes:
            found.content = yaml.SafeLoader("").construct_document(node)
    except OSError as problem:
        found.mistakes.append(f"{path} cannot be read: {problem.strerror}")
    except UnicodeDecodeError:
        found.mistakes.append(f"{path} is not UTF-8 text")
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        line = mark.line + 1 if mark else 1
        found.mistakes.append(f"{path}, line {line}: {problem.problem or 'not valid YAML'}")
    except RecursionError:
        found.mistakes.append(f"{path}: a value refers to itself, or is nested too deeply")
    except (LookupError, AttributeError):  # the library takes `!!bool maybe` for a defect
        found.mistakes.append(f"{path}: a value is marked as what it is not (!!…)")
    except (yaml.YAMLError, ValueError) as problem:
        reason = str(problem).splitlines()[0]
        found.mistakes.append(f"{path}: {reason}")
    return found


def _walk(node: yaml.Node, place: Place, found: YamlFile) -> None:
    found.lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        for position, each in enumerate(node.value):
            _walk(each, (*place, position), found)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*place, str(key.value))
            line = key.start_mark.line + 1
            if inner in found.lines:
                found.mistakes.append(
                    f"{found.path}, line {line}: {key.value} is given a second time "
                    f"(first in line {found.lines[inner]})"
                )
            found.lines[inner] = line
            _walk(value, inner, found)
