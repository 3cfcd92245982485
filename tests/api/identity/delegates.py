"""Short words for what tests of delegation do again and again."""

import base64
import hashlib
import hmac
import json
from urllib.parse import quote

from stratolith.plugins.identity.totp import passcode

SEED = base64.b32encode(b"12345678901234567890").decode()


def scoped(project):
    """The scope of a project."""
    return {"project": {"id": project["id"]}}


def member(api, role="member"):
    """A user, its project, and its token for it."""
    user, project = api.person(role)
    return user, project, api.token(user, scope=scoped(project))


def make_credential(api, user, token, **values):
    """An application credential of a user."""
    body = {"application_credential": {"name": f"app-{hashlib.md5(token.encode()).hexdigest()[:8]}", **values}}
    return api.ok("POST", f"/users/{user['id']}/application_credentials", body, token=token)["application_credential"]


def by_credential(api, made, scope=None):
    """A login with an application credential."""
    given = {"id": made["id"], "secret": made["secret"]}
    return api.auth({"methods": ["application_credential"], "application_credential": given}, scope)


def trust_body(trustor, trustee, project, roles=("member",), **values):
    """The body of a new trust."""
    return {"trust": {"trustor_user_id": trustor["id"], "trustee_user_id": trustee["id"], "project_id": project["id"],
                      "impersonation": True, "roles": [{"name": role} for role in roles], **values}}


def make_trust(api, token, *arguments, **values):
    """A trust."""
    return api.ok("POST", "/OS-TRUST/trusts", trust_body(*arguments, **values), token=token)["trust"]


def by_trust(api, trustee, trust, password="secret"):
    """A login for a trust."""
    return api.login(trustee, password, scope={"OS-TRUST:trust": {"id": trust["id"]}})


def code(cloud, seed=SEED, steps=0):
    """The passcode of this moment, or of some steps from it."""
    return passcode(base64.b32decode(seed), int(cloud.clock.time()) // 30 + steps)


def totp(user, given):
    """The method ``totp``'s part of a body."""
    return {"methods": ["totp"], "totp": {"user": {"id": user["id"], "passcode": given}}}


def signed_2(key, at, **more):
    """A request signed in version 2."""
    params = {"SignatureVersion": "2", "SignatureMethod": "HmacSHA256", "AWSAccessKeyId": key["access"],
              "Timestamp": at, "Action": "Test", **more}
    query = "&".join(f"{name}={quote(params[name], safe='-_.~')}" for name in sorted(params))
    text = f"GET\nec2.test\n/\n{query}"
    sent = base64.b64encode(hmac.new(key["secret"].encode(), text.encode(), hashlib.sha256).digest()).decode()
    return {"access": key["access"], "signature": sent, "host": "ec2.test", "verb": "GET", "path": "/",
            "params": params}


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def key_4(secret, date, region, service):
    """The signing key of version 4."""
    key = ("AWS4" + secret).encode()
    for part in (date, region, service, "aws4_request"):
        key = _hmac(key, part)
    return key


def signed_4(key, at, body=b"", **more):
    """A request signed in version 4, in its header."""
    body_hash = hashlib.sha256(body).hexdigest()
    headers = {"Host": "ec2.test", "X-Amz-Date": at}
    canonical = f"GET\n/\nAction=Test\nhost:ec2.test\nx-amz-date:{at}\n\nhost;x-amz-date\n{body_hash}"
    scope = f"{at[:8]}/RegionOne/ec2/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{at}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    sent = _hmac(key_4(key["secret"], at[:8], "RegionOne", "ec2"), text).hex()
    headers["Authorization"] = (f"AWS4-HMAC-SHA256 Credential={key['access']}/{scope}, SignedHeaders=host;x-amz-date, "
                                f"Signature={sent}")
    return {"access": key["access"], "signature": sent, "host": "ec2.test", "verb": "GET", "path": "/",
            "params": {"Action": "Test"}, "headers": headers, "body_hash": body_hash, **more}


def signed_s3(key, text):
    """A text of object storage with its signature, in the version that it names."""
    token = base64.urlsafe_b64encode(text.encode()).decode()
    if text.startswith("AWS4"):
        date, region, service, _ = text.split("\n")[2].split("/")
        sent = _hmac(key_4(key["secret"], date, region, service), text).hex()
    else:
        sent = base64.b64encode(hmac.new(key["secret"].encode(), text.encode(), hashlib.sha1).digest()).decode()
    return {"access": key["access"], "signature": sent, "token": token}


class OAuth:
    """Signs requests as a consumer does."""

    BASE = "http://cloud.test/identity/v3"

    def __init__(self, api, consumer):
        self.api = api
        self.consumer = consumer
        self.count = 0

    def header(self, path, token="", secret="", method="POST", **more):
        self.count += 1
        told = {"oauth_consumer_key": self.consumer["id"], "oauth_signature_method": "HMAC-SHA1",
                "oauth_timestamp": str(int(self.api.cloud.clock.time())), "oauth_nonce": f"n{id(self)}{self.count}",
                "oauth_version": "1.0"}
        told.update({"oauth_token": token} if token else {}, **more)

        def escaped(text):
            return quote(text, safe="-._~")
        pairs = "&".join(sorted(f"{escaped(name)}={escaped(value)}" for name, value in told.items()))
        base = "&".join((method, escaped(self.BASE + path), escaped(pairs)))
        key = f"{self.consumer['secret']}&{secret}"
        digest = hmac.new(key.encode(), base.encode(), hashlib.sha1).digest()
        told["oauth_signature"] = base64.b64encode(digest).decode()
        return "OAuth " + ", ".join(f'{name}="{escaped(value)}"' for name, value in told.items())

    def post(self, path, header, body=None, **headers):
        return self.api.request("POST", path, body, as_=None, headers={"Authorization": header, **headers})

    def request_token(self, project):
        path = "/OS-OAUTH1/request_token"
        return form(self.post(path, self.header(path, oauth_callback="oob"), **{
            "Requested-Project-Id": project["id"]}))

    def access_token(self, request, verifier):
        path = "/OS-OAUTH1/access_token"
        return self.post(path, self.header(path, request["oauth_token"], request["oauth_token_secret"],
                                           oauth_verifier=verifier))

    def login(self, access):
        header = self.header("/auth/tokens", access["oauth_token"], access["oauth_token_secret"])
        return self.post("/auth/tokens", header, {"auth": {"identity": {"methods": ["oauth1"], "oauth1": {}}}})


def form(answer):
    """The values of a form that was answered."""
    assert answer.status == 201, answer
    return dict(part.split("=") for part in answer.data.decode().split("&"))


def blob(**values):
    """A blob as text."""
    return json.dumps(values)
