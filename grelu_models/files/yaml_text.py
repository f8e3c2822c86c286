"""YAML as plain values, within limits: text from an untrusted file cannot exhaust time or memory.

PyYAML's `safe_load` executes nothing, but it keeps the last of two equal keys, raises errors that
are not a `YAMLError` for some values, and lets a few hundred bytes of anchors stand for billions of
values.
"""

from typing import Any

import yaml
from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode

__all__ = ["LARGEST", "DEEPEST", "parse_yaml"]

LARGEST = 1_000_000
"""Values of the largest document, with every alias replaced by what it stands for."""
DEEPEST = 100
"""Levels of nested lists and mappings."""


class StrictLoader(yaml.SafeLoader):
    """The safe loader, with limits and without duplicate keys."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._sizes: dict[int, int] = {}
        """Values of each composed node by its `id`, with aliases replaced."""

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        """Compose a node and count its values."""
        event = self.peek_event()  # type: ignore[no-untyped-call]  # in the stubs
        mark = event.start_mark
        self._depth += 1
        if self._depth > DEEPEST:
            raise _refuse(f"more than {DEEPEST} levels of nested lists and mappings", mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        if node is not None and id(node) not in self._sizes:
            if isinstance(event, yaml.AliasEvent):
                raise _refuse("an alias refers to a list or mapping that contains it", mark)
            self._sizes[id(node)] = self._measure(node, mark)
        return node

    def _measure(self, node: Node, mark: yaml.Mark) -> int:
        if not isinstance(node, CollectionNode):
            return 1
        children = node.value
        if isinstance(node, MappingNode):
            _check_keys(node)
            children = [child for pair in node.value for child in pair]
        size = 1 + sum(self._sizes[id(child)] for child in children)
        if size > LARGEST:
            raise _refuse(f"more than {LARGEST:,} values, with every alias replaced", mark)
        return size

    def construct_object(self, node: Node, deep: bool = False) -> Any:
        """Construct a value; one that Python cannot hold is an error at its line."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, OverflowError) as error:
            raise _refuse(f"not a usable value: {error}", node.start_mark) from error


def parse_yaml(text: str) -> Any:
    """Parse a YAML (or JSON) document.

    Parameters
    ----------
    text : str

    Returns
    -------
    object
        Dicts, lists and plain values. NaN and infinities are plain values.

    Raises
    ------
    yaml.YAMLError
        If the text is not YAML, repeats a key in one mapping, or exceeds a limit. `problem` and
        `problem_mark` say what is wrong and where.

    Examples
    --------
    >>> parse_yaml("{trim: 8, shifts: [0, 1]}")
    {'trim': 8, 'shifts': [0, 1]}
    >>> parse_yaml("{trim: 8, trim: 16}")
    Traceback (most recent call last):
    yaml.constructor.ConstructorError: key 'trim' is given twice
      in "<unicode string>", line 1, column 11:
        {trim: 8, trim: 16}
                  ^
    """
    loader = StrictLoader(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def _check_keys(node: MappingNode) -> None:
    """Refuse a key that a mapping has twice; `<<` may override what it merges."""
    seen: set[tuple[str, str]] = set()
    for key, _ in node.value:
        if isinstance(key, ScalarNode):
            if (key.tag, key.value) in seen:
                raise _refuse(f"key {key.value!r} is given twice", key.start_mark)
            seen.add((key.tag, key.value))


def _refuse(problem: str, mark: yaml.Mark) -> yaml.YAMLError:
    return yaml.constructor.ConstructorError(None, None, problem, mark)
