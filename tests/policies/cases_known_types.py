"""The rule on types of resources, with what passes, what violates, and what a preview doesn't know."""

from rule_case import UNKNOWN, Case, Given

from policies import known_types


def _of(type_: str, stack: str = "acme") -> Given:
    return Given(type=type_, name=f"{stack}-network-extra", props={}, stack=stack)


POLICY = "tailscale:index/acl:Acl"
DROPLET = "digitalocean:index/droplet:Droplet"
ALLOWED = "digitalocean:index/uptimeCheck:UptimeCheck"

CASES: tuple[Case, ...] = (
    Case(
        rule=known_types.RESOURCE_TYPE_KNOWN,
        passes=(
            *(_of(type_) for type_ in sorted(known_types.OF_A_TENANT)),
            *(_of(type_, "platform") for type_ in sorted(known_types.OF_THE_PLATFORM)),
            *(_of(type_) for type_ in ("pulumi:pulumi:Stack", "pulumi:providers:tailscale")),
            _of("tenantry:index:Guardrail"),
            _of(ALLOWED),
        ),
        violates=(
            _of("digitalocean:index/kubernetesCluster:KubernetesCluster"),
            _of("digitalocean:index/app:App"),
            _of("digitalocean:index/spacesBucket:SpacesBucket"),
            _of("tailscale:index/deviceAuthorization:DeviceAuthorization"),
            _of("aws:s3/bucket:Bucket"),
            _of("pulumi-python:dynamic:Resource"),
            _of("pulumi-python:dynamic/tenantry:Anything"),
            _of("tenantry:other:Guardrail"),
            _of(POLICY),
            _of(DROPLET, "platform"),
        ),
        unknown=((_of(DROPLET).but(size=UNKNOWN), True), (_of(POLICY).but(acl=UNKNOWN), False)),
        config={"also_allowed": [ALLOWED]},
    ),
)
