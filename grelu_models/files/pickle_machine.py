"""The instructions of a pickle, run within limits. Nothing is imported, and memory is bounded.

Python's own unpickler executes nothing if names are restricted, but a few bytes can make it
allocate gigabytes or compute a hash for years. This machine knows only the instructions that torch
reads (those of protocol 2), and counts what they make.
"""

import pickle
import struct
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

__all__ = ["MOST", "PickleLimit", "PickleMachine"]

MOST = 4_000_000
"""Instructions and copied items of one file. The metadata of a model of 7,611 tracks (11 columns)
with 70,000 training intervals need 620,000."""

COPIED = 4
"""Characters or bytes of copied text and arrays that count as one item."""

MOST_UNUSUAL = 10_000
"""Keys of dicts and sets, of one file, for which colliding hashes could be constructed."""

TOO_MANY = f"has more than {MOST:,} values"

LARGEST_KEY = 2**60
"""Integers below it have distinct hashes."""

BINUNICODE, LONG_BINPUT, LONG_BINGET, BININT, BINFLOAT = (
    code[0]
    for code in (
        pickle.BINUNICODE,
        pickle.LONG_BINPUT,
        pickle.LONG_BINGET,
        pickle.BININT,
        pickle.BINFLOAT,
    )
)
UINT, INT, FLOAT = (struct.Struct(form).unpack_from for form in ("<I", "<i", ">d"))

Plain = (str, bytes, bool, int, float, type(None))


class PickleLimit(Exception):
    """A pickle exceeds a limit. The message continues "its pickle ..."."""


