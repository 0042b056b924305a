import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fitting, standsFor } from '../../../../src/sip/transport/certificate-names.ts';
import { loadCertificates } from '../../../../src/sip/transport/certificates.ts';
import { Authority } from '../../../support/certificates.ts';

describe('a certificate stands for a domain (RFC 5922 7)', () => {
  const cases: [names: string | undefined, domain: string, stands: boolean][] = [
    ['DNS:example.net', 'example.net', true],
    ['DNS:Example.NET', 'example.net.', true],
    ['DNS:sip.example.net', 'example.net', false],
    ['DNS:*.example.net', 'sip.example.net', false],
    ['URI:sip:example.net', 'example.net', true],
    ['URI:sip:example.net, DNS:sip1.example.net', 'sip1.example.net', false],
    ['URI:sip:list@example.net', 'example.net', false],
    ['URI:sips:example.net, DNS:example.org', 'example.org', true],
    ['URI:https://example.net, DNS:example.org', 'example.org', true],
    ['DNS:"a.net\\u0000, DNS:example.net"', 'example.net', false],
    ['IP Address:192.0.2.7', '192.0.2.7', true],
    ['IP Address:2001:DB8:0:0:0:0:0:7', '2001:db8::7', true],
    ['DNS:192.0.2.7', '192.0.2.7', false],
    [undefined, 'example.net', false],
  ];
  for (const [names, domain, stands] of cases) {
    test(`${names ?? 'without names'}: ${stands ? '' : 'not '}${domain}`, () => {
      assert.equal(standsFor(names, domain), stands);
    });
  }
});

test('a name finds its own entry before a wildcard, which fits one label', () => {
  const entries = [{ names: ['*.example.net'] }, { names: ['a.example.net', 'example.net'] }];
  assert.equal(fitting(entries, 'A.example.net.'), entries[1]);
  assert.equal(fitting(entries, 'b.example.net'), entries[0]);
  assert.equal(fitting(entries, 'c.b.example.net'), undefined);
  assert.equal(fitting(entries, 'net'), undefined);
});

test('a certificate at its end, past it or before its beginning is warned of', (t) => {
  const authority = new Authority(t);
  const files = authority.issue(['DNS:a.test'], 30);
  const common = { requireClientCertificate: false, verifyServers: true, minVersion: 'TLSv1.2' } as const;
  const warned = (days: number): string[] => {
    const now = Date.now() + days * 86_400_000;
    const { faults, warnings } = loadCertificates({ ...common, certificates: [files] }, now);
    assert.deepEqual(faults, []);
    return warnings.map(({ says }) => says);
  };
  assert.deepEqual(warned(0), []);
  assert.match(warned(17)[0] ?? '', /expires on/);
  assert.match(warned(31)[0] ?? '', /expired on/);
  assert.match(warned(-2)[0] ?? '', /valid only from/);
});
