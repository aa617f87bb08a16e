# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""The places that examples name and that a test does not have (a web server, a store, an NBD server, volumes, a host behind SSH, the scheduler), as what a test can have."""
import contextlib
import os
import posixpath
import re
import shutil
from urllib.parse import unquote, urlsplit

import nbd_server
import tap
from object_store import Store
from remote_behaviour import Taken
from remote_servers import Site

PROGRAMS = {
    'ssh': 'shift\nexec sh -c "$*"\n',
    'sbatch': '''script=${!#}
last=$(sed -n 's/^#SBATCH --array=0-\\([0-9]*\\).*/\\1/p' "$script")
for task in $(seq 0 "$last"); do
  SLURM_ARRAY_JOB_ID=1 SLURM_ARRAY_TASK_ID=$task bash "$script" || exit
done
''',
    # The plugin that was built, a socket of its own, and an end: that of who asks for the size.
    'nbdkit': '''words=(-U -)
run=(--run 'nbdinfo --size "$uri"')
for word; do
  case $word in
  -U | -) continue ;;
  vmferry) word=$PLUGIN ;;
  file=*) word=file=$PWD/${word#file=} ;;
  --run) run=() ;;
  esac
  words+=("$word")
done
exec "$REAL_NBDKIT" "${words[@]}" "${run[@]}"
''',
}


def programs(t):
    """What `PATH` and the rest of the environment have to be for them."""
    os.makedirs(t.path('programs'))
    for name, text in PROGRAMS.items():
        t.write(f'programs/{name}', b'#!/bin/bash\n' + text.encode())
        os.chmod(t.path(f'programs/{name}'), 0o755)
    return {'PATH': f'{t.folder}:{t.path("programs")}:{os.environ["PATH"]}', 'REAL_NBDKIT': shutil.which('nbdkit') or '',
            'PLUGIN': os.path.join(os.environ.get('VMFERRY_BUILD', ''), 'src/nbdkit/nbdkit-vmferry-plugin.so')}


class Web(Taken):
    """A web server that gives the files of a folder by the last part of their path, and takes what is put."""

    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    def answer(self, handler, number):
        if handler.command == 'PUT':
            super().answer(handler, number)
            return
        path = self.folder / posixpath.basename(unquote(urlsplit(handler.path).path))
        if path.is_file():
            handler.part(path.read_bytes())
        else:
            handler.say(404)


@contextlib.contextmanager
def places(t):
    """Gives (here, environment): here(line) is the line with the places of the test. `bucket` and `host` have the files of the folder `there`."""
    there, store, raw = t.folder / 'there', Store(), (t.folder / 'disk.raw').read_bytes()
    store.objects.update({f'bucket/{path.name}': (path.read_bytes(), '"one"') for path in there.iterdir()})
    with Site(Web(there).answer) as web, Site(store.answer) as objects, nbd_server.Server(t, {'': raw, 'export': raw, 'volume': raw}, writes=True) as blocks:
        names = (('https://minio:9000', objects.url), (r'https://\w+/', web.url + '/'), (r'nbd://host/(\w+)', lambda match: f"'{blocks.url_of(match[1])}'"),
                 ('/run/nbd.sock', blocks.path), (r'/dev/vg/(\w+)', r'volumes/\1.raw'), ('/vms/', 'vms/'), ('/vmfs/volumes', 'vmfs'), ('/images/', 'images/'), ('/backup/', 'backup/'))

        def here(line):
            for written, meant in names:
                line = re.sub(written, meant, line)
            return line
        known = f'[default]\naws_access_key_id={store.key}\naws_secret_access_key={store.secret}\n'
        keys = t.write('keys', (known + known.replace('default', 'backup')).encode())
        yield here, {**programs(t), 'AWS_SHARED_CREDENTIALS_FILE': keys, 'AWS_CONFIG_FILE': '/nowhere', 'AWS_ENDPOINT_URL': objects.url, 'AWS_REGION': store.region}


def needs(line):
    """A reason why this machine cannot run it, or none."""
    if re.search(r'\b(https?|s3)://', line) and not tap.built_with('libcurl'):
        return 'vmferry was built without libcurl'
    if re.search(r'\bnbd(\+unix)?://', line) and not tap.built_with('libnbd'):
        return 'vmferry was built without libnbd'
    if line.startswith('nbdkit '):
        if not (shutil.which('nbdkit') and shutil.which('nbdinfo')):
            return 'nbdkit or nbdinfo is not installed'
        if not os.path.exists(os.path.join(os.environ.get('VMFERRY_BUILD', ''), 'src/nbdkit/nbdkit-vmferry-plugin.so')) or os.environ.get('VMFERRY_SANITIZED', 'none') != 'none':
            return 'the plugin of nbdkit is not built, or with sanitizers'
    return None
