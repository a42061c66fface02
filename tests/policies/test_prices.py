"""Prices: the droplets' are the catalogue's, and one that nobody knows is never taken for nothing."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from pulumi_policy.proxy import UNKNOWN_NUMBER_VALUE, UNKNOWN_STRING_VALUE, unknown_checking_proxy

from local_cloud.digitalocean.catalogue.sizes import SIZES
from local_cloud.digitalocean.databases.offer import SIZES as DATABASE_SIZES
from policies import resource_types as types
from policies.known_types import OF_A_TENANT, OF_THE_PLATFORM
from policies.prices import DROPLETS, monthly

PG = {"size": "db-s-1vcpu-1gb", "engine": "pg", "nodeCount": 1}


def test_droplets_cost_what_the_catalogue_says() -> None:
    assert {slug: Decimal(str(size.price_monthly)) for slug, size in SIZES.items()} == DROPLETS


@pytest.mark.parametrize(
    ("type_", "props", "price"),
    [
        (types.DROPLET, {"size": "s-1vcpu-1gb"}, "6"),
        (types.DROPLET, {"size": "s-1vcpu-2gb", "backups": False}, "12"),
        (types.DROPLET, {"size": "s-1vcpu-2gb", "backups": True}, "14.4"),
        (types.DROPLET, {"size": "s-1vcpu-2gb", "backups": True, "backupPolicy": {"plan": "daily"}}, "15.6"),
        (types.DATABASE_CLUSTER, PG, "15.15"),
        (types.DATABASE_CLUSTER, {**PG, "size": "db-s-1vcpu-2gb"}, "30.45"),
        (types.DATABASE_CLUSTER, {**PG, "size": "db-s-2vcpu-4gb", "nodeCount": 2.0}, "121.8"),
        (types.DATABASE_CLUSTER, {**PG, "engine": "valkey"}, "15"),
        (types.DATABASE_CLUSTER, {**PG, "storageSizeMib": "10240"}, "15.15"),
        (types.DATABASE_CLUSTER, {**PG, "storageSizeMib": "20480"}, "17.3"),
        (types.DATABASE_CLUSTER, {**PG, "storageSizeMib": UNKNOWN_STRING_VALUE}, "15.15"),
        (types.DATABASE_REPLICA, {"size": "db-s-1vcpu-2gb"}, "30.45"),
        (types.VOLUME, {"size": 25}, "2.5"),
        (types.VPC_NAT_GATEWAY, {"size": 1}, "40"),
        (types.LOAD_BALANCER, {"sizeUnit": 2, "size": "lb-small"}, "24"),
        (types.LOAD_BALANCER, {}, "12"),
        (types.RESERVED_IP, {}, "5"),
        (types.RESERVED_IP, {"dropletId": 1}, "0"),
        (types.VPC, {}, "0"),
        (types.TAILNET_KEY, {"size": "s-1vcpu-1gb"}, "0"),
        (types.HARDENED_HOST, {"size": "s-1vcpu-1gb"}, "0"),
    ],
)
def test_a_price_is_the_same_for_inputs_and_for_what_a_policy_sees(
    type_: str, props: Mapping[str, Any], price: str
) -> None:
    assert monthly(type_, props) == Decimal(price)
    if UNKNOWN_STRING_VALUE not in props.values():
        assert monthly(type_, unknown_checking_proxy(dict(props))) == Decimal(price)


@pytest.mark.parametrize(
    ("type_", "props"),
    [
        (types.DROPLET, {}),
        (types.DROPLET, {"size": "gpu-h100x8-640gb"}),
        (types.DROPLET, {"size": UNKNOWN_STRING_VALUE}),
        (types.DROPLET, {"size": ["s-1vcpu-1gb"]}),
        (types.DROPLET, {"size": "s-1vcpu-1gb", "backups": UNKNOWN_STRING_VALUE}),
        (types.DROPLET, {"size": "s-1vcpu-1gb", "backups": True, "backupPolicy": {"plan": "hourly"}}),
        (types.DATABASE_CLUSTER, {**PG, "size": "so1_5-2vcpu-16gb"}),
        (types.DATABASE_CLUSTER, {**PG, "engine": "kafka"}),
        (types.DATABASE_CLUSTER, {**PG, "nodeCount": UNKNOWN_NUMBER_VALUE}),
        (types.DATABASE_CLUSTER, {**PG, "nodeCount": True}),
        (types.VOLUME, {"size": UNKNOWN_NUMBER_VALUE}),
        (types.VOLUME, {"size": -1000}),
        (types.VPC_NAT_GATEWAY, {}),
        (types.LOAD_BALANCER, {"type": "GLOBAL"}),
        (types.LOAD_BALANCER, {"size": "lb-large"}),
        (types.VOLUME_SNAPSHOT, {}),
        ("digitalocean:index/kubernetesCluster:KubernetesCluster", {}),
    ],
)
def test_a_price_that_cant_be_known_is_none(type_: str, props: Mapping[str, Any]) -> None:
    assert monthly(type_, props) is None
    assert monthly(type_, unknown_checking_proxy(dict(props))) is None


def test_whatever_our_programs_may_declare_has_a_price_or_is_free() -> None:
    sized = {types.DROPLET, types.DATABASE_CLUSTER, types.VOLUME, types.VPC_NAT_GATEWAY}
    free = {type_ for type_ in OF_A_TENANT | OF_THE_PLATFORM if monthly(type_, {}) == 0}
    assert free | sized == OF_A_TENANT | OF_THE_PLATFORM


def test_the_shared_sizes_of_databases_cost_more_the_larger_they_are() -> None:
    shared = [slug for slug in DATABASE_SIZES if slug.startswith("db-s-")]
    prices = [monthly(types.DATABASE_CLUSTER, {**PG, "size": slug}) for slug in shared]
    assert all(price is not None for price in prices), "a spec may ask for any of them"
    assert prices == sorted(prices, key=lambda price: price or 0)
