# make setup · demo · test · storm · lint · fuzz · bench · oracles · slurm · train-demo · demo-folds · demo-human · report · site · clean
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DATA := data/demo
HUMAN := data/human
SNAKEMAKE := PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/snakemake

.PHONY: setup demo test storm lint fuzz bench oracles slurm train-demo demo-folds demo-human report site clean

setup: $(READY)

demo: $(READY)
	@$(BIN)/python config/demo/fetch.py $(DATA)
	@$(BIN)/genometracks run config/config.yaml
	@cat results/demo/summary.txt
	@echo "To open the page: $(BIN)/genometracks serve results/demo"

test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadfile

# 1,000 SIGKILLs over whole runs; ends after MINUTES at the latest. SEED=1 gives other kills.
storm: $(READY)
	PYTHONPATH=tests:workflow:. OMP_NUM_THREADS=1 $(BIN)/python tests/storm/storm.py \
		--kills $(or $(KILLS),1000) --minutes $(or $(MINUTES),20) --seed $(or $(SEED),0)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/mypy
	@$(BIN)/python config/demo/fetch.py $(DATA)
	$(SNAKEMAKE) --lint

# Random changes of every file that is read: a result or one error. 'make test' draws a hundredth.
fuzz: $(READY)
	FUZZ_EXAMPLES=$(or $(FUZZ_EXAMPLES),100) $(BIN)/python -m pytest -n 2 tests/fuzz \
		$(wildcard tests/grelu_models/files/test_fuzz*.py)

# About 35 minutes on two idle cores. GRELU_PYTHON=/path/to/python (of an environment with gReLU
# 1.1.0 and Lightning) adds the comparison with gReLU's own prediction. QUICK=1 proves that every
# benchmark runs, and keeps no results.
bench: $(READY) .oracles/.ready
	$(BIN)/python benchmarks/all.py $(if $(QUICK),--quick) \
		$(if $(GRELU_PYTHON),--grelu-python $(GRELU_PYTHON))

# Compares the models with gReLU and other packages; 'make test' uses outputs stored from them.
# SLOW=1 adds Borzoi and Enformer at full size on full windows (minutes, 8 GB).
oracles: $(READY) .oracles/.ready
	$(BIN)/python -m pytest tests/oracles -n 2 $(if $(SLOW),-m "slow or not slow")

# Runs jobs on a one-node Slurm cluster, which it starts and stops (skipped unless root on Debian).
slurm: $(READY)
	@$(BIN)/python config/demo/fetch.py $(DATA)
	@$(BIN)/python tests/slurm/cluster.py
	$(BIN)/python -m pytest tests/slurm -m slurm

train-demo: $(READY)
	@$(BIN)/python config/demo/fetch.py $(DATA)
	$(BIN)/python config/demo/train.py --data $(DATA) --out config/demo

# config/examples/demo-folds.yaml: the demo with three folds of its model, from three seeds. Two are
# trained first, about 5 minutes each (-j2: in parallel).
demo-folds: data/folds/2/dcas9.safetensors data/folds/3/dcas9.safetensors
	@$(BIN)/genometracks run config/examples/demo-folds.yaml
	@cat results/demo_folds/summary.txt

data/folds/%/dcas9.safetensors: | $(READY)
	@$(BIN)/python config/demo/fetch.py $(DATA)
	$(BIN)/python config/demo/train.py --data $(DATA) --out $(@D) --seed $*

# SpliceAI on chromosome 20, with annotated exons; docs/human.md. FOLDS=1 runs one of the five models
# instead of all, WHOLE=1 the whole chromosome. FASTA=/path/to/hg19.fa.gz replaces Debian's package.
HUMAN_RUN := human$(if $(WHOLE),_whole)$(if $(FOLDS),_$(FOLDS)_of_5)
HUMAN_CONFIG := $(if $(FOLDS)$(WHOLE),$(HUMAN)/$(HUMAN_RUN).yaml,config/examples/human.yaml)

demo-human: $(READY)
	@$(BIN)/python -m config.human.fetch $(HUMAN)$(if $(FASTA), --fasta '$(FASTA)')
	@$(BIN)/python -m config.human.sites $(HUMAN)
	@$(if $(FOLDS)$(WHOLE),$(BIN)/python -m config.human.choose $(HUMAN_CONFIG)$(if \
		$(FOLDS), --folds $(FOLDS))$(if $(WHOLE), --whole))
	@$(BIN)/genometracks run $(HUMAN_CONFIG)
	@cat results/$(HUMAN_RUN)/summary.txt
	@echo "SpliceAI was trained on this chromosome: the scores prove the pipeline, not generalisation."
	@echo "To open the page: $(BIN)/genometracks serve results/$(HUMAN_RUN)"

# After 'make demo': Snakemake's own report, with figures and run statistics. The run's report is
# results/demo/report.html.
report: $(READY)
	@$(SNAKEMAKE) --report results/demo/snakemake-report.html

# The guides as a website, in build/site.
site: $(READY)
	$(BIN)/python docs/site.py build/site

clean:
	rm -rf $(VENV) .oracles results data .snakemake .pytest_cache .ruff_cache .mypy_cache .hypothesis build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): requirements.lock pyproject.toml setup.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "make: Python 3.11 or newer is needed; set PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--no-deps --no-build-isolation --editable .
	@touch $@

.oracles/.ready: tests/oracles/requirements.txt $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade \
		--target .oracles -r tests/oracles/requirements.txt
	@touch $@
