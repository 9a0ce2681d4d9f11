"""Checks what `podman-compose --dry-run up` would do with three transfer workers: see scripts/check-compose.

usage: check-compose.py PLAN FOLDER
"""

import base64
import pathlib
import re
import sys

import yaml

plan = pathlib.Path(sys.argv[1]).read_text()
folder = pathlib.Path(sys.argv[2])
config = yaml.safe_load((folder / "compose.yaml").read_text())
# Each container is one line that begins with the path of podman; a multi-line entry point goes on below.
container = re.compile(r"^\S+ run --name=check_(\w+) (.*(?:\n(?!\S+ run |\[|podman |exit ).*)*)", re.M)
runs = {match[1]: match[2].rstrip() for match in container.finditer(plan)}
problems = []


def check(holds, problem):
    if not holds:
        problems.append(problem)


def has(container, text):
    return text in runs.get(container, "")


services = ["scheduler", "monitor", "bookkeeper", "transfer", "gateway"]
wanted = {f"{name}_1" for name in [*services, "agent", "postgres", "rabbitmq", "migrate"]} | {"transfer_2", "transfer_3"}
check(set(runs) == wanted, f"the containers are {sorted(runs)}, not {sorted(wanted)}")
for name in [*services, "agent"]:
    check(runs.get(f"{name}_1", "").endswith(f" millrace-{name}"), f"{name} does not run millrace-{name}")
for name in [*services, "postgres", "rabbitmq"]:
    check(has(f"{name}_1", "--healthcheck-command"), f"{name} has no health check")
check(runs.get("migrate_1", "").endswith(" millrace migrate"), "migrate does not run millrace migrate")
check(has("postgres_1", "docker.io/library/postgres:15"), "postgres is not the official image")
check(has("rabbitmq_1", "docker.io/library/rabbitmq:3.13-management"), "rabbitmq is not the official image")
check(not has("agent_1", "check_centre"), "the agent is in the network of the catalogue")
check(not has("agent_1", "postgres-password"), "the agent has the password of the catalogue")
check(not has("postgres_1", "check_sites"), "the catalogue is in the network of the sites")
for number in (1, 2, 3):
    check(not re.search(r" -p \S", runs.get(f"transfer_{number}", "")), "transfer has a fixed port")
for name, secret in config["secrets"].items():
    text = (folder / secret["file"]).read_text().strip()
    check(text, f"the secret {name} is empty")
    for line in text.splitlines():
        check(len(line) < 20 or line not in plan, f"the secret {name} is on a command line")
for name in ["signing-key", "signing-public-key", "token-key"]:
    length = len(base64.b64decode((folder / "secrets" / name).read_text()))
    check(length == 32, f"{name} has {length} bytes")
for problem in problems:
    print(f"check-compose: {problem}", file=sys.stderr)
if problems:
    sys.exit(1)
print(f"check-compose: {len(runs)} containers are as they should be")
