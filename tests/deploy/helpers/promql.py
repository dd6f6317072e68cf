"""Which metrics an expression asks for, and which there are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from bruno_service.metrics import CATALOG

CONFIG = Path(__file__).parents[3] / "config"
RULES = CONFIG / "prometheus" / "rules.yml"
# HAProxy's own, as its manual names them.
GATEWAY = {
    "haproxy_backend_active_servers",
    "haproxy_backend_current_queue",
    "haproxy_frontend_http_responses_total",
}
# Words of PromQL that stand where a metric could.
WORDS = {"by", "and", "or", "offset", "for"}


def rules() -> list[dict[str, Any]]:
    """The rules that Prometheus is given."""
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    return list(group["rules"])


def told() -> set[str]:
    """The names of all series that a server or a recording rule tells."""
    declared = yaml.safe_load((CONFIG / "metrics.yaml").read_text())
    kinds = [*declared["ts_metrics"].values(), *declared["model_metrics"].values()]
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    own = {name for name, metric in CATALOG.items() if metric.kind != "histogram"}
    return own | recorded | {each["name"] for kind in kinds for each in kind} | {"up", "ALERTS"}


def asked(expression: str) -> set[str]:
    """The metrics that an expression asks for."""
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\b(?:by|on|ignoring) ?\([^)]*\)", "", expression)
    names = re.findall(r"[a-zA-Z_:][\w:]*(?!\w|\s*\()", bare)
    return {name for name in names if not re.fullmatch(r"\d*[smhd]", name)} - WORDS
