"""Refusals in DigitalOcean's words."""

from local_cloud.digitalocean.errors import UnprocessableEntityError


class InvalidForCreationError(UnprocessableEntityError):
    def __init__(self, what: str) -> None:
        super().__init__(f"You specified an invalid {what} for Droplet creation.")


class NoSuchMachineHereError(UnprocessableEntityError):
    """The image is DigitalOcean's, but this local cloud can't boot it."""

    def __init__(self, slug: str, bootable: tuple[str, ...]) -> None:
        super().__init__(
            f"The image {slug} exists on DigitalOcean, but this local cloud has no machine for it: "
            f"use {' or '.join(bootable)}."
        )


class LimitExceededError(UnprocessableEntityError):
    def __init__(self) -> None:
        super().__init__("creating this/these droplet(s) will exceed your droplet limit")


class PendingEventError(UnprocessableEntityError):
    def __init__(self) -> None:
        super().__init__("Droplet already has a pending event.")


class PoweredOnError(UnprocessableEntityError):
    def __init__(self) -> None:
        super().__init__("Droplet is currently on. Please power it off to run this event.")


class PoweredOffError(UnprocessableEntityError):
    def __init__(self) -> None:
        super().__init__("Droplet is currently off. Please power it on to run this event.")


class SmallerDiskError(UnprocessableEntityError):
    def __init__(self) -> None:
        super().__init__("This size is not available because it has a smaller disk.")
