import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { checkSettings } from '../../../src/config.ts';
import { Failure } from '../../../src/shared/errors.ts';
import { Authority } from '../../support/certificates.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { faultsOf, folderWith } from './site.ts';

const listen = 'listen: [tls://127.0.0.1:5061]';

test('TLS without a certificate, and client certificates without an authority, are faults', (t) => {
  assert.deepEqual(faultsOf(t, `sip: { ${listen} }`), [
    'sip.tls.certificates: is empty; expected at least one certificate, since sip.listen holds a tls:// or wss:// address (ringaway.yaml:1)',
  ]);
  assert.match(faultsOf(t, 'sip: { tls: { requireClientCertificate: true } }')[0] ?? '', /^sip\.tls\.ca: is missing/);
});

test('the files of certificates are found beside the settings, and looked at', (t) => {
  const authority = new Authority(t);
  const [one, other] = [authority.issue(['DNS:one.test']), authority.issue(['DNS:other.test'])];
  const check = (key: string, days = 0): string[] => {
    const yaml = `sip:\n  ${listen}\n  tls:\n    certificates:\n      - { cert: one.pem, key: ${key} }\n`;
    const folder = folderWith(t, { 'ringaway.yaml': yaml });
    copyFileSync(one.cert, path.join(folder, 'one.pem'));
    copyFileSync(one.key, path.join(folder, 'one.key'));
    copyFileSync(other.key, path.join(folder, 'other.key'));
    const source = { file: path.join(folder, 'ringaway.yaml'), environment: {} };
    const near = (text: string) => text.replaceAll(/[^\s(]*ringaway-settings-[^/]*\//g, '');
    try {
      return checkSettings(source, new FakeClock(Date.now() + days * 86_400_000)).warnings.map(near);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      return near(error.message).split('\n');
    }
  };
  assert.deepEqual(check('one.key'), []);
  assert.deepEqual(check('other.key'), [
    'sip.tls.certificates[0].key: the key in other.key is not that of the certificate in one.pem (ringaway.yaml:5)',
  ]);
  assert.deepEqual(check('none.key'), [
    'sip.tls.certificates[0].key: the file none.key does not exist (ringaway.yaml:5)',
  ]);
  assert.match(
    check('one.key', 60)[0] ?? '',
    /^sip\.tls\.certificates\[0\]\.cert: the certificate in one\.pem expired on/,
  );
});
