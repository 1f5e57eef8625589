"""The compose file and the image against the code they start: what no engine is needed to see."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

from app.roles import ROLES

ROOT = Path(__file__).parents[3]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
DOCKERFILE = (ROOT / "deploy/Dockerfile").read_text()


def test_every_role_has_a_service_of_its_own():
    commands = {name: service.get("command") for name, service in COMPOSE["services"].items()}
    assert {role: commands[role] for role in ROLES} == {role: ["serve", "--role", role] for role in ROLES}
    assert commands["setup"] == ["setup"]


def test_nothing_starts_before_the_setup_and_the_setup_waits_for_healthy_servers():
    services = COMPOSE["services"]
    assert all(services[role]["depends_on"]["setup"]["condition"] == "service_completed_successfully" for role in ROLES)
    assert services["setup"]["depends_on"] == {
        name: {"condition": "service_healthy"} for name in ("rabbitmq", "postgres")
    }
    for name in ("rabbitmq", "postgres"):
        assert services[name]["healthcheck"]["test"]
        assert services[name]["volumes"][0].partition(":")[0] in COMPOSE["volumes"]
    assert services["rabbitmq"]["image"].startswith("rabbitmq:4")


def test_no_secret_stands_in_the_file():
    environments = [service.get("environment", {}) for service in COMPOSE["services"].values()]
    named = [value for each in environments for name, value in each.items() if "PASS" in name]
    inside_urls = [url.split("@")[0].split(":", 2)[2] for each in environments for url in each.values() if "://" in url]
    passwords = named + inside_urls
    assert len(passwords) >= 4
    assert all(password.startswith("${") for password in passwords)


def test_an_agent_machine_gets_no_database():
    assert "DATABASE_URL" not in COMPOSE["services"]["agents"]["environment"]


def test_the_image_holds_every_package_and_the_lock():
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]["include"]
    for package in packages:
        name = package.rstrip("*")
        assert f"COPY {name} {name}\n" in DOCKERFILE
    assert "--require-hashes -r requirements.lock" in DOCKERFILE
    assert "USER xingshu" in DOCKERFILE


def test_the_locks_name_no_index():
    for name in ("requirements.lock", "requirements-dev.lock"):
        assert not re.search(r"https?://|--(?:extra-)?index-url|--find-links", (ROOT / name).read_text())
