"""Signatures of Amazon's and of OAuth 1.0a, as botocore 1 and oauthlib 3 make them (signatures.json)."""

import json
from pathlib import Path

import pytest
from stratolith.core.errors import Unauthorized
from stratolith.plugins.identity import aws
from stratolith.plugins.identity.methods import Request
from stratolith.plugins.identity.oauth1_signature import read

MADE = json.loads((Path(__file__).parent / "signatures.json").read_text())
REQUESTS = [one for one in MADE if one["kind"] in ("2", "4", "4q")]


def request(made, **changed):
    """A request signed by botocore."""
    values = {name: value for name, value in {**made, **changed}.items() if name != "kind"}
    return aws.Signed(**{**values, "headers": {name.lower(): value for name, value in values["headers"].items()}})


@pytest.mark.parametrize("made", REQUESTS, ids=[f"{one['kind']}-{one['verb']}" for one in REQUESTS])
def test_what_botocore_signs_is_signed(made):
    assert made["signature"] in aws.signatures(request(made), "SECRET")
    assert made["signature"] not in aws.signatures(request(made), "SECRET2")
    assert made["signature"] not in aws.signatures(request(made, path="/other"), "SECRET")


def test_addresses_signed_in_advance_end_when_they_say():
    made = next(one for one in REQUESTS if one["kind"] == "4q")
    begin, end = aws.lifetime(request(made), 900)
    assert end - begin == 900 + 60
    longer = request(made, params={**made["params"], "X-Amz-Expires": "99999999"})
    begin, end = aws.lifetime(longer, 900)
    assert end - begin == 900 + aws.LONGEST_PRESIGNED_S
    with pytest.raises(Unauthorized):
        aws.lifetime(request(made, params={**made["params"], "X-Amz-Expires": "-1"}), 900)


@pytest.mark.parametrize("told", ["SignedHeaders=x-amz-date", "SignedHeaders=", "Credential=AKID/x"])
def test_version_4_is_read_strictly(told):
    made = next(one for one in REQUESTS if one["kind"] == "4")
    scope = made["headers"]["Authorization"].split("Credential=")[1].split(",")[0]
    header = f"AWS4-HMAC-SHA256 Credential={scope}, {told}, Signature={made['signature']}"
    with pytest.raises(Unauthorized):
        aws.signatures(request(made, headers={**made["headers"], "Authorization": header}), "SECRET")


def test_object_storage():
    made = next(one for one in MADE if one["kind"] == "s3")
    assert aws.signature_of_storage(made["text"], "SECRET") == made["signature"]


def test_oauth1():
    made = next(one for one in MADE if one["kind"] == "o")
    url = "http://Cloud.Test:80/identity/v3/OS-OAUTH1/access_token"
    signed = read(Request(url=url, query="a=1&b=x%20y", authorization=made["authorization"]))
    assert (signed.consumer_id, signed.token, signed.verifier) == ("CK", "TK", "V&=x")
    signed.check("CS", "TS")
    for secrets in (("CS", "T"), ("C", "TS"), ("CS", "")):
        with pytest.raises(Unauthorized):
            signed.check(*secrets)
