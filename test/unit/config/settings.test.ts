import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { loadSettings } from '../../../src/config.ts';
import { defaultsYaml, settingsPage } from '../../../src/config/describe.ts';
import { settingsSchema } from '../../../src/config/schema.ts';
import { variableName } from '../../../src/config/variables.ts';
import { walk } from '../../../src/config/walk.ts';
import { Failure } from '../../../src/shared/errors.ts';
import { faultsOf, folderWith, settingsOf } from './site.ts';

const root = new URL('../../../', import.meta.url);
const readRoot = (name: string) => readFileSync(new URL(name, root), 'utf8');

const sample = `
sip:
  server: builtin
  listen: [udp://127.0.0.1:5060, tcp://127.0.0.1:5060]
trunks:
  - name: ngn
    profile: generic
    peers: [127.0.0.1/32]
    gateways: [sip:127.0.0.1:5170]
routes:
  - { prefix: "+", trunk: ngn }
numbering: { defaultCountry: CN, areaCode: "755" }
media: { mode: direct }
store: { kind: embedded, path: ./data }
http: { listen: 127.0.0.1:8080 }
calls: { decideWithin: 60s, maxHold: 120s, whenNoTerminal: 480, whenUnknown: 404, whenNotInstructed: 480 }
`;

describe('the settings file', () => {
  test('of a site is read into types: durations in milliseconds, addresses parsed, the path beside the file', (t) => {
    const settings = settingsOf(t, sample);
    assert.deepEqual(settings.sip.server, { kind: 'builtin' });
    assert.deepEqual(settings.http.listen, { host: '127.0.0.1', port: 8080 });
    assert.equal(settings.calls.decideWithin, 60_000);
    assert.equal(settings.calls.maxDuration, 4 * 3_600_000);
    assert.deepEqual(settings.routes, [{ prefix: '+', trunk: 'ngn' }]);
    assert.deepEqual(settings.store, { kind: 'embedded', path: path.join(path.dirname(settings.file), 'data') });
    assert.deepEqual(settings.media, { mode: 'direct' });
    const [trunk] = settings.trunks;
    assert.equal(trunk?.optionsInterval, 30_000);
    assert.equal(trunk.ringTimeout, 60_000);
    assert.equal(trunk.reading.areaCode, '755');
  });

  test('may be empty: then it means the same as config/default.yaml', (t) => {
    const { file: _, store: empty, ...defaults } = settingsOf(t, '');
    const written = loadSettings({ file: new URL('config/default.yaml', root).pathname, environment: {} });
    const { file, store, ...read } = written;
    assert.deepEqual(read, defaults);
    assert.equal(store.kind, empty.kind);
    assert.match(file, /config\/default\.yaml$/);
  });

  test('tells every wrong key at once, with its value, what was expected, and its line', (t) => {
    const faults = faultsOf(
      t,
      ['http: { listen: nowhere }', 'calls:', '  decideWithin: 60x', '  whenUnknown: 200', '  maxHlod: 5s'].join('\n'),
    );
    assert.deepEqual(faults, [
      'http.listen: "nowhere" is not valid; expected an address and port such as 127.0.0.1:8080 or [::1]:8080 (ringaway.yaml:1)',
      'calls.decideWithin: "60x" is not valid; expected a duration of 1s to 10m, such as 500ms, 60s, 5m, 4h or 30d (ringaway.yaml:3)',
      'calls.whenUnknown: 200 is not valid; expected a whole number of 300 to 699 (ringaway.yaml:4)',
      'calls.maxHlod: there is no such setting; did you mean calls.maxHold? (ringaway.yaml:5)',
    ]);
  });

  test('tells where a setting belongs that stands in the wrong place', (t) => {
    assert.deepEqual(faultsOf(t, 'decideWithin: 5s'), [
      'decideWithin: there is no such setting; did you mean calls.decideWithin? (ringaway.yaml:1)',
    ]);
  });

  test('with a fault of YAML tells its line', (t) => {
    const [fault, ...more] = faultsOf(t, 'sip:\n  listen: [udp://127.0.0.1:5060\n');
    assert.match(fault ?? '', /^ringaway\.yaml:[23]: /);
    assert.deepEqual(more, []);
    assert.match(faultsOf(t, '- a list')[0] ?? '', /expected keys and values/);
  });

  test('that is not there is said in one line', () => {
    assert.throws(() => loadSettings({ file: '/nonexistent/ringaway.yaml', environment: {} }), {
      code: 'bad-setting',
      message: 'There is no settings file /nonexistent/ringaway.yaml',
    });
  });

  test('never does anything but load or be refused, whatever it holds', (t) => {
    const file = path.join(folderWith(t, {}), 'ringaway.yaml');
    const keys = fc.constantFrom(...new Set([...walk(settingsSchema)].map((facts) => facts.path.at(-1) ?? '')));
    const words = fc.constantFrom('60s', 'sip:a', '10.0.0.0/8', 'mongodb', 'rtpengine');
    const leaf = fc.oneof(fc.string(), words, fc.integer(), fc.boolean(), fc.constant(null));
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.dictionary(keys, tie('tree'), { maxKeys: 4 }),
        fc.array(tie('tree'), { maxLength: 3 }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(keys, tree), (settings) => {
        writeFileSync(file, stringify(settings));
        try {
          loadSettings({ file, environment: {} });
        } catch (error) {
          assert.ok(error instanceof Failure, String(error));
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('variables', () => {
  test('go before the file, and are read as YAML or as the text they are', (t) => {
    const settings = settingsOf(t, 'http: { listen: 127.0.0.1:1, trustProxy: true }', {
      RINGAWAY_HTTP_LISTEN: '[::1]:9090',
      RINGAWAY_HTTP_TRUST_PROXY: 'false',
      RINGAWAY_CALLS_ALLOW: '["+86", "95588"]',
      RINGAWAY_NUMBERING_AREA_CODE: '755',
      RINGAWAY_SIP_CONTROL_SECRET: '12345678',
      RINGAWAY_LOG_LEVEL: '',
      PATH: '/bin',
    });
    assert.deepEqual(settings.http.listen, { host: '::1', port: 9090 });
    assert.equal(settings.http.trustProxy, false);
    assert.deepEqual(settings.calls.allow, ['+86', '95588']);
    assert.equal(settings.numbering.areaCode, '755');
    assert.equal(settings.sip.controlSecret, '12345678');
    assert.equal(settings.log.level, 'info');
  });

  test('change the kind of a store whose file settings stay', (t) => {
    const settings = settingsOf(t, 'store: { kind: embedded, path: ./data }', {
      RINGAWAY_STORE_KIND: 'mongodb',
      RINGAWAY_STORE_URI: 'mongodb://127.0.0.1/ringaway',
    });
    assert.deepEqual(settings.store, { kind: 'mongodb', uri: 'mongodb://127.0.0.1/ringaway' });
  });

  test('that are wrong are named', (t) => {
    assert.deepEqual(faultsOf(t, '', { RINGAWAY_LOG_LEVEL: 'loud', RINGAWAY_HTP_LISTEN: '127.0.0.1:1' }), [
      'RINGAWAY_HTP_LISTEN: no setting has this variable; did you mean RINGAWAY_HTTP_LISTEN? (environment)',
      'log.level: "loud" is not valid; expected one of trace, debug, info, warn, error, fatal, silent (RINGAWAY_LOG_LEVEL)',
    ]);
  });

  test('that Kubernetes adds for a service called ringaway are no settings', (t) => {
    const added = {
      RINGAWAY_SERVICE_HOST: '10.0.0.1',
      RINGAWAY_SERVICE_PORT_HTTP: '8080',
      RINGAWAY_PORT: 'tcp://10.0.0.1:8080',
      RINGAWAY_PORT_8080_TCP_ADDR: '10.0.0.1',
    };
    assert.deepEqual(faultsOf(t, '', added), []);
  });

  test('have one name each, and none of them that of the settings file', () => {
    const names = [...walk(settingsSchema)].map((facts) => variableName(facts.path));
    assert.equal(new Set(names).size, names.length);
    assert.ok(!names.includes('RINGAWAY_CONFIG'));
    assert.ok(names.includes('RINGAWAY_CALLS_WHEN_NOT_INSTRUCTED'));
  });
});

describe('what must hold between settings', () => {
  const trunk = '{ name: ngn, gateways: [sip:127.0.0.1] }';
  const cases: [title: string, yaml: string, fault: RegExp][] = [
    [
      'a route leads to a trunk',
      'routes: [{ prefix: "+", trunk: no }]',
      /^routes\[0\]\.trunk: "no" is not valid; expected one of/,
    ],
    [
      'a route leads to a gateway',
      'trunks: [{ name: a, peers: [10.0.0.1] }]\nroutes: [{ prefix: "", trunk: a }]',
      /has no gateways/,
    ],
    ['names of trunks differ', `trunks: [${trunk}, ${trunk}]`, /^trunks\[1\]\.name: there are two trunks "ngn"/],
    ['a trunk has somebody on it', 'trunks: [{ name: a }]', /neither peers .* nor gateways/],
    [
      'prefixes of routes differ',
      `trunks: [${trunk}]\nroutes: [{prefix: "+", trunk: ngn}, {prefix: "+", trunk: ngn}]`,
      /two routes/,
    ],
    [
      'the wait fits into the hold',
      'calls: { decideWithin: 3m, maxHold: 2m }',
      /^calls\.decideWithin: is longer than calls\.maxHold/,
    ],
    ['rtpengine mode has an engine', 'media: { mode: rtpengine }', /^media\.engines: is empty/],
    ['mongodb has an address', 'store: { kind: mongodb }', /^store\.uri: is missing/],
    ['an address means mongodb', 'store: { uri: mongodb://a/b }', /^store\.uri: is given, but store\.kind is embedded/],
    ...[
      ['connect: []', 'connect'],
      ['connect: [refer, transfer]', 'connect'],
      ['connect: [refer, refer]', 'connect'],
      ['sessionInterval: 30s', 'sessionInterval'], // RFC 4028 4: 90 s at least
      ['reliableProvisionals: always', 'reliableProvisionals'],
    ].map(([setting = '', key = '']): [string, string, RegExp] => [
      `${setting} of a trunk`,
      `trunks: [{ name: a, peers: [10.0.0.1], ${setting} }]`,
      new RegExp(String.raw`^trunks\[0\]\.${key}.* is not valid`),
    ]),
    ['timers are in order', 'sip: { timers: { t1: 5s, t2: 1s } }', /^sip\.timers\.t1: is longer/],
    [
      'answering early needs a relay',
      'calls: { answerEarly: true }',
      /^calls\.answerEarly: is true, and needs a relay .*media\.mode: rtpengine.* \(ringaway\.yaml:1\)$/,
    ],
    [
      'reports of keys need relays',
      'media: { digitEvents: "udp://127.0.0.1:2224" }',
      /^media\.digitEvents: needs a relay .*media\.mode: rtpengine/,
    ],
    ...['127.0.0.1:2224', 'udp://localhost:2224', 'udp://127.0.0.1', 'udp://127.0.0.1:0', 'udp://[::1]:2224'].map(
      (address): [string, string, RegExp] => [
        `reports of keys are not taken at ${address}`,
        `media: { mode: rtpengine, engines: [udp://127.0.0.1:2223], digitEvents: "${address}" }`,
        /^media\.digitEvents: .* is not valid; expected udp:/,
      ],
    ),
    ['music needs a relay', 'calls: { music: a.wav }', /^calls\.music: needs a relay/],
    [
      'announcements need a relay',
      'calls: { announcements: { busy: a.wav } }',
      /^calls\.announcements\.busy: needs a relay/,
    ],
    [
      'answering early needs music',
      'calls: { answerEarly: true }\nmedia: { mode: rtpengine, engines: [udp://127.0.0.1:2223] }',
      /^calls\.music: is missing; expected a wav or mp3 file/,
    ],
    [
      'numbers of a trunk are numbers',
      'trunks: [{ name: a, peers: [10.0.0.1], serviceNumbers: ["12"] }]',
      /^trunks\[0\]\.serviceNumbers/,
    ],
  ];
  for (const [title, yaml, fault] of cases) {
    test(title, (t) => {
      const [first = '', ...more] = faultsOf(t, yaml);
      assert.match(first, fault);
      assert.deepEqual(more, []);
    });
  }
});

describe('what is made from the schema is as the schema is (scripts/docs writes it)', () => {
  test('config/default.yaml', () => {
    assert.equal(readRoot('config/default.yaml'), defaultsYaml(settingsSchema));
  });

  test('config/SETTINGS.md', () => {
    assert.equal(readRoot('config/SETTINGS.md'), `${settingsPage(settingsSchema)}\n`);
  });

  test('every setting says what it means', () => {
    const silent = [...walk(settingsSchema)].filter(({ facts }) => !facts?.description);
    assert.deepEqual(
      silent.map((facts) => facts.path.join('.')),
      [],
    );
  });
});
