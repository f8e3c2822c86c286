"""Every key of the schema has a type, a default and a description."""

from genometracks.config.schema import list_keys, read_schema


def test_every_key_has_a_type_a_default_and_a_description():
    required = {"genome", "genome.fasta", "model", "model.weights", "output.aggregate.by"}
    for key, schema in list_keys():
        assert "type" in schema or "enum" in schema, key
        assert schema["description"].endswith("."), key
        if key not in required and "[]" not in key:
            assert "default" in schema, key
    assert read_schema()["additionalProperties"] is False
