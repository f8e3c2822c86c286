"""The stages of a run, in order. Each is a command of the same name, with a log of that name."""

STAGES = (
    "weights",
    "download",
    "model",
    "genome",
    "probe",
    "plan",
    "shards",
    "observed",
    "reference",
    "predict",
    "merge",
    "tracks",
    "bigwig",
    "parquet",
    "evaluate",
    "browse",
    "sheet-page",
    "manifest",
    "summary",
)
