"""A stand-in of Hugging Face's hub and of Kaggle's, as far as their packages ask it."""

import base64
import hashlib
import http.server
import json
import re
import threading
import urllib.parse


class Hub:
    """Repositories of files, by HTTP.

    Attributes:
        revisions: by (repository, revision), what files it has: a dict of bytes by name.
        requests: method, path and token of each.
    """

    def __init__(self):
        self.revisions = {}
        self.requests = []
        self._blobs = {}

        class Handler(_Handler):
            hub = self

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method, path, body):
        """Status, content and headers of an answer."""
        path = urllib.parse.unquote(path.partition("?")[0])
        for pattern, respond in _ANSWERS.items():
            if found := re.fullmatch(pattern, f"{method} {path}"):
                return respond(self, body, *found.groups())
        return 404, {"error": "There is no such thing here."}, {}

    # Hugging Face

    def create(self, body):
        asked = json.loads(body)
        return 200, {"url": f"{self.url}/{asked['organization']}/{asked['name']}"}, {}

    def validate(self, _):
        return 200, {"errors": [], "warnings": []}, {}

    def preupload(self, body, _):
        paths = [file["path"] for file in json.loads(body)["files"]]
        modes = {"uploadMode": "regular", "shouldIgnore": False}
        return 200, {"files": [{"path": path, **modes} for path in paths]}, {}

    def commit(self, body, repository):
        lines = [json.loads(line) for line in body.splitlines()]
        files = {
            line["value"]["path"]: base64.b64decode(line["value"]["content"])
            for line in lines
            if line["key"] == "file"
        }
        commit = hashlib.sha1(body).hexdigest()
        self.revisions[repository, commit] = files
        url = f"{self.url}/{repository}/commit/{commit}"
        return 200, {"success": True, "commitUrl": url, "commitOid": commit}, {}

    def tree(self, _, repository, commit):
        if (repository, commit) not in self.revisions:
            return 404, {"error": "Revision not found"}, {"X-Error-Code": "RevisionNotFound"}
        return (
            200,
            [
                {"type": "file", "path": path, "size": len(data), "oid": _oid(data)}
                for path, data in self.revisions[repository, commit].items()
            ],
            {},
        )

    def resolve(self, _, repository, commit, path):
        data = self.revisions[repository, commit][path]
        return 200, data, {"X-Repo-Commit": commit, "ETag": f'"{_oid(data)}"'}

    # Kaggle

    def models(self, body, called):
        asked = json.loads(body)
        if called == "GetModel":
            return 200, {"slug": asked["modelSlug"]}, {}
        asked |= asked.get("body", {})
        framework = asked["framework"].removeprefix("MODEL_FRAMEWORK_").lower()
        name = f"{asked['ownerSlug']}/{asked['modelSlug']}/{framework}/{asked['instanceSlug']}"
        if called == "CreateModelInstance":
            tokens = [file["token"] for file in asked["files"]]
            self.revisions[name, 1] = dict(self._blobs[token] for token in tokens)
            return 200, {"id": 1}, {}
        files = self.revisions.get((name, asked["versionNumber"]))
        if files is None:
            return 404, {"error": "Not found"}, {}
        if called == "ListModelInstanceVersionFiles":
            return 200, {"files": [{"name": name} for name in files], "nextPageToken": ""}, {}
        return 200, files[asked["path"]], {}

    def start_blob(self, body):
        token = f"blob{len(self._blobs)}"
        self._blobs[token] = json.loads(body)["name"], b""
        return 200, {"token": token, "createUrl": f"{self.url}/put/{token}"}, {}

    def put_blob(self, body, token):
        self._blobs[token] = self._blobs[token][0], body
        return 200, {}, {}


_ANSWERS = {
    r"POST /api/repos/create": Hub.create,
    r"POST /api/validate-yaml": Hub.validate,
    r"POST /api/models/(.+)/preupload/main": Hub.preupload,
    r"POST /api/models/(.+)/commit/main": Hub.commit,
    r"GET /api/models/(.+)/tree/(.+)": Hub.tree,
    r"(?:GET|HEAD) /([^/]+/[^/]+)/resolve/([0-9a-f]+)/(.+)": Hub.resolve,
    r"POST /api/v1/models\.ModelApiService/(\w+)": Hub.models,
    r"POST /api/v1/blobs\.BlobApiService/StartBlobUpload": Hub.start_blob,
    r"PUT /put/(\w+)": Hub.put_blob,
}


def _oid(data):
    return hashlib.sha1(data).hexdigest()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def _do(self):
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        self.hub.requests.append((self.command, self.path, token))
        status, content, headers = self.hub.answer(self.command, self.path, self._body())
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Length": len(data), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_POST = do_HEAD = do_PUT = _do  # noqa: N815

    def _body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body
