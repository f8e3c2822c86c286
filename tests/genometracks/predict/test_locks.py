"""Lock files are in folders that only their user can change; anything planted there is refused."""

import os
import stat

import pytest

from genometracks.predict.locks import list_folders, lock

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    """Folders of temporary files and of the session, in the test's folder."""
    for name, mode in (("tmp", 0o1777), ("run", 0o700)):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(mode)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))


@pytest.fixture
def own(tmp_path):
    """The user's own folder among the temporary files."""
    return tmp_path / "tmp" / f"genometracks-{os.geteuid()}"


def is_free(name, folders) -> bool:
    """Whether a file can be locked; it is unlocked again."""
    descriptors = lock(name, folders)
    for descriptor in descriptors:
        os.close(descriptor)
    return bool(descriptors)


def test_a_lock_is_private_to_its_user(tmp_path, own):
    folders = list_folders()
    assert folders == [own, tmp_path / "run" / "genometracks"]
    descriptors = lock("x", folders)
    assert len(descriptors) == 2
    for folder in folders:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "x").stat().st_mode) == 0o600
    for descriptor in descriptors:
        os.close(descriptor)


def test_jobs_inside_and_outside_of_a_session_exclude_each_other(monkeypatch):
    inside = list_folders()
    monkeypatch.delenv("XDG_RUNTIME_DIR")  # as in a job of Slurm
    outside = list_folders()
    assert len(inside) == 2 and len(outside) == 1
    for first, second in ((inside, outside), (outside, inside)):
        held = lock("x", first)
        assert lock("x", second) == [] and is_free("y", second)
        for descriptor in held:
            os.close(descriptor)
        assert is_free("x", second)


@pytest.mark.parametrize("fault", ["missing", "a file", "a link", "others write", "relative"])
def test_the_folder_of_a_session_must_be_the_users_own(tmp_path, own, monkeypatch, fault):
    place = tmp_path / "run"
    if fault == "others write":
        place.chmod(0o770)
    elif fault == "relative":
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("XDG_RUNTIME_DIR", "run")
    else:
        place.rmdir()
        if fault == "a file":
            place.touch()
        if fault == "a link":
            (tmp_path / "target").mkdir(mode=0o700)
            place.symlink_to("target")
    assert list_folders() == [own]


@root_only
def test_the_folder_of_another_users_session_is_not_used(tmp_path, own):
    os.chown(tmp_path / "run", 12345, -1)
    assert list_folders() == [own]


def plant_link(own, victim):
    victim.mkdir(mode=0o700)
    own.symlink_to(victim)


def plant_file(own, victim):
    own.touch()


def open_folder(own, victim):
    own.mkdir()
    own.chmod(0o750)


def give_away(own, victim):
    own.mkdir(mode=0o700)
    os.chown(own, 12345, -1)


def link_lock(own, victim):
    own.mkdir(mode=0o700)
    (own / "x").symlink_to(victim)


def hard_link_lock(own, victim):
    own.mkdir(mode=0o700)
    victim.touch(mode=0o600)
    os.link(victim, own / "x")


def pipe_lock(own, victim):
    own.mkdir(mode=0o700)
    os.mkfifo(own / "x", 0o600)


def give_lock_away(own, victim):
    own.mkdir(mode=0o700)
    (own / "x").touch(mode=0o600)
    os.chown(own / "x", 12345, -1)


@pytest.mark.parametrize(
    ("plant", "reason"),
    [
        (plant_link, "{own} is a link: delete it"),
        (plant_file, "Not a directory"),
        (open_folder, "{own} has mode 750: others may use it: chmod go-rwx {own}"),
        pytest.param(give_away, "{own} belongs to another user", marks=root_only),
        (link_lock, "{own}/x is a link: delete it"),
        (hard_link_lock, "{own}/x is not a plain file with one name: delete it"),
        (pipe_lock, "{own}/x is not a plain file with one name: delete it"),
        pytest.param(give_lock_away, "{own}/x belongs to another user", marks=root_only),
    ],
)
def test_what_others_may_have_planted_is_refused(tmp_path, own, plant, reason):
    victim = tmp_path / "victim"
    plant(own, victim)
    before = victim.stat() if victim.exists() else None
    with pytest.raises(OSError) as caught:
        lock("x", [own])
    assert str(caught.value) == f"no lock in {own}: {reason.format(own=own)}"
    assert (victim.stat() if victim.exists() else None) == before
    assert not victim.is_dir() or not list(victim.iterdir())
    assert is_free("x", list_folders())  # the session's folder is used instead
