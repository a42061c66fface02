"""The coverage table, the catalogue of operations, and the code say the same."""

from pathlib import Path

import httpx
from running_cloud import RunningCloud

from local_cloud.digitalocean.coverage import markdown, service_of, table
from local_cloud.digitalocean.operations import FILE, from_pydo, listing, operation_of, operations

ROOT = Path(__file__).parents[3]


def test_the_document_says_what_the_code_has() -> None:
    document = (ROOT / "docs" / "local-cloud-coverage.md").read_text()
    hint = "run: python -m local_cloud.digitalocean.coverage > docs/local-cloud-coverage.md"
    assert document == markdown(table()), hint


def test_the_catalogue_is_that_of_the_pydo_that_is_installed() -> None:
    hint = (
        "run: python -m local_cloud.digitalocean.operations > operations.txt, beside operations/__init__.py"
    )
    assert FILE.read_text() == listing(from_pydo()), hint


def test_the_resources_that_tenants_need_are_there() -> None:
    states = {row.resource: row.state for row in table()}
    real = {
        "Droplets",
        "DropletActions",
        "Vpcs",
        "Vpcnatgateways",
        "Firewalls",
        "Volumes",
        "Databases",
        "Tags",
    }
    assert {name for name in real if states[name] == "real"} == real
    assert states["Kubernetes"] == "absent"


def test_an_operation_s_path_leads_back_to_it() -> None:
    for operation in operations():
        meant = operation_of(operation.method, operation.example)
        assert meant is not None, f"{operation} is lost"
        assert (meant.method, meant.path) == (operation.method, operation.path)


def test_every_absent_operation_answers_501_with_its_name(cloud: RunningCloud) -> None:
    http = cloud.http()
    absent = [one for one in operations() if service_of(one) is None]
    assert len(absent) > 500, "most of DigitalOcean is absent, and says so"
    for one in absent[:: len(absent) // 60]:
        answer = http.request(one.method, one.example)
        assert (answer.status_code, answer.json()["id"]) == (501, "not_implemented"), f"{one}"
        assert one.group in answer.json()["message"]


def test_the_table_is_served(http: httpx.Client) -> None:
    rows = http.get("/_local/coverage").json()["resources"]
    assert [row["resource"] for row in rows] == [row.resource for row in table()]
