"""Changes of a config in words, and Snakemake's reasons."""

import copy

from genometracks.config.resolve import resolve_config
from genometracks.config.sections import Config
from genometracks.explain.config_changes import compare_configs
from genometracks.explain.jobs import PlannedJob, drop_stale

GIVEN = {"genome": {"fasta": "g.fa"}, "model": {"weights": "m.ckpt"}}


def compare(changes: dict, given: dict | None = None) -> list[str]:
    """The changes between a config, and the same with some sections changed."""
    old = copy.deepcopy(given or GIVEN)
    new = copy.deepcopy(old)
    for key, value in changes.items():
        new[key] = {**new[key], **value} if isinstance(new.get(key), dict) else value
    found = compare_configs(resolve_config(old), Config.of(resolve_config(new)))
    return [each.text for each in found]


def test_changes_name_the_key_with_both_values():
    assert compare({}) == []
    assert compare({"prediction": {"trim": 3}, "shards": 9}) == [
        "prediction.trim: 0 -> 3",
        "shards: 4 -> 9",
    ]
    assert compare({"genome": {"regions": "r.bed"}}) == ["genome.regions: not set -> 'r.bed'"]
    assert compare({"output": {"aggregate": {"by": "assay"}}}) == [
        "output.aggregate: not set -> {'by': 'assay', 'of': 'mean'}"
    ]


def test_entries_of_lists_are_compared_key_by_key():
    observed = [{"track": "a", "bigwig": "a.bw"}, {"track": "b", "bigwig": "b.bw"}]
    given = {**GIVEN, "evaluation": {"observed": observed}}
    changed = {"observed": [observed[0], {"track": "b", "bigwig": "c.bw"}]}
    assert compare({"evaluation": changed}, given) == [
        "evaluation.observed[1].bigwig: 'b.bw' -> 'c.bw'"
    ]


def test_no_secret_is_told():
    (line,) = compare({"genome": {"fasta": "https://me:pass1word@lab.org/g.fa?key=to1ken"}})
    assert line == "genome.fasta: 'g.fa' -> 'https://***@lab.org/g.fa?***'"


def test_a_key_concerns_the_stages_that_are_given_it():
    old, new = (resolve_config({**GIVEN, "prediction": {"trim": trim}}) for trim in (0, 1))
    (change,) = compare_configs(old, Config.of(new))
    stages = ("genome", "model", "probe", "plan", "predict", "tracks", "browse", "manifest")
    assert [stage for stage in stages if change.concerns(stage)] == ["probe", "plan", "manifest"]


def test_reasons_of_snakemake_are_split_into_causes():
    reason = (
        "Missing output files: a/b.bw, a/c.bw; Updated input files: g.fa; Params have changed "
        "since last execution: before: '{\"a\": 1; B}' now: x"
    )
    causes = PlannedJob(("a",), "bigwig", "", reason).causes
    assert (causes["missing"], causes["newer"]) == ("a/b.bw, a/c.bw", "g.fa")
    assert list(causes) == ["missing", "newer", "settings"]


def test_jobs_that_follow_nothing_are_left_out():
    follows = "Input files updated by another job: r/a/work/merge.json"
    bigwig = PlannedJob(("a",), "bigwig", "", follows)
    manifest = PlannedJob(("a",), "manifest", "", f"{follows}, r/a/work/seals/bigwig_0.json")
    merge = PlannedJob(("a",), "merge", "", "Missing output files: r/a/work/merge.json")
    other = PlannedJob(("b",), "merge", "", merge.reason)
    unknown = PlannedJob(("a",), "later", "", "Input files updated by another job: r/a/new.file")
    assert drop_stale([manifest, bigwig, other]) == [other]
    assert drop_stale([manifest, bigwig, merge]) == [merge, bigwig, manifest]
    assert drop_stale([unknown]) == [unknown]
