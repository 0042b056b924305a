import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { showSettings } from '../../../src/config.ts';
import { maskUriSecrets } from '../../../src/config/mask.ts';
import { faultsOf, folderWith } from './site.ts';

const secret = 'hunter2hunter2';

test('what is shown of settings holds no secret', (t) => {
  const yaml = `
sip: { server: "drachtio://u:${secret}@host:9022", controlSecret: ${secret} }
store: { kind: mongodb, uri: "mongodb://u:${secret}@a,b/ringaway?proxyPassword=${secret}&w=1" }
trunks: [{ name: a, peers: [10.0.0.1], credentials: { username: u, password: ${secret} } }]
`;
  const folder = folderWith(t, { 'ringaway.yaml': yaml });
  const shown = JSON.stringify(showSettings({ file: path.join(folder, 'ringaway.yaml'), environment: {} }));
  assert.ok(!shown.includes(secret), shown);
  assert.ok(shown.includes('mongodb://u:****@a,b/ringaway?proxyPassword=****&w=1'), shown);
  assert.ok(shown.includes('"decideWithin":"60s"'), 'defaults are shown too');
});

test('what is said of wrong settings holds no secret', (t) => {
  const wrong = [
    `sip: { server: "drachtio://u:${secret}@" }`,
    `sip: { controlSecret: "${secret} ${secret}" }`,
    `store: { kind: mongodb, uri: "mongo://u:${secret}@a" }`,
    `trunks: [{ name: a, credentials: ${secret} }]`,
    `trunks: [{ name: a, credentials: { username: u, password: [${secret}] } }]`,
    `http: { listen: { a: "mongodb://u:${secret}@a" } }`,
  ];
  for (const yaml of wrong) {
    const faults = faultsOf(t, yaml).join('\n');
    assert.notEqual(faults, '', yaml);
    assert.ok(!faults.includes(secret), faults);
  }
});

test('the password of a URI is masked, and nothing else of it', () => {
  const rows = [
    ['mongodb://127.0.0.1/x', 'mongodb://127.0.0.1/x'],
    ['mongodb://u:p@h/x', 'mongodb://u:****@h/x'],
    ['drachtio://s@h', 'drachtio://****@h'],
    ['sip:u:p@h', 'sip:u:****@h'],
    ['sip:127.0.0.1:5060', 'sip:127.0.0.1:5060'],
    ['plain text', 'plain text'],
  ];
  for (const [given = '', wanted] of rows) assert.equal(maskUriSecrets(given), wanted);
});
