"""The shipped suite of sources of assertions on our own."""

import http.server
import json
import threading

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from stratolith.core.config import Configuration
from stratolith.core.conformance.assertion import FORGED, VOUCHING, claims, presented, refused, token
from stratolith.core.conformance.runner import applied
from stratolith.core.drivers.assertion import Vouching

ADDRESS, SECRET = "198.51.100.7", "of web server and cloud"


def trusting(**options):
    """Options of the source of header fields."""
    return Configuration({"assertions.proxy": options}, {})


class TestProxyOfNobody(applied("assertion", "proxy", Configuration({}, {}))):
    """Nobody is believed by default."""


class TestProxyByAddress(applied("assertion", "proxy", trusting(trusted_addresses=ADDRESS))):
    """A web server known by its address."""

    def good(self, driver):
        return presented(FORGED, ADDRESS), VOUCHING


class TestProxyBySecret(applied("assertion", "proxy", trusting(secret=SECRET, prefix="oidc"))):
    """A web server that knows a secret."""

    def good(self, driver):
        return presented({**FORGED, "x-proxy-secret": SECRET}), VOUCHING


class Issuer(http.server.BaseHTTPRequestHandler):
    """An issuer of OpenID Connect with one key."""

    def do_GET(self):
        issuer = f"http://127.0.0.1:{self.server.server_port}"
        found = {"keys": [self.server.jwk]} if self.path == "/keys" else {"issuer": issuer,
                                                                          "jwks_uri": f"{issuer}/keys"}
        data = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *words):
        """Quietly."""


@pytest.fixture(scope="module")
def issuer():
    """An issuer that answers; ``signed`` makes its tokens."""
    jwt = pytest.importorskip("jwt")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Issuer)
    server.jwk = {**jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "1", "use": "sig"}
    server.name = f"http://127.0.0.1:{server.server_port}"
    server.signed = lambda **more: jwt.encode(claims(iss=server.name, **more), key, "RS256", {"kid": "1"})
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


class TestOidc(applied("assertion", "oidc", Configuration({"assertions.oidc": {
        "audiences": "stratolith", "allow_http": "true", "timeout_s": "2"}}, {}))):
    """Tokens of an issuer, and those that only look like it."""

    @pytest.fixture(autouse=True)
    def its_issuer(self, issuer):
        self.issuer = issuer

    def good(self, driver):
        sent = presented({"authorization": f"Bearer {self.issuer.signed(groups=['a', 'b'])}"})
        return sent, Vouching("conformance", (self.issuer.name,), "openid")

    @pytest.mark.parametrize("more", [{"aud": "other"}, {"exp": 1}, {"iat": 4102444800}, {"nbf": 4102444800},
                                      {"sub": 5}, {"iss": "https://other.invalid"}, {"aud": []}, {"exp": "soon"}],
                             ids=str)
    def test_claims_that_are_not_good(self, driver, more):
        _, vouching = self.good(driver)
        text = token({"alg": "RS256", "kid": "1"}, claims(**more), "AAAA") if "iss" in more else \
            self.issuer.signed(**more)
        refused(driver, presented({"authorization": f"Bearer {text}"}), vouching)

    def test_a_changed_letter(self, driver):
        sent, vouching = self.good(driver)
        text = sent.headers["authorization"]
        for place in (20, len(text) // 2, len(text) - 20):
            other = "A" if text[place] != "A" else "B"
            refused(driver, presented({"authorization": text[:place] + other + text[place + 1:]}), vouching)
