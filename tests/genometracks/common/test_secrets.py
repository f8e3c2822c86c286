"""Secrets of addresses and tokens are masked, and nothing else is."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genometracks.common.logs import log_to_stderr
from genometracks.common.secrets import mask_plain
from grelu_models.secrets import mask


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("https://lab.org/g.fa", "https://lab.org/g.fa"),
        ("https://lab.org:8443/g.fa: no", "https://lab.org:8443/g.fa: no"),
        ("http://127.0.0.1:1: refused", "http://127.0.0.1:1: refused"),
        ("http://[::1]:80/g.fa", "http://[::1]:80/g.fa"),
        ("https://u:pw@lab.org/g.fa", "https://***@lab.org/g.fa"),
        ("https://u:p@w@lab.org/g.fa", "https://***@lab.org/g.fa"),
        ("https://u:p?w@lab.org/g.fa", "https://***?***"),
        ("https://u:p/w@lab.org/g.fa", "https://***/lab.org/g.fa"),
        ("HTTPS://TOKEN@lab.org/g.fa", "HTTPS://***@lab.org/g.fa"),
        ("ftp://u:pw@lab.org/g.fa.gz", "ftp://***@lab.org/g.fa.gz"),
        (
            "https://b.s3.amazonaws.com/g.fa?X-Amz-Signature=ab&x=c",
            "https://b.s3.amazonaws.com/g.fa?***",
        ),
        ("(https://lab.org/g.fa?a=b).", "(https://lab.org/g.fa?***)."),
        (
            '{"fasta": "https://lab.org/g?a=b", "x": 1}',
            '{"fasta": "https://lab.org/g?***", "x": 1}',
        ),
        ("https://lab.org/g.fa#access_token=abc", "https://lab.org/g.fa#***"),
        ("Authorization: Bearer abcdefgh", "Authorization: Bearer ***"),
        ("Authorization: Basic dTpwdw==", "Authorization: Basic ***"),
        ("token hf_abcdEFGH1234 is not valid", "token *** is not valid"),
        ("lab/model@main:model.ckpt", "lab/model@main:model.ckpt"),
        ("chr1:0-100 of g.fa?", "chr1:0-100 of g.fa?"),
        ("a@b.org and hf_short", "a@b.org and hf_short"),
    ],
)
def test_user_query_and_tokens_are_masked(text, masked):
    assert mask(text) == masked == mask(masked)


@given(st.text(alphabet="htps:/?#@.au\"' *[]%", max_size=40))
def test_masking_twice_changes_nothing(text):
    assert mask(mask(f"https://{text}")) == mask(f"https://{text}")


@given(st.from_regex(r"\A[A-Za-z0-9._~%!$&*+,;=:-]{1,20}\Z"), st.sampled_from(["https", "ftp"]))
def test_no_password_or_query_remains(secret, scheme):
    hidden = f"Q{secret}Q"
    for address in (f"{scheme}://u:{hidden}@lab.org/g.fa", f"{scheme}://lab.org/g.fa?t={hidden}"):
        assert hidden not in mask(f"{address}: cannot be fetched: {address}")


def test_the_values_of_token_variables_are_masked(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "secret-of-mine")
    assert mask("sent secret-of-mine to the hub") == "sent *** to the hub"
    monkeypatch.setenv("HF_TOKEN", "the")
    assert mask("the hub") == "the hub", "too short to be a token"


def test_nested_values_keep_their_shape():
    value = {"a": ["https://u:p@h.org/x", 1, None], "b": ["x?y", {"c": "ftp://h.org/?q"}]}
    masked = {"a": ["https://***@h.org/x", 1, None], "b": ["x?y", {"c": "ftp://h.org/?***"}]}
    assert mask_plain(value) == masked


def test_every_line_of_a_log_is_masked(capsys):
    with log_to_stderr("download"):
        logger = logging.getLogger("genometracks.inputs.fetch")
        logger.info("from %s", "https://h.org/x?token=abc")
        logger.error("https://u:pw@h.org/x: refused")
        try:
            raise ValueError("https://u:pw@h.org/x")
        except ValueError:
            logger.exception("unexpected")
    text = capsys.readouterr().err
    assert "from https://h.org/x?***\n" in text
    assert "genometracks download: https://***@h.org/x: refused\n" in text
    assert "pw" not in text and "abc" not in text


def test_an_error_is_one_line_of_printable_text(capsys):
    with log_to_stderr("download"):
        logger = logging.getLogger("genometracks.inputs.fetch")
        logger.error("a\nb\x1b[31m\x00\u2028c")
        logger.info("two\nlines\x1b[2J")
    err = capsys.readouterr().err
    assert err == "genometracks download: a\\nb\\x1b[31m\\x00\\u2028c\ntwo\nlines\\x1b[2J\n"
