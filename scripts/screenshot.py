"""A picture of the newest run of a DAG in Airflow's user interface; of the nightly build where no DAG is named.

    apt-get install chromium; .venv/bin/python scripts/screenshot.py docs/images/evol_instruct_run.png [DAG]

The platform must be up (`evol up`), and the DAG must have run.
"""

import sys
from urllib.parse import quote

from playwright.sync_api import sync_playwright

from evol_core.platform.airflow_api import sign_in
from evol_core.platform.embedded import log_in
from evol_core.platform.settings import machine_from_environment

NIGHTLY = "evol_instruct"
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"]
PATIENCE_MS = 180_000
"""Without a GPU the browser draws slowly beside a build."""

SETTLE_MS = 12_000
"""The page goes on loading after the browser says it is loaded."""


def main(target: str, dag: str = NIGHTLY) -> None:
    machine = machine_from_environment()
    login = log_in(machine)
    url, user, password = (str(login[name]) for name in ("url", "user", "password"))
    _, runs = sign_in(machine.home).call("GET", f"/dags/{dag}/dagRuns?order_by=-run_after&limit=1")
    run_id = quote(runs["dag_runs"][0]["dag_run_id"], safe="")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1500, "height": 820})
        page.set_default_timeout(PATIENCE_MS)
        page.goto(url, wait_until="load")
        page.fill("input[name=username]", user)
        page.fill("input[name=password]", password)
        page.click("button[type=submit]")
        page.wait_for_timeout(SETTLE_MS / 2)
        page.goto(f"{url}/dags/{dag}/runs/{run_id}", wait_until="load")
        page.wait_for_timeout(SETTLE_MS)
        page.screenshot(path=target)
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:3])
