# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""An object store (S3) for tests, on this machine alone. It makes every signature again from the bytes that came and from what the S3 API Reference says of Signature Version 4,
and refuses what is not signed so."""
import datetime
import hashlib
import hmac
import base64
import re
import threading
from urllib.parse import parse_qsl, quote, unquote_to_bytes
from xml.sax.saxutils import escape

MIB = 1 << 20
PART_LEAST = 5 * MIB


class Refused(Exception):
    def __init__(self, status, code, message, **headers):
        super().__init__(code)
        self.status, self.code, self.message, self.headers = status, code, message, headers


def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def signature(secret, scope, time, canonical):
    key = ('AWS4' + secret).encode()
    for word in scope.split('/'):
        key = mac(key, word)
    text = '\n'.join(['AWS4-HMAC-SHA256', time, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    return mac(key, text).hex()


def canonical_request(command, target, headers, names, payload):
    path, _, query = target.partition('?')
    path = quote(unquote_to_bytes(path), safe='/-._~')
    pairs = sorted((quote(name, safe='-._~'), quote(value, safe='-._~')) for name, value in parse_qsl(query, keep_blank_values=True))
    lines = ''.join(f'{name}:{" ".join(headers[name].split())}\n' for name in names)
    return '\n'.join([command, path, '&'.join(f'{name}={value}' for name, value in pairs), lines, ';'.join(names), payload])


class Store:
    """objects: by "bucket/key". fault(handler, what, count) may answer in the store's place, and then says so; what: get, head, put, create, part, complete, abort, uploads, list."""

    page = 1000  # parts of one answer, at most
    parts_checked = True  # no part may be left out at the end
    encryption = {}  # headers of the answer to a part
    expired = ()  # tokens

    def __init__(self, key='AKIDEXAMPLE', secret='secret/of+store', token=None, region='us-east-1', fault=None, secure=False):
        self.key, self.secret, self.token, self.region, self.fault, self.secure = key, secret, token, region, fault, secure
        self.objects, self.uploads, self.seen, self.lock, self.aborted, self.order = {}, {}, [], threading.Lock(), [], []
        self.now = lambda: datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)

    def environment(self, url, **more):
        return {'AWS_ACCESS_KEY_ID': self.key, 'AWS_SECRET_ACCESS_KEY': self.secret, 'AWS_ENDPOINT_URL': url, 'AWS_REGION': self.region,
                'AWS_CONFIG_FILE': '/nowhere', 'AWS_SHARED_CREDENTIALS_FILE': '/nowhere', **({'AWS_SESSION_TOKEN': self.token} if self.token else {}), **more}

    # who asks

    def check(self, handler, body):
        headers = {name.lower(): value for name, value in handler.headers.items()}
        found = re.fullmatch(r'AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8}/[^/]+/s3/aws4_request), SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})',
                             headers.get('authorization', ''))
        if not found:
            raise Refused(403, 'AccessDenied', 'Access Denied')
        key, scope, names, given = found[1], found[2], found[3].split(';'), found[4]
        date, time, payload = scope.split('/')[0], headers.get('x-amz-date', ''), headers.get('x-amz-content-sha256', '')
        if key != self.key:
            raise Refused(403, 'InvalidAccessKeyId', 'The AWS Access Key Id you provided does not exist in our records.')
        if names != sorted(names) or not {'host', *(name for name in headers if name.startswith('x-amz-'))} <= set(names):
            raise Refused(403, 'AccessDenied', 'There were headers present in the request which were not signed')
        if headers.get('x-amz-security-token') in self.expired:
            raise Refused(400, 'ExpiredToken', 'The provided token has expired.')
        if headers.get('x-amz-security-token') != self.token:
            raise Refused(400, 'InvalidToken', 'The provided token is malformed or otherwise invalid.')
        if scope.split('/')[1] != self.region:
            raise Refused(400, 'AuthorizationHeaderMalformed', f"The authorization header is malformed; the region is wrong; expecting '{self.region}'",
                          x_amz_bucket_region=self.region)
        if not time.startswith(date) or abs((datetime.datetime.strptime(time, '%Y%m%dT%H%M%SZ') - self.now()).total_seconds()) > 900:
            raise Refused(403, 'RequestTimeTooSkewed', 'The difference between the request time and the current time is too large.',
                          Date=self.now().strftime('%a, %d %b %Y %H:%M:%S GMT'))
        if payload != hashlib.sha256(body).hexdigest() and not (payload == 'UNSIGNED-PAYLOAD' and self.secure):
            raise Refused(400, 'XAmzContentSHA256Mismatch', "The provided 'x-amz-content-sha256' header does not match what was computed.")
        if given != signature(self.secret, scope, time, canonical_request(handler.command, handler.path, headers, names, payload)):
            raise Refused(403, 'SignatureDoesNotMatch', 'The request signature we calculated does not match the signature you provided.')

    # what is asked

    def answer(self, handler, _):
        body = handler.rfile.read(int(handler.headers.get('Content-Length', 0)))
        query = dict(parse_qsl(handler.path.partition('?')[2], keep_blank_values=True))
        what = self.name_of(handler.command, query)
        with self.lock:
            self.seen.append(what)
            count = self.seen.count(what)
        try:
            if self.fault and self.fault(handler, what, count):
                return
            self.check(handler, body)
            digest = handler.headers.get('Content-MD5')
            if digest and base64.b64decode(digest) != hashlib.md5(body).digest():
                raise Refused(400, 'BadDigest', 'The Content-MD5 you specified did not match what we received.')
            name = unquote_to_bytes(handler.path.partition('?')[0][1:]).decode()
            with self.lock:
                getattr(self, 'do_' + what)(handler, name, query, body)
        except Refused as error:
            self.say_error(handler, error.status, error.code, error.message, **error.headers)

    @staticmethod
    def name_of(command, query):
        if 'uploadId' in query:
            return {'PUT': 'part', 'POST': 'complete', 'DELETE': 'abort', 'GET': 'list'}[command]
        if 'uploads' in query and command == 'GET':
            return 'uploads'
        return {'PUT': 'put', 'POST': 'create', 'GET': 'get', 'HEAD': 'head', 'DELETE': 'delete'}[command]

    @staticmethod
    def say_error(handler, status, code, message, **headers):
        handler.say(status, f'<?xml version="1.0"?><Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>'.encode(), Content_Type='application/xml', **headers)

    def found(self, handler, name):
        if name not in self.objects:
            raise Refused(404, 'NoSuchKey', 'The specified key does not exist.')
        data, etag = self.objects[name]
        if handler.headers.get('If-Match', etag) != etag:
            raise Refused(412, 'PreconditionFailed', 'At least one of the pre-conditions you specified did not hold')
        return data, etag

    def keep(self, handler, name, data, etag):
        if handler.headers.get('If-None-Match') == '*' and name in self.objects:
            raise Refused(412, 'PreconditionFailed', 'At least one of the pre-conditions you specified did not hold')
        self.objects[name] = data, etag

    def do_get(self, handler, name, *_):
        data, etag = self.found(handler, name)
        if not data and handler.headers.get('Range'):
            raise Refused(416, 'InvalidRange', 'The requested range is not satisfiable')
        handler.part(data, etag) if data else handler.say(200, ETag=etag)

    def do_head(self, handler, name, *_):
        data, etag = self.found(handler, name)
        handler.say(200, ETag=etag, Content_Length=str(len(data)))

    def do_put(self, handler, name, _, body):
        etag = f'"{hashlib.md5(body).hexdigest()}"'
        self.keep(handler, name, body, etag)
        handler.say(200, ETag=etag)

    def do_create(self, handler, name, *_):
        upload = f'upload+{len(self.uploads)}/='
        self.uploads[upload] = name, {}
        handler.say(200, f'<InitiateMultipartUploadResult><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>'.encode())

    def parts_of(self, name, query):
        if query['uploadId'] not in self.uploads or self.uploads[query['uploadId']][0] != name:
            raise Refused(404, 'NoSuchUpload', 'The specified upload does not exist.')
        return self.uploads[query['uploadId']][1]

    @staticmethod
    def tag_of(body):
        """Of a part."""
        return hashlib.md5(body).hexdigest()

    def do_part(self, handler, name, query, body):
        self.parts_of(name, query)[int(query['partNumber'])] = body
        self.order.append(int(query['partNumber']))
        handler.say(200, ETag=f'"{self.tag_of(body)}"', **self.encryption)

    def do_uploads(self, handler, name, query, _):
        begun = [(key.removeprefix(name), number, upload) for number, (upload, (key, _)) in enumerate(self.uploads.items())
                 if key.startswith(name + query['prefix'])][:int(query['max-uploads'])]
        entries = ''.join(f'<Upload><Key>{escape(key)}</Key><UploadId>{escape(upload)}</UploadId><Initiated>2026-11-29T20:00:{number:02}.000Z</Initiated></Upload>'
                          for key, number, upload in sorted(begun))
        handler.say(200, f'<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>{entries}</ListMultipartUploadsResult>'.encode())

    def do_list(self, handler, name, query, _):
        parts, after = self.parts_of(name, query), int(query['part-number-marker'])
        rest = sorted(number for number in parts if number > after)
        shown = rest[:min(self.page, int(query['max-parts']))]
        entries = ''.join(f'<Part><PartNumber>{number}</PartNumber><ETag>&quot;{self.tag_of(parts[number])}&quot;</ETag><Size>{len(parts[number])}</Size></Part>'
                          for number in shown)
        handler.say(200, f'<ListPartsResult>{entries}<IsTruncated>{str(shown != rest).lower()}</IsTruncated></ListPartsResult>'.encode())

    def do_complete(self, handler, name, query, body):
        parts, listed = self.parts_of(name, query), re.findall(r'<PartNumber>(\d+)</PartNumber><ETag>([^<]+)</ETag>', body.decode().replace('&quot;', '"'))
        digests = [self.tag_of(parts[int(number)]) for number, _ in listed]
        expected = list(range(1, (len(parts) if self.parts_checked else len(listed)) + 1))
        if not listed or [f'"{digest}"' for digest in digests] != [etag for _, etag in listed] or [int(number) for number, _ in listed] != expected:
            raise Refused(400, 'InvalidPart', 'One or more of the specified parts could not be found.')
        if any(len(parts[int(number)]) < PART_LEAST for number, _ in listed[:-1]):
            raise Refused(400, 'EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed object size.')
        etag = f'"{hashlib.md5(b"".join(map(bytes.fromhex, digests))).hexdigest()}-{len(digests)}"'
        self.keep(handler, name, b''.join(parts[int(number)] for number, _ in listed), etag)
        del self.uploads[query['uploadId']]
        handler.say(200, f'<CompleteMultipartUploadResult><ETag>{escape(etag)}</ETag></CompleteMultipartUploadResult>'.encode())

    def do_abort(self, handler, name, query, _):
        self.parts_of(name, query)
        del self.uploads[query['uploadId']]
        self.aborted.append(name)
        handler.say(204)
