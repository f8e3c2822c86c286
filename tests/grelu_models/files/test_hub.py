"""Files of a hub that runs locally for the test."""

import hashlib
import io
import logging
import shutil

import huggingface_hub  # noqa: F401 - sets up the handlers of its logger
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from grelu_models import resources
from grelu_models.description import find_weights
from grelu_models.errors import ModelError
from grelu_models.files.hub import Artifact, format_artifact, get_artifact, parse_artifact
from grelu_models.secrets import mask
from hub_server import COMMIT, OTHER, HubServer
from toys import ARCHITECTURE, write_checkpoint

REPO = "lab/toy-model"
CONTENT = bytes(range(256)) * 4000


@pytest.fixture
def hub(tmp_path, monkeypatch):
    server = HubServer(
        REPO, {"model.ckpt": CONTENT, "sub/other.txt": b"words", "config.json": b"{}"}
    )
    monkeypatch.setenv("HF_ENDPOINT", server.address)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    for name in ("HF_TOKEN", "HF_HUB_OFFLINE", "HF_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    yield server
    server.stop()


def test_a_file_is_fetched_once(hub, tmp_path):
    path = get_artifact(REPO, "model.ckpt", COMMIT)
    assert path.read_bytes() == CONTENT and path.is_relative_to(tmp_path / "cache")
    assert any(method == "GET" for method, _, _ in hub.requests)
    hub.requests.clear()
    assert get_artifact(REPO, "model.ckpt", COMMIT) == path
    assert hub.requests == []


def test_a_branch_is_requested_and_served_from_the_cache_without_network(hub):
    path = get_artifact(REPO, "sub/other.txt")
    hub.requests.clear()
    assert get_artifact(REPO, "sub/other.txt") == path
    assert [method for method, _, _ in hub.requests] == ["HEAD"]
    hub.stop()
    assert get_artifact(REPO, "sub/other.txt") == path
    hub.stop = lambda: None


def test_offline_mode_makes_no_request(hub, monkeypatch):
    path = get_artifact(REPO, "model.ckpt", "v1")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    hub.requests.clear()
    assert get_artifact(REPO, "model.ckpt", "v1") == path
    with pytest.raises(ModelError) as caught:
        get_artifact(REPO, "config.json", "v1")
    assert str(caught.value) == (
        f"{REPO}@v1:config.json: not in the cache, and HF_HUB_OFFLINE is set: unset it and fetch "
        "the file once"
    )
    with pytest.raises(ModelError, match="HF_HUB_OFFLINE is set: unset it to query the hub"):
        resources.list_artifacts(REPO)
    assert hub.requests == []


def test_the_token_of_the_environment_is_sent_and_never_shown(hub, monkeypatch):
    hub.token = "hf_secret"
    with pytest.raises(ModelError, match="no such repository: check its name; a private one needs"):
        get_artifact(REPO, "model.ckpt")
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(ModelError) as caught:
        get_artifact(REPO, "model.ckpt")
    assert "hf_wrong" not in str(caught.value)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert get_artifact(REPO, "model.ckpt").read_bytes() == CONTENT
    assert {token for _, _, token in hub.requests} == {None, "hf_wrong", "hf_secret"}


def test_user_and_password_of_the_endpoint_are_never_shown(hub, monkeypatch):
    logged = io.StringIO()
    for handler in logging.getLogger("huggingface_hub").handlers:
        monkeypatch.setattr(handler, "stream", logged)
    endpoint = hub.address.replace("http://", "http://someone:pass/word@")
    monkeypatch.setenv("HF_ENDPOINT", hub.address.replace("http://", "http://someone:password@"))
    shown = hub.address.replace("http://", "http://***@")
    with pytest.raises(ModelError, match="no such revision") as caught:
        get_artifact(REPO, "model.ckpt", "v9")
    assert str(caught.value).endswith(f"listed at {shown}/{REPO}")
    hub.cut = 100_000
    with pytest.raises(ModelError, match="could not be fetched"):
        get_artifact(REPO, "model.ckpt")
    assert f"Error while downloading from {shown}" in logged.getvalue()
    assert "password" not in logged.getvalue()
    hub.gated = True
    with pytest.raises(ModelError) as caught:
        get_artifact(REPO, "model.ckpt")
    assert f"accept its terms at {shown}/{REPO}, then" in str(caught.value)
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    with pytest.raises(ModelError) as caught:
        get_artifact(REPO, "model.ckpt", "v1")
    assert "pass" not in str(caught.value)


def test_signatures_in_errors_are_hidden(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "secret-of-a-lab")
    text = (
        "GET https://cdn.lab.org/a.ckpt?Signature=abc&Key=d failed for secret-of-a-lab, hf_abcdefgh"
    )
    assert mask(text) == "GET https://cdn.lab.org/a.ckpt?*** failed for ***, ***"


@pytest.mark.parametrize(
    ("repo", "file", "revision", "message"),
    [
        ("lab/nothing", "model.ckpt", "main", "lab/nothing@main:model.ckpt: no such repository"),
        (REPO, "model.ckpt", OTHER, f"{REPO}@{OTHER}:model.ckpt: no such revision: use a branch"),
        (
            REPO,
            "modle.ckpt",
            "main",
            "modle.ckpt: no such file in the repository: did you mean model.ckpt",
        ),
        ("lab/-x-", "model.ckpt", "main", "lab/-x-@main:model.ckpt: not a valid name on the hub"),
    ],
)
def test_what_does_not_exist_is_named(hub, repo, file, revision, message):
    with pytest.raises(ModelError, match=message):
        get_artifact(repo, file, revision)


def test_the_error_of_a_gated_repository_says_what_to_do(hub):
    hub.gated = True
    with pytest.raises(ModelError) as caught:
        get_artifact(REPO, "model.ckpt")
    assert str(caught.value) == (
        f"{REPO}@main:model.ckpt: gated: accept its terms at {hub.address}/{REPO}, "
        "then set HF_TOKEN"
    )


def test_a_missing_network_is_reported(hub):
    hub.stop()
    with pytest.raises(ModelError) as caught:
        get_artifact(REPO, "model.ckpt", COMMIT)
    assert str(caught.value) == (
        f"{REPO}@{COMMIT}:model.ckpt: not in the cache, and the hub does not answer "
        f"({hub.address}/{REPO}): check the network and HF_ENDPOINT, or fetch the file on a "
        "machine with network access"
    )
    with pytest.raises(ModelError, match=f"{REPO}@main: .*the hub does not answer"):
        resources.describe_repo(REPO)
    hub.stop = lambda: None


def test_an_interrupted_download_leaves_no_file_that_looks_complete(hub, tmp_path):
    hub.cut = 100_000
    with pytest.raises(ModelError, match="model.ckpt: could not be fetched: .*: try again"):
        get_artifact(REPO, "model.ckpt")
    whole = [path for path in (tmp_path / "cache").rglob("model.ckpt") if path.exists()]
    assert whole == []
    hub.cut = None
    assert get_artifact(REPO, "model.ckpt").read_bytes() == CONTENT


def test_a_cache_that_cannot_be_written_is_reported(hub, tmp_path):
    (tmp_path / "cache").write_text("a file in its place")
    with pytest.raises(ModelError, match="model.ckpt: could not be fetched: .*cache"):
        get_artifact(REPO, "model.ckpt")


def test_the_digest_is_checked(hub):
    digest = hashlib.sha256(CONTENT).hexdigest()
    path = get_artifact(REPO, "model.ckpt", sha256=digest.upper())
    with pytest.raises(ModelError) as caught:
        get_artifact(REPO, "model.ckpt", sha256="0" * 64)
    assert str(caught.value) == (
        f"{REPO}@main:model.ckpt: sha256 is {digest}, not {'0' * 64} as expected: the file is "
        f"another one, or damaged; to fetch it again, delete {path}"
    )
    assert path.read_bytes() == CONTENT
    with pytest.raises(ModelError, match="sha256 'abc' is not a digest"):
        get_artifact(REPO, "model.ckpt", sha256="abc")


def test_a_repository_is_listed_and_described(hub):
    assert resources.list_artifacts(REPO) == [
        {"filename": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in sorted(hub.files.items())
    ]
    assert resources.describe_repo(REPO, "v1") == {
        "id": REPO,
        "commit": COMMIT,
        "last_modified": "2026-01-02T03:04:05+00:00",
        "license": "mit",
        "tags": ["genomics"],
        "base_models": ["lab/base"],
        "datasets": ["lab/data"],
        "files": ["config.json", "model.ckpt", "sub/other.txt"],
    }
    with pytest.raises(ModelError, match=f"{REPO}@v9: no such revision"):
        resources.list_artifacts(REPO, "v9")


def test_a_model_is_loaded_straight_from_the_hub(hub, tmp_path):
    path = write_checkpoint(tmp_path / "a.ckpt")
    hub.files["model.ckpt"] = path.read_bytes()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    model, card = resources.load_model(REPO, revision=COMMIT, sha256=digest, window=96)
    assert card.source == f"{REPO}@{COMMIT}:model.ckpt"
    assert card.architecture == ARCHITECTURE
    with torch.inference_mode():
        assert model(torch.zeros(1, 4, 96)).shape == (1, 3, 18)
    assert resources.download_model(REPO, revision=COMMIT).endswith("model.ckpt")


def test_a_local_file_takes_precedence_over_one_of_the_hub(hub, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = f"{REPO}@main:model.ckpt"
    assert find_weights(name).read_bytes() == CONTENT
    (tmp_path / "lab").mkdir()
    shutil.copy(find_weights(f"{REPO}:config.json"), tmp_path / name)
    assert find_weights(name).read_bytes() == b"{}"
    with pytest.raises(ModelError, match="nothing.ckpt: no such weights file: check model.weights"):
        find_weights("nothing.ckpt")


PART = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)


@given(PART, PART, PART, st.lists(PART, min_size=1, max_size=3))
def test_names_are_read_as_they_are_written(owner, name, revision, parts):
    artifact = Artifact(f"{owner}/{name}", "/".join(parts), revision)
    assert parse_artifact(format_artifact(artifact)) == artifact
    assert parse_artifact(f"{owner}/{name}:{'/'.join(parts)}") == Artifact(
        f"{owner}/{name}", "/".join(parts), "main"
    )


@pytest.mark.parametrize(
    "text", ["model.ckpt", "models/a.ckpt", "/abs/model.ckpt", "C:\\models\\a.ckpt", "a/b/c:d", ""]
)
def test_paths_are_not_artifacts(text):
    assert parse_artifact(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "a/b@:file",
        "a/b:",
        "a/b@main:",
        "a/b@x:../../etc",
        "a/b:a//b",
        "a/b: c",
        "a/b:./c",
        "a/b:c\n",
        "a/b:c\0",
    ],
)
def test_text_that_resembles_an_artifact_is_corrected(text):
    with pytest.raises(ModelError, match="write owner/name@revision:path/of/file, e.g. "):
        parse_artifact(text)
