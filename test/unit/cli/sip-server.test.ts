import assert from 'node:assert/strict';
import { Command } from 'commander';
import { describe, test } from 'node:test';
import { readContact } from '../../../src/cli/commands/sip-server/contacts.ts';
import { addFlags, type Flags } from '../../../src/cli/commands/sip-server/flags.ts';
import { optionsOf } from '../../../src/cli/commands/sip-server/sip-server.ts';
import { loadSettings } from '../../../src/config.ts';
import { Failure } from '../../../src/shared/errors.ts';
import { formatListenAddress } from '../../../src/sip/transport/addresses.ts';
import { folderWith } from '../config/site.ts';

describe('--contact', () => {
  const rows: [text: string, ...listen: string[]][] = [
    ['sip:127.0.0.1:5070;transport=udp', 'udp://127.0.0.1:5070'],
    ['sip:127.0.0.1:5070;transport=UDP,tcp', 'udp://127.0.0.1:5070', 'tcp://127.0.0.1:5070'],
    ['sip:10.0.0.1', 'udp://10.0.0.1:5060', 'tcp://10.0.0.1:5060'],
    ['sip:*;transport=tls', 'tls://0.0.0.0:5061'],
    ['sips:10.0.0.1', 'tls://10.0.0.1:5061'],
    ['sips:[::1]:443;transport=ws', 'wss://[::1]:443'],
    ['sip:[2001:db8::1]:8080;transport=ws,wss', 'ws://[2001:db8::1]:8080', 'wss://[2001:db8::1]:8080'],
  ];
  for (const [text, ...listen] of rows) {
    test(text, () => assert.deepEqual(readContact(text).map(formatListenAddress), listen));
  }
  for (const text of ['nonsense', 'sip:host.test', 'sip:10.0.0.1;transport=sctp', 'sips:10.0.0.1;transport=udp']) {
    test(`${text} is refused`, () => assert.throws(() => readContact(text), /expected sip:address:port/));
  }
  test('a port that there is not is refused', () => assert.throws(() => readContact('sip:10.0.0.1:65536')));
});

describe('the flags of ringaway sip-server', () => {
  const settings = (yaml: string, context: Parameters<typeof folderWith>[0]) =>
    loadSettings({ file: `${folderWith(context, { 'ringaway.yaml': yaml })}/ringaway.yaml`, environment: {} });
  const read = (...args: string[]): Flags => {
    const command = addFlags(new Command('test').exitOverride().configureOutput({ writeErr: () => undefined }));
    return command.parse(args, { from: 'user' }).opts<Flags>();
  };

  test('without any, all is as the settings say', (t) => {
    const { sip } = settings(
      'sip: { listen: [ws://127.0.0.1:80], control: 127.0.0.1:9, controlSecret: opensesame }',
      t,
    );
    const options = optionsOf({ ...settings('{}', t), sip }, read());
    assert.deepEqual(options.listen, ['ws://127.0.0.1:80']);
    assert.deepEqual(options.control, { address: '127.0.0.1', port: 9, secret: 'opensesame' });
    assert.deepEqual(options.limits, sip.limits);
    assert.deepEqual(options.tls, sip.tls);
    assert.equal(options.controlKeepAlive, 45_000);
  });

  test('what they say takes the place of the settings', (t) => {
    const flags = read(
      ...['-c', 'sip:10.0.0.1;transport=udp', '--external-ip', '203.0.113.7', '--local-net', '10.0.0.0/8'],
      ...['--contact', 'sip:10.0.0.2;transport=tls', '--address', '0.0.0.0', '-p', '9023', '--secret', 'cymru'],
      ...['--cert-file', 'a.pem', '--key-file', 'a.key', '--chain-file', 'chain.pem', '--cert-file', 'b.pem'],
      ...['--key-file', 'b.key', '--ca-file', 'ca.pem', '--verify-clients', '--no-verify-servers'],
      ...['--min-tls-version', '1.3', '--mtu', '4096', '--tcp-keepalive-interval', '0', '--rate', '0', '--burst', '7'],
      ...['--scanner', 'one', '--scanner', 'two', '--web-socket-origin', 'https://a.test', '--cdrs', '--stdout'],
      ...['--application', '127.0.0.1:9100', '--noconfig', '-l', 'notice'],
    );
    const options = optionsOf(settings('sip: { advertised: { address: 192.0.2.9 } }', t), flags);
    const advertised = { address: '203.0.113.7', notTo: ['10.0.0.0/8'] };
    assert.deepEqual(options.listen, [
      { transport: 'udp', address: '10.0.0.1', port: 5060, advertised },
      { transport: 'tls', address: '10.0.0.2', port: 5061 },
    ]);
    assert.equal(options.advertised, undefined);
    assert.deepEqual(options.control, { address: '0.0.0.0', port: 9023, secret: 'cymru' });
    assert.deepEqual(options.tls, {
      certificates: [
        { cert: 'a.pem', key: 'a.key', chain: 'chain.pem' },
        { cert: 'b.pem', key: 'b.key' },
      ],
      ca: 'ca.pem',
      requireClientCertificate: true,
      verifyServers: false,
      minVersion: 'TLSv1.3',
    });
    assert.partialDeepStrictEqual(options.limits, { rate: 0, burst: 7, scanners: ['one', 'two'] });
    assert.deepEqual([options.largeRequest, options.controlKeepAlive, options.callRecords], [4096, 0, true]);
    assert.deepEqual(options.origins, ['https://a.test']);
    assert.deepEqual(options.outbound, { applications: [{ address: '127.0.0.1', port: 9100 }], secret: 'cymru' });
    assert.equal(flags.loglevel, 'info');
  });

  test('what makes no sense is refused', (t) => {
    assert.throws(() => read('--external-ip', '203.0.113.7'), /belongs to the --contact before it/);
    assert.throws(() => read('-c', 'sip:10.0.0.1', '--local-net', 'everywhere'), /expected a prefix/);
    assert.throws(() => read('--min-tls-version', '1.0'), /expected 1.2 or 1.3/);
    assert.throws(() => read('--loglevel', 'loud'), /expected one of error/);
    assert.throws(() => read('--port', '65536'), /expected 0 to 65535/);
    assert.throws(() => optionsOf(settings('{}', t), read()), Failure);
    assert.throws(
      () => optionsOf(settings('{}', t), read('--secret', 'x', '--cert-file', 'a.pem')),
      /has no --key-file/,
    );
  });
});
