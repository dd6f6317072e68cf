"""Alert rules judged by promtool, and a dashboard that asks for nothing that no server tells."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from promql import CONFIG, GATEWAY, RULES, asked, rules, told
from promtool import judge, needs_promtool

from bruno_service.metrics import CATALOG

DASHBOARD = json.loads((CONFIG / "grafana" / "bruno.json").read_text())
OPERATIONS = CONFIG.parent / "docs" / "operations.md"


def panels() -> Iterator[dict[str, Any]]:
    return (panel for panel in DASHBOARD["panels"] if panel["type"] != "row")


def expressions() -> list[str]:
    shown = [target["expr"] for panel in panels() for target in panel["targets"]]
    return shown + [each["expr"] for each in DASHBOARD["annotations"]["list"]]


@needs_promtool
def test_the_rules_are_good_and_do_what_their_tests_say() -> None:
    assert judge("check", "rules", RULES)[0] == 0
    assert judge("test", "rules", RULES.with_name("rules_test.yml")) == (
        0,
        "Unit Testing:  " + str(RULES.with_name("rules_test.yml")) + "\n  SUCCESS\n\n",
    )


def test_every_alert_is_seen_to_fire_and_has_its_place_in_the_runbook() -> None:
    alerts = {rule["alert"] for rule in rules() if "alert" in rule}
    tests = yaml.safe_load(RULES.with_name("rules_test.yml").read_text())["tests"]
    seen = [case for test in tests for case in test.get("alert_rule_test", [])]
    assert {case["alertname"] for case in seen if case.get("exp_alerts")} == alerts
    assert alerts <= set(re.findall(r"^### (\w+)$", OPERATIONS.read_text(), re.MULTILINE))


def test_the_rules_ask_for_what_is_told() -> None:
    for rule in rules():
        assert asked(rule["expr"]) <= told() | GATEWAY


@pytest.mark.parametrize("expression", expressions())
def test_the_dashboard_asks_for_what_is_told(expression: str) -> None:
    assert asked(expression)
    assert asked(expression) <= told()


def test_what_is_asked_for_is_found_in_an_expression() -> None:
    expression = 'sum by (le) (rate(bruno_a{b=~"c"}[5m])) / (d:e offset 1d > 0) or up'
    assert asked(expression) == {"bruno_a", "d:e", "up"}


@needs_promtool
def test_the_dashboard_asks_in_promql(tmp_path: Path) -> None:
    filled = [each.replace("$__rate_interval", "5m") for each in expressions()]
    written = [{"record": f"panel:{i}", "expr": each} for i, each in enumerate(filled)]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": written}]}))
    code, said = judge("check", "rules", file)
    assert code == 0, said


def test_the_dashboard_has_a_panel_for_each_metric() -> None:
    shown = "\n".join([*expressions(), *(rule["expr"] for rule in rules())])
    assert [name for name in CATALOG if name not in shown] == []


def test_panels_say_what_they_show_and_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not taken & cells
        taken |= cells
    assert all(panel["description"].endswith(".") for panel in panels())
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
