"""The rules of UCSC's track hubs that a hub of ours depends on, checked on its files.

Written from the hub's specification (https://genome.ucsc.edu/goldenPath/help/hgTrackHubHelp.html,
https://genome.ucsc.edu/goldenPath/help/trackDb/trackDbHub.html) and from what UCSC's own hubCheck
refuses, independently of the library that formats the stanzas.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
NUMBER = r"-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?"
VISIBILITY = {"hide", "dense", "squish", "pack", "full"}
SETTINGS = {
    "composite": {
        *("track", "type", "shortLabel", "longLabel", "visibility", "compositeTrack", "autoScale"),
        *("allButtonPair", "dimensions", "dragAndDrop", "filterComposite", "group", "html"),
        *("maxHeightPixels", "sortOrder", "windowingFunction"),
        *(f"subGroup{number}" for number in range(1, 10)),
    },
    "bigWig": {
        *("track", "type", "shortLabel", "longLabel", "bigDataUrl", "parent", "subGroups"),
        *("color", "viewLimits", "priority"),
    },
    "bigBed": {
        *("track", "type", "shortLabel", "longLabel", "bigDataUrl", "visibility", "group"),
        *("color", "html", "labelFields", "priority", "searchIndex"),
    },
}


@dataclass
class Hub:
    """A hub as read back: its stanzas, and what is wrong with it."""

    folder: Path
    hub: dict[str, str] = field(default_factory=dict)
    genome: dict[str, str] = field(default_factory=dict)
    tracks: dict[str, dict[str, str]] = field(default_factory=dict)
    groups: list[dict[str, str]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def subtracks(self) -> dict[str, dict[str, str]]:
        """Stanzas with a parent."""
        return {name: each for name, each in self.tracks.items() if "parent" in each}


def read_hub(folder: Path, *, root: Path, files: bool = True) -> Hub:
    """Read a hub and list what breaks a rule.

    Parameters
    ----------
    folder : Path
        Folder of hub.txt.
    root : Path
        Folder that is put on the web: no path may lead out of it.
    files : bool
        Whether the data files must exist. Default is true.
    """
    found = Hub(folder)
    (found.hub,) = _read_stanzas(found, folder / "hub.txt")
    for key in ("hub", "shortLabel", "longLabel", "genomesFile", "email"):
        _require(found, found.hub.get(key), f"hub.txt: no {key}")
    _require(found, " " not in found.hub["hub"], "hub.txt: a space in hub")
    _require(found, "@" in found.hub.get("email", ""), "hub.txt: no address")
    (found.genome,) = _read_stanzas(found, folder / found.hub["genomesFile"])
    assembly = "twoBitPath" in found.genome
    needed = ["genome", "trackDb", *(["organism", "defaultPos", "groups"] if assembly else [])]
    for key in needed:
        _require(found, found.genome.get(key), f"genomes.txt: no {key}")
    position = found.genome.get("defaultPos", "a:1-1")
    _require(found, re.fullmatch(r"[^ :]+:[1-9][0-9]*-[1-9][0-9]*", position), position)
    paths = [found.hub.get("descriptionUrl")]
    paths += [found.genome.get(key) for key in ("trackDb", "twoBitPath", "groups", "htmlPath")]
    paths += [found.genome.get("chromAlias")]
    for path in filter(None, paths):
        _check_path(found, path, root, exists=True)
    if assembly:
        found.groups = _read_stanzas(found, folder / found.genome["groups"])
        for group in found.groups:
            missing = {"name", "label", "priority", "defaultIsClosed"} - group.keys()
            _require(found, not missing, f"groups.txt: {missing}")
    _read_tracks(found, folder / found.genome["trackDb"], root=root, files=files)
    return found


def _read_stanzas(found: Hub, path: Path) -> list[dict[str, str]]:
    """Stanzas of a file: lines of a setting and a value, with empty lines between stanzas."""
    text = path.read_text()
    _require(found, text.endswith("\n") and "\r" not in text, f"{path.name}: line ends")
    stanzas: list[dict[str, str]] = []
    for block in re.split(r"\n[ \t]*\n", text.strip("\n")):
        stanza: dict[str, str] = {}
        for line in block.split("\n"):
            key, _, value = line.strip().partition(" ")
            _require(found, key and value.strip(), f"{path.name}: a line without a value: {line!r}")
            _require(found, not line.endswith("\\"), f"{path.name}: a continued line: {line!r}")
            _require(found, line.isprintable(), f"{path.name}: not printable: {line!r}")
            _require(found, key not in stanza, f"{path.name}: {key} twice: {line!r}")
            stanza[key] = value.strip()
        stanzas.append(stanza)
    return stanzas


def _read_tracks(found: Hub, path: Path, *, root: Path, files: bool) -> None:
    seen = {group["name"] for group in found.groups}  # igv.js takes both for containers
    for stanza in _read_stanzas(found, path):
        name = stanza.get("track", "")
        _require(found, next(iter(stanza)) == "track", f"{name}: does not begin with track")
        _require(found, NAME.fullmatch(name), f"{name}: not a name")
        _require(found, name.lower() not in seen, f"{name}: a second one")
        seen.add(name.lower())
        found.tracks[name] = stanza
        _check_track(found, name, stanza, root=root, files=files)
    composites = {key: each for key, each in found.tracks.items() if "compositeTrack" in each}
    children = found.subtracks()
    for name, stanza in composites.items():
        below = [each for each in children.values() if each["parent"].split()[0] == name]
        _require(found, below, f"{name}: a composite without tracks")
        _check_subgroups(found, name, stanza, below)
    for name, stanza in children.items():
        parent, state = stanza["parent"].split()
        _require(found, parent in composites and state in ("on", "off"), f"{name}: its parent")


def _check_track(found: Hub, name: str, stanza: dict[str, str], *, root: Path, files: bool) -> None:
    for key, most in (("shortLabel", 17), ("longLabel", 76)):
        _require(found, 0 < len(stanza.get(key, "")) <= most, f"{name}: {key}")
        _require(found, not set(stanza.get(key, "")) & set('<>"'), f"{name}: markup in {key}")
    kind = stanza.get("type", "")
    composite = "compositeTrack" in stanza
    allowed = SETTINGS["composite" if composite else kind.split()[0]]
    _require(found, stanza.keys() <= allowed, f"{name}: settings {stanza.keys() - allowed}")
    _require(found, composite != ("bigDataUrl" in stanza), f"{name}: bigDataUrl")
    if kind.startswith("bigWig"):
        given = re.fullmatch(rf"bigWig ({NUMBER}) ({NUMBER})", kind)
        _require(found, given and float(given[1]) < float(given[2]), f"{name}: {kind}")
    else:
        _require(found, kind in ("bigBed 3", "bigBed 12 +"), f"{name}: {kind}")
    if "viewLimits" in stanza:
        given = re.fullmatch(f"({NUMBER}):({NUMBER})", stanza["viewLimits"])
        _require(found, given and float(given[1]) < float(given[2]), f"{name}: viewLimits")
    if "color" in stanza:
        parts = stanza["color"].split(",")
        valid = len(parts) == 3 and all(p.isdecimal() and int(p) <= 255 for p in parts)
        _require(found, valid, f"{name}: color")
    if "visibility" in stanza:
        _require(found, stanza["visibility"] in VISIBILITY, f"{name}: visibility")
    if "group" in stanza:
        known = stanza["group"] in [group["name"] for group in found.groups]
        _require(found, known, f"{name}: a group that groups.txt lacks")
    if "priority" in stanza:
        _require(found, re.fullmatch(NUMBER, stanza["priority"]), f"{name}: priority")
    if "html" in stanza:
        _check_path(found, stanza["html"], root, exists=True)
    if "bigDataUrl" in stanza:
        _check_path(found, stanza["bigDataUrl"], root, exists=files)


def _check_subgroups(
    found: Hub, name: str, stanza: dict[str, str], below: list[dict[str, str]]
) -> None:
    declared: dict[str, set[str]] = {}
    numbers = sorted(int(key[8:]) for key in stanza if key.startswith("subGroup"))
    _require(found, numbers == list(range(1, len(numbers) + 1)), f"{name}: numbers of subgroups")
    for number in numbers:
        tag, title, *members = stanza[f"subGroup{number}"].split()
        _require(found, NAME.fullmatch(tag) and title, f"{name}: subgroup {tag}")
        _require(found, tag not in declared, f"{name}: subgroup {tag} twice")
        pairs = [member.split("=") for member in members]
        valid = all(len(pair) == 2 and NAME.fullmatch(pair[0]) and pair[1] for pair in pairs)
        _require(found, valid and 0 < len(pairs) <= 1000, f"{name}: members of {tag}")
        declared[tag] = {pair[0] for pair in pairs}
        _require(found, len(declared[tag]) == len(pairs), f"{name}: a member of {tag} twice")
    _require(found, len(declared) <= 8, f"{name}: too many subgroups")
    dimensions = dict(pair.split("=") for pair in stanza.get("dimensions", "").split())
    _require(found, set(dimensions.values()) == set(declared), f"{name}: dimensions")
    _require(found, all(re.fullmatch("dim[A-Z]", key) for key in dimensions), f"{name}: dimensions")
    order = [pair.split("=") for pair in stanza.get("sortOrder", "").split()]
    valid = all(tag in declared and sign in "+-" for tag, sign in order)
    _require(found, valid, f"{name}: sortOrder")
    filtered = set(stanza.get("filterComposite", "").split())
    _require(found, filtered == set(dimensions) - {"dimX", "dimY"}, f"{name}: filterComposite")
    for each in below:
        chosen = dict(pair.split("=") for pair in each.get("subGroups", "").split())
        valid = chosen.keys() == declared.keys() and all(
            value in declared[tag] for tag, value in chosen.items()
        )
        _require(found, valid, f"{each['track']}: subGroups")


def _check_path(found: Hub, path: str, root: Path, *, exists: bool) -> None:
    """A relative URL that stays on the web site."""
    _require(found, re.fullmatch(r"[A-Za-z0-9._+/-]+", path), f"{path}: not a URL path")
    whole = (found.folder / path).resolve()
    _require(found, whole.is_relative_to(root.resolve()), f"{path}: leads out of {root}")
    _require(found, not exists or whole.is_file(), f"{path}: does not exist")


def _require(found: Hub, holds: object, otherwise: str) -> None:
    if not holds:
        found.wrong.append(otherwise)
