# Everything runs in an environment of its own: Python 3.10 to 3.14 with pip, make and git are all it takes.
#   make demo         send the sample exports through the DAG to an embedded Kinesis, read them back, report
#   make demo-reset   forget what the demo has sent
#   make test         ruff, mypy and pytest
#   make test NETMERA_KINESIS_LARGE_TESTS=1: also before every single step of a task a kill and a pause, and 200,000 events through kinesalite (5 minutes more)
#   make soak         kill the sender 20 times while everything goes wrong, and judge a million events (10 minutes)
#   make lint         ruff and mypy
#   make bench        measure speed and memory beside what people write first (15 minutes; EVENTS=200000: 2 minutes)
#   make test AIRFLOW=2.11.2, make test PYTHON=python3.12: another Airflow, another Python
PYTHON ?= python3
LATEST := 3.3.2
AIRFLOW ?= $(LATEST)
VENV := .venv$(if $(filter $(LATEST),$(AIRFLOW)),,-$(AIRFLOW))
BIN := $(VENV)/bin
# On an older Airflow: what touches Airflow, whole runs of the DAG included.
TESTS ?= $(if $(filter $(LATEST),$(AIRFLOW)),,tests/operators tests/test_architecture.py tests/test_connection.py \
	tests/test_connection_test.py tests/test_credentials.py \
	tests/test_dag_again.py tests/test_dag_run.py tests/test_export_server.py tests/test_location.py tests/test_message_log_dag.py \
	tests/test_pipeline.py tests/test_pipeline_again.py tests/test_provider_info.py tests/test_rest_connection.py \
	tests/system/test_own_dags.py)

# What a shell has set for another Airflow, another AWS account or another Python must not reach this one.
INHERITED := $(filter AIRFLOW_% AWS_% BOTO_% OTEL_% MYPY% RUFF_% PYTEST_% COVERAGE_%,$(.VARIABLES))
unexport $(INHERITED) PYTHONDONTWRITEBYTECODE PYTHONHOME PYTHONOPTIMIZE PYTHONPATH PYTHONSAFEPATH PYTHONSTARTUP \
	PYTHONUSERBASE PYTHONWARNINGS PYTHONPYCACHEPREFIX VIRTUAL_ENV CONDA_PREFIX PIP_PREFIX PIP_ROOT PIP_TARGET \
	PIP_CONSTRAINT PIP_PYTHON UV_PYTHON UV_SYSTEM_PYTHON UV_TARGET UV_PREFIX UV_CONSTRAINT UV_OVERRIDE
comma := ,
export PIP_USER := 0
export PIP_REQUIRE_VIRTUALENV := 0
export NO_PROXY := 127.0.0.1,localhost$(if $(NO_PROXY),$(comma)$(NO_PROXY))
export no_proxy := $(NO_PROXY)
export PYTHONUNBUFFERED := 1

.PHONY: help environment test lint format demo demo-reset bench soak constraints clean

help:
	@sed -n 's/^#  *make/make/p' Makefile

environment:
	@command -v $(PYTHON) >/dev/null || { echo "environment: there is no $(PYTHON); say which: make PYTHON=…" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; (3, 10) <= sys.version_info[:2] <= (3, 14) or sys.exit("environment: Python 3.10 to 3.14 is needed, this is " + sys.version.split()[0] + "; say which: make PYTHON=python3.12")'
	@$(PYTHON) tools/make_environment.py $(VENV) --airflow $(AIRFLOW)

lint: environment
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: $(if $(filter $(LATEST),$(AIRFLOW)),lint) environment
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(TESTS)

format: environment
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

demo: environment
	@$(BIN)/python -m demo

demo-reset:
	rm -rf .demo

EVENTS ?= 2000000
bench: environment
	@$(PYTHON) tools/make_environment.py $(VENV) --airflow $(AIRFLOW) --extra bench
	@$(BIN)/python -m benchmarks --events $(EVENTS) $(SECTIONS)

soak: environment
	@$(BIN)/python -m soak

# Resolve the pins anew: every supported pair of Airflow and Python, for the lowest patch level of each Python.
constraints: environment
	@$(BIN)/python tools/resolve_constraints.py

clean:
	rm -rf .venv .venv-* .tools .demo .bench build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
