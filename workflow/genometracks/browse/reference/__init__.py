"""Annotation, observed tracks, sites and regions, as files that browsers read."""
