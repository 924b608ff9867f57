# SPDX-License-Identifier: Apache-2.0
"""A Keystone that knows some tokens, users and application credentials: what the proxy asks it of a login."""
import http.server
import json
import ssl
import threading

TOKENS = {"demo-token": "demo", "other-token": "another-project"}  # as the small Glance knows them: the project
TOKEN_OF = {project: token for token, project in TOKENS.items()}
UNSCOPED = "unscoped-token"


class User:
    def __init__(self, password, *projects, default=None):
        self.password, self.projects, self.default = password, projects, default


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.note(b"")
        if self.path.endswith("/auth/projects"):
            projects = self.server.users[self.server.unscoped_of].projects
            self.answer(200, {"projects": [{"id": name, "name": name, "domain_id": "default"} for name in projects]})
            return
        project = self.server.tokens.get(self.headers.get("X-Subject-Token"))
        self.answer(200 if project else 404, described(project) if project else {})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.note(body)
        auth = json.loads(body)["auth"]
        answers = {"password": self.of_password, "token": self.of_token,
                   "application_credential": self.of_application}
        (method,) = auth["identity"]["methods"]
        found = None if self.server.fault else answers[method](auth["identity"][method], auth.get("scope"))
        if found is None:
            self.answer(self.server.fault or 401, {})
        else:
            self.answer(201, described(found), TOKEN_OF.get(found, UNSCOPED))

    def of_password(self, given, scope):
        user = self.server.users.get((given["user"]["name"], given["user"]["domain"]["name"]))
        if not user or user.password != given["user"]["password"]:
            return None
        self.server.unscoped_of = (given["user"]["name"], given["user"]["domain"]["name"])
        return (user.default or "") if scope is None else ""

    def of_token(self, given, scope):
        return scope["project"]["id"] if given["id"] == UNSCOPED else None

    def of_application(self, given, _):
        secret, project = self.server.applications.get(given["id"], (None, None))
        return project if secret == given["secret"] else None

    def note(self, body):
        self.server.asked.append((self.command, self.path, body.decode()))

    def answer(self, status, document, token=None):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if token:
            self.send_header("X-Subject-Token", token)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def described(project):
    """`project` "": a token of none."""
    token = {"expires_at": "2999-01-01T00:00:00.000000Z"}
    if project:
        token["project"] = {"id": project, "name": project, "domain": {"id": "default", "name": "Default"}}
    return {"token": token}


class Keystone:
    """`users` is {(name, domain): User}, `applications` {id: (secret, project)}. `fault` is the status of each
    answer to a POST, if it is set. `asked` has the requests: method, path, body."""

    def __init__(self, address, certificate=None):
        self.server = http.server.ThreadingHTTPServer((address, 0), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.server.daemon_threads = True
        self.server.tokens = dict(TOKENS)
        self.server.users, self.server.applications = {}, {}
        self.server.asked, self.server.fault, self.server.unscoped_of = [], 0, None
        self.url = f"{'https' if certificate else 'http'}://{address}:{self.server.server_address[1]}/v3"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def take_asked(self):
        """The requests since the last call."""
        asked, self.server.asked = self.server.asked, []
        return asked

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def keystone(fixture, certificate=None):
    """`certificate` is (certificate, key): it speaks TLS."""
    started = Keystone(fixture.host, certificate)
    fixture.callback(started.stop)
    return started
