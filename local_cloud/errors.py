"""What went wrong, for whoever gave the command."""


class LocalCloudError(Exception):
    """Something that the user of a command can do something about; the message says what."""


class CloudIsDownError(LocalCloudError):
    """No local cloud runs from this state directory."""
