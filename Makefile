# What each target does is in scripts/; this names them. `make` lists them.
.DEFAULT_GOAL := help
.PHONY: help setup build demo test up down lint format bench

# Kept for scripts/demo: FRESH=1 throws away what earlier runs left.
export FRESH
# Where the farm of `make up` keeps its state.
export MILLRACE_STATE ?= .millrace

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

setup: ## install what Debian 12 lacks
	@scripts/setup

build: setup ## optimised build of all programs
	@swift build --configuration release

demo: build ## the main job on a farm of its own, from nothing to the result; FRESH=1 starts over
	@scripts/demo

test: ## set-up, lint, one debug build, unit tests, integration and acceptance tests
	@scripts/test

up: build ## start a farm that stays (make down ends it)
	@.build/release/millrace up --detach

down: ## stop the farm of make up
	@scripts/down

lint: ## check format and style
	@scripts/lint

format: ## format all Swift files in place
	@swift format format --in-place --recursive --parallel Sources Tests Package.swift

bench: build ## all benchmarks, one table each
	@scripts/bench
