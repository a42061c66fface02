"""What can go wrong on a host, in one line each: what is wrong, and what to do. No message holds a secret.

HostError
├── SettingsError          /etc/tenantry/host.json can't be used
├── InstallError           the release can't be put in place
├── EnrolmentError         this host gets no identity
│   └── WrappingError      the one-time secret was used before, or isn't the one that was made for us
├── IdentityError          the certificate is missing, expired or not ours
├── RequestRefusedError    a certificate request asks for what its sender may not have
│   └── MalformedRequestError   it can't even be read
├── VolumeError            the data volume can't be unlocked or locked
└── ServiceError           another service didn't do it
    ├── UnavailableError   it can't be reached, or is sealed: trying again helps
    └── RefusedError       it said no: trying again does not help
"""


class HostError(Exception):
    """Base of all."""


class SettingsError(HostError):
    """The settings file can't be used."""


class InstallError(HostError):
    """The release can't be put in place."""


class EnrolmentError(HostError):
    """The host gets no identity."""


class WrappingError(EnrolmentError):
    """The wrapped secret id is not, or no longer, what was made for this host."""


class IdentityError(HostError):
    """The certificate is missing, expired or not ours."""


class RequestRefusedError(HostError):
    """A certificate request asks for what its sender may not have."""


class MalformedRequestError(RequestRefusedError):
    """What was sent as a certificate request can't be read as one."""


class VolumeError(HostError):
    """The data volume can't be unlocked or locked."""


class ServiceError(HostError):
    """The vault or the guardrail didn't do what it was asked for."""


class UnavailableError(ServiceError):
    """It can't be reached or is sealed: trying again later helps."""


class RefusedError(ServiceError):
    """It said no: trying again does not help."""
