"""Certificate requests as no library makes them: what one parser reads in them, another does not.

Built from DER by hand: the attributes come in the order and number that is asked for.
"""

import base64

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

EXTENSIONS = bytes.fromhex("06092a864886f70d01090e")
MICROSOFTS_EXTENSIONS = bytes.fromhex("060a2b06010401823702010e")
_COMMON_NAME = bytes.fromhex("0603550403")
_ALTERNATIVE_NAMES = bytes.fromhex("0603551d11")
_ECDSA_WITH_SHA256 = bytes.fromhex("06082a8648ce3d040302")
_VERSION = bytes.fromhex("020100")
_SEQUENCE, _SET, _OCTETS, _BITS, _UTF8, _ATTRIBUTES, _DNS = 0x30, 0x31, 0x04, 0x03, 0x0C, 0xA0, 0x82


def extension(*names: str) -> bytes:
    """Alternative names, as an extension."""
    texts = [_der(_DNS, name.encode()) for name in names]
    return _der(_SEQUENCE, _ALTERNATIVE_NAMES, _der(_OCTETS, _der(_SEQUENCE, *texts)))


def attribute(kind: bytes, *extensions: bytes) -> bytes:
    return _der(_SEQUENCE, kind, _der(_SET, _der(_SEQUENCE, *extensions)))


def request(name: str, *attributes: bytes) -> str:
    """A request for CN=name with these attributes, well signed, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    part = _der(_SEQUENCE, _COMMON_NAME, _der(_UTF8, name.encode()))
    subject = _der(_SEQUENCE, _der(_SET, part))
    asked = _der(_SEQUENCE, _VERSION, subject, public, _der(_ATTRIBUTES, *attributes))
    signature = key.sign(asked, ec.ECDSA(hashes.SHA256()))
    whole = _der(_SEQUENCE, asked, _der(_SEQUENCE, _ECDSA_WITH_SHA256), _der(_BITS, b"\0", signature))
    text = base64.encodebytes(whole).decode()
    return f"-----BEGIN CERTIFICATE REQUEST-----\n{text}-----END CERTIFICATE REQUEST-----\n"


def smuggled(name: str, *others: str) -> list[str]:
    """Requests for one name, which hide other ones, longer in all, where only some parsers look."""
    theirs = attribute(EXTENSIONS, extension(*others))
    before = (attribute(EXTENSIONS), attribute(MICROSOFTS_EXTENSIONS, extension(name)))
    return [request(name, first, theirs) for first in before]


def _der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    octets = size.to_bytes(2 if size > 0xFF else 1, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content