class PickleMachine:
    """Runs consecutive pickles.

    Parameters
    ----------
    data : bytes
    find : callable
        (module, name) -> the replacement of a global name.
    load_storage : callable
        Persistent id -> a placeholder.

    Attributes
    ----------
    position : int
        Bytes that have been read.
    """

    def __init__(
        self,
        data: bytes,
        *,
        find: Callable[[str, str], object],
        load_storage: Callable[[object], object],
    ) -> None:
        self.data, self.position = data, 0
        self.find, self.load_storage = find, load_storage
        self.stack: list[Any] = []
        self.marked: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self._left, self._unusual = MOST, 0

    def load(self) -> object:
        """Run the next pickle and return its object.

        Raises
        ------
        PickleLimit
            If it exceeds a limit.
        Exception
            Of any type, if it is damaged.
        """
        self.stack, self.marked, self.memo = [], [], {}
        while True:
            code = self._run_frequent()
            if code == pickle.STOP[0]:
                return self.stack.pop()
            if code not in INSTRUCTIONS:
                raise PickleLimit(f"has the instruction {code:#04x}, which torch does not read")
            INSTRUCTIONS[code](self)

    def _run_frequent(self) -> int:
        """Run instructions up to the next one that is not among the most frequent; return it.

        Nine of ten push text or a number, or use the memo. Without calls, they take a third of the
        time.
        """
        data, stack, memo, position, left = (
            self.data,
            self.stack,
            self.memo,
            self.position,
            self._left,
        )
        while left > 0:
            code = data[position]
            left -= 1
            if code == BINUNICODE:
                end = position + 5 + UINT(data, position + 1)[0]
                if end > len(data):
                    raise EOFError("it ends early")
                stack.append(str(data[position + 5 : end], "utf-8", "surrogatepass"))
                position = end
            elif code == LONG_BINPUT:
                memo[UINT(data, position + 1)[0]] = stack[-1]
                position += 5
            elif code == LONG_BINGET:
                stack.append(memo[UINT(data, position + 1)[0]])
                position += 5
            elif code == BININT:
                stack.append(INT(data, position + 1)[0])
                position += 5
            elif code == BINFLOAT:
                stack.append(FLOAT(data, position + 1)[0])
                position += 9
            else:
                self.position, self._left = position + 1, left
                return code
        raise PickleLimit(TOO_MANY)

    def spend(self, items: int) -> None:
        """Count items."""
        self._left -= items
        if self._left < 0:
            raise PickleLimit(TOO_MANY)

    def take(self, size: int) -> bytes:
        """Read some bytes."""
        taken = self.data[self.position : self.position + size]
        if len(taken) < size:
            raise EOFError("it ends early")
        self.position += size
        return taken

    def take_line(self) -> str:
        """Read a line."""
        end = self.data.index(b"\n", self.position)
        line = self.data[self.position : end]
        self.position = end + 1
        return line.decode()

    def take_number(self, form: struct.Struct) -> Any:
        """Read a number."""
        return form.unpack(self.take(form.size))[0]

    def pop_marked(self) -> list[Any]:
        """Return what was pushed since the last mark."""
        items, self.stack = self.stack, self.marked.pop()
        return items

    def check_key(self, key: object) -> None:
        """Refuse a key whose hash takes long, or one of thousands that could collide.

        The hash of a tuple is that of everything in it, which shared parts make exponential.
        """
        kind = type(key)
        if kind in (str, bytes, bool) or (isinstance(key, int) and abs(key) < LARGEST_KEY):
            return
        if isinstance(key, tuple) and not (len(key) <= 4 and all(type(p) in Plain for p in key)):
            raise PickleLimit("has a key of nested tuples")
        self._unusual += 1
        if self._unusual > MOST_UNUSUAL:
            raise PickleLimit(f"has more than {MOST_UNUSUAL:,} keys other than text")

    def charge(self, parts: tuple[Any, ...]) -> None:
        """Count what a call copies: text and arrays by their size, other parts by their length."""
        self.spend(len(parts))
        for part in parts:
            if isinstance(part, str | bytes):
                self.spend(len(part) // COPIED)
            elif isinstance(part, list | tuple | dict | set):
                self.spend(len(part))


def _push(make: Callable[[PickleMachine], object]) -> Callable[[PickleMachine], None]:
    """An instruction that pushes what `make` returns."""

    def run(machine: PickleMachine) -> None:
        made = make(machine)  # which may replace the stack
        machine.stack.append(made)

    return run


def _read(form: str) -> Callable[[PickleMachine], Any]:
    """An argument in the format of `struct`."""
    compiled = struct.Struct(form)
    return lambda machine: machine.take_number(compiled)


BYTE = _read("<B")


def _global(machine: PickleMachine) -> object:
    return machine.find(machine.take_line(), machine.take_line())


def _check_protocol(machine: PickleMachine) -> None:
    if BYTE(machine) > pickle.HIGHEST_PROTOCOL:
        raise ValueError("its protocol is unknown")


def _mark(machine: PickleMachine) -> None:
    machine.marked.append(machine.stack)
    machine.stack = []


def _append(machine: PickleMachine, items: list[Any]) -> None:
    if type(machine.stack[-1]) is not list:
        raise TypeError("only a list can be appended to")
    machine.stack[-1].extend(items)


def _set_items(machine: PickleMachine, items: list[Any]) -> None:
    target = machine.stack[-1]
    if type(target) not in (dict, OrderedDict):
        raise TypeError("only a dict can have items")
    for key, value in zip(items[::2], items[1::2], strict=True):
        machine.check_key(key)
        target[key] = value


def _pop(machine: PickleMachine, count: int) -> list[Any]:
    if len(machine.stack) < count:
        raise IndexError("its stack is empty")
    items = machine.stack[-count:]
    del machine.stack[-count:]
    return items


def _put(machine: PickleMachine, index: int) -> None:
    machine.memo[index] = machine.stack[-1]


def _reduce(machine: PickleMachine) -> None:
    function, arguments = _pop(machine, 2)
    if type(arguments) is not tuple or not callable(function):
        raise TypeError("only a known name can be called")
    machine.charge(arguments)
    if function in (set, dict, OrderedDict) and arguments:
        for item in arguments[0]:
            machine.check_key(item if function is set else item[0])
    machine.stack.append(function(*arguments))


def _new_object(machine: PickleMachine) -> None:
    kind, arguments = _pop(machine, 2)
    if type(arguments) is not tuple or not isinstance(kind, type):
        raise TypeError("only a known type can have objects")
    machine.charge(arguments)
    machine.stack.append(kind.__new__(kind, *arguments))


def _build(machine: PickleMachine) -> None:
    target, state = _pop(machine, 2)
    if isinstance(state, tuple):
        machine.charge(state)
    if hasattr(target, "__setstate__"):
        target.__setstate__(state)
    elif type(target) is not OrderedDict and state:  # whose state are attributes, not items
        raise TypeError(f"{type(target).__name__} has no state")
    machine.stack.append(target)


INSTRUCTIONS: dict[int, Callable[[PickleMachine], None]] = {
    name[0]: run
    for name, run in {
        pickle.PROTO: _check_protocol,
        pickle.GLOBAL: _push(_global),
        pickle.BINPERSID: lambda m: m.stack.append(m.load_storage(m.stack.pop())),
        pickle.REDUCE: _reduce,
        pickle.NEWOBJ: _new_object,
        pickle.BUILD: _build,
        pickle.MARK: _mark,
        pickle.BINPUT: lambda m: _put(m, BYTE(m)),
        pickle.BINGET: _push(lambda m: m.memo[BYTE(m)]),
        pickle.APPEND: lambda m: _append(m, _pop(m, 1)),
        pickle.APPENDS: lambda m: _append(m, m.pop_marked()),
        pickle.SETITEM: lambda m: _set_items(m, _pop(m, 2)),
        pickle.SETITEMS: lambda m: _set_items(m, m.pop_marked()),
        pickle.TUPLE: _push(lambda m: tuple(m.pop_marked())),
        pickle.TUPLE1: _push(lambda m: tuple(_pop(m, 1))),
        pickle.TUPLE2: _push(lambda m: tuple(_pop(m, 2))),
        pickle.TUPLE3: _push(lambda m: tuple(_pop(m, 3))),
        pickle.EMPTY_TUPLE: _push(lambda _: ()),
        pickle.EMPTY_LIST: _push(lambda _: []),
        pickle.EMPTY_DICT: _push(lambda _: {}),
        pickle.EMPTY_SET: _push(lambda _: set()),
        pickle.NONE: _push(lambda _: None),
        pickle.NEWTRUE: _push(lambda _: True),
        pickle.NEWFALSE: _push(lambda _: False),
        pickle.BININT1: _push(BYTE),
        pickle.BININT2: _push(_read("<H")),
        pickle.LONG1: _push(lambda m: pickle.decode_long(m.take(BYTE(m)))),
        pickle.SHORT_BINSTRING: _push(lambda m: m.take(BYTE(m)).decode()),
    }.items()
}
"""The instructions that torch's restricted unpickler knows, by code, except the frequent ones."""
