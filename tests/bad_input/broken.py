"""Sixty requests that are broken: as bodies of a writing door, and as bytes that no client library would send."""

from collections.abc import Mapping

CANARY = "CANARY-Jane-Doe-1985"
_C = CANARY.encode()

BODIES: Mapping[str, bytes] = {
    "nothing": b"",
    "only spaces": b"   ",
    "not JSON": _C,
    "truncated": b'{"text": "' + _C,
    "a comment": b'{"text": "x"} // ' + _C,
    "two values": b'{"text": "x"} {"text": "y"}',
    "a trailing comma": b'{"text": "x",}',
    "single quotes": b"{'text': 'x'}",
    "depth 10,000": b"[" * 10_000 + b"]" * 10_000,
    "depth 10,000 of objects, unclosed": b'{"a":' * 10_000,
    "a name twice": b'{"text": "x", "text": "' + _C + b'"}',
    "a name twice, escaped": b'{"text": "x", "te\\u0078t": "y"}',
    "NaN": b'{"text": NaN}',
    "Infinity": b'{"text": -Infinity}',
    "1e400": b'{"text": 1e400}',
    "1e999999999": b'{"text": 1e999999999}',
    "900 digits": b'{"text": ' + b"9" * 900 + b"}",
    "a high surrogate": b'{"text": "\\ud800"}',
    "a surrogate in a name": b'{"\\ud800": 1}',
    "a surrogate in UTF-8": b'{"text": "\xed\xa0\x80"}',
    "NUL, escaped": b'{"text": "a\\u0000b"}',
    "NUL, raw": b'{"text": "a\x00b"}',
    "a control character": b'{"text": "a\x1bb"}',
    "a byte order mark": b'\xef\xbb\xbf{"text": "x"}',
    "UTF-16": '{"text": "x"}'.encode("utf-16"),
    "UTF-32": '{"text": "x"}'.encode("utf-32"),
    "Latin-1": '{"text": "Jürgen"}'.encode("latin-1"),
    "an overlong slash": b'{"text": "\xc0\xaf"}',
    "null": b"null",
    "a list": b"[]",
    "a text": b'"' + _C + b'"',
    "a number": b"7",
    "an empty object": b"{}",
    "every type wrong": b'{"patient": 5, "resourceType": [], "recipient": {}, "email": 7, "payer": false, "start": {}}',
    "an unknown field": b'{"is_admin": true}',
    "an unknown field of a strange name": b'{"' + _C + b'!": true}',
    "a proto field": b'{"__proto__": {"admin": true}, "constructor": {"prototype": {}}}',
    "a thousand unknown fields": b"{" + b",".join(b'"f%d": 1' % n for n in range(1_000)) + b"}",
    "a long name": b'{"' + b"a" * 100_000 + b'": 1}',
    "a long text": b'{"text": "' + b"x" * 1_000_000 + b'"}',
    "20 MB": b'{"text": "' + b"x" * 20_000_000 + b'"}',
}
"""sent as JSON"""

KINDS = ("", "text/plain", "application/xml", "multipart/form-data; boundary=x", "application/json; charset=utf-16")
"""content types under which `{}` is no body of ours"""

_HEAD = b"Host: carelog\r\nContent-Type: application/json\r\nConnection: close\r\n%(token)b"

RAW: Mapping[str, bytes] = {
    "two lengths": b"%(line)b" + _HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a length and chunks": b"%(line)b" + _HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{}",
    "a length that is none": b"%(line)b" + _HEAD + b"Content-Length: " + _C + b"\r\n\r\n{}",
    "a negative length": b"%(line)b" + _HEAD + b"Content-Length: -5\r\n\r\n{}",
    "a length of 5,000 digits": b"%(line)b" + _HEAD + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\n{}",
    "a chunk size that is none": b"%(line)b" + _HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "chunks, twice": b"%(line)b" + _HEAD + b"Transfer-Encoding: chunked, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "a hidden second request": b"%(line)b"
    + _HEAD
    + b"Content-Length: 0\r\nTransfer-Encoding : chunked\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    "half a body": b"%(line)b" + _HEAD + b"Content-Length: 500\r\n\r\n{",
    "a folded header": b"%(line)b" + _HEAD + b"X-A: a\r\n b\r\nContent-Length: 2\r\n\r\n{}",
    "bare line feeds": b"POST / HTTP/1.1\nHost: carelog\nContent-Length: 2\n\n{}",
    "NUL in a header": b"%(line)b" + _HEAD + b"X-A: a\x00b\r\nContent-Length: 2\r\n\r\n{}",
    "an unknown method": b"CANARYJANE / HTTP/1.1\r\n" + _HEAD + b"\r\n",
    "noise": b"\x16\x03\x01\x02\x00" + _C + b"\r\n\r\n",
}
"""sent to the socket as they are; `line` is the door's, `token` a caller's"""
