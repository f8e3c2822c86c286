"""Several errors in one exception: one printable line each."""

import logging
import pickle

from genometracks.common.logs import log_to_stderr
from genometracks.errors import LISTED, UserError, add_prefix, list_messages
from grelu_models.errors import ModelError


def test_each_error_is_a_line_and_the_rest_is_counted():
    assert str(UserError("one")) == "one"
    assert str(UserError("a\nb", "c\x1b")) == "a\\nb\nc\\x1b"
    many = UserError(*(f"error {i}" for i in range(LISTED + 2)))
    assert str(many).split("\n")[-2:] == [
        "error 19",
        "and 2 more errors: correct these first",
    ]
    assert len(many.messages) == LISTED + 2


def test_errors_of_another_process_are_the_same():
    error = pickle.loads(pickle.dumps(UserError("a\nb", "c")))
    assert error.messages == ("a\\nb", "c") and str(error) == "a\\nb\nc"


def test_every_line_has_the_prefix_of_its_program(capsys):
    error = UserError("a", "b")
    assert add_prefix("grelu-tracks: ", error) == "grelu-tracks: a\ngrelu-tracks: b"
    assert add_prefix("grelu-tracks: ", ModelError("m")) == "grelu-tracks: m"
    with log_to_stderr("preflight"):
        logging.getLogger("genometracks").error(error)
        logging.getLogger("genometracks").error(OSError("x\ny"))
    assert capsys.readouterr().err.splitlines() == [
        "genometracks preflight: a",
        "genometracks preflight: b",
        "genometracks preflight: x\\ny",
    ]


def test_other_exceptions_stand_for_one_error():
    assert list_messages(UserError("a", "b")) == ("a", "b")
    assert list_messages(ModelError("m")) == ("m",) and list_messages(OSError("x\ny")) == ("x\\ny",)
