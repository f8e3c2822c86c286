"""What the Snakefile asks: runs and their files, resources, deployment, Slurm."""
