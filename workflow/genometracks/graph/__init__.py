"""The Snakefile's view: runs and their files, resources, deployment, Slurm."""
