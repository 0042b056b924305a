// Every setting: its place, kind, default and meaning. config/SETTINGS.md, config/default.yaml, the names of
// the variables and the checks are all made from this file.
import { z } from 'zod';
import {
  duration,
  ipAddress,
  ipPhoneTarget,
  listenAddress,
  mongodbUri,
  nameServer,
  oneOf,
  optional,
  required,
  section,
  setting,
  sipListenAddress,
  sipServer,
  text,
  webOrigin,
  wholeNumber,
  yesNo,
} from './kinds.ts';

import { media } from './media-schema.ts';
import { ringTimeout, route, trunk } from './trunk-schema.ts';
import { tls } from './tls-schema.ts';
import { areaCode, country, name, numberPrefix, soundFile } from './words.ts';

const finalStatus = wholeNumber(300, 699);

export const settingsSchema = z.strictObject({
  node: setting(name, 'ringaway-1', {
    description: 'Name of this node in records; each node has its own, and keeps it.',
  }),

  sip: section('The SIP side', {
    server: setting(sipServer, 'builtin', {
      description: 'The SIP server: builtin, or drachtio://user:secret@host:9022 for a drachtio-server.',
    }),
    listen: setting(z.array(sipListenAddress).min(1), ['udp://127.0.0.1:5060', 'tcp://127.0.0.1:5060'], {
      description:
        'Where the built-in SIP server listens: udp, tcp, tls, ws and wss; ?advertised=address[:port] behind one says how it is reached.',
    }),
    tls,
    webSocketOrigins: setting(z.array(webOrigin), ['*'], {
      description: 'Origins of web pages that may speak SIP over WebSocket; * is any.',
    }),
    nameServers: setting(z.array(nameServer), [], {
      description: 'Name servers asked for gateways, as address or address:port; without any those of the machine.',
    }),
    control: setting(listenAddress, '127.0.0.1:9022', {
      description: 'Where `ringaway sip-server` listens for the application (drachtio control protocol).',
    }),
    controlSecret: optional(text('a secret of 8 to 256 characters without spaces', /^\S{8,256}$/), {
      description: 'Secret of that control connection; `ringaway sip-server` needs it, here or with --secret.',
      secret: true,
    }),
    advertised: optional(
      z.strictObject({
        address: required(ipAddress, { description: 'What Via and Contact say instead of the listening address.' }),
        port: optional(wholeNumber(1, 65_535), { description: 'And instead of the listening port.' }),
      }),
      {
        description: 'How the operator reaches this machine when it is behind NAT.',
        example: 'advertised: { address: 203.0.113.7 }',
      },
    ),
    timers: section('Timers of RFC 3261 (table 4), as agreed with the operator', {
      t1: setting(duration('50ms', '5s'), '500ms', { description: 'Round-trip time estimate T1.' }),
      t2: setting(duration('500ms', '60s'), '4s', { description: 'Longest interval between retransmissions T2.' }),
      t4: setting(duration('500ms', '60s'), '5s', { description: 'Longest life of a message in the network T4.' }),
    }),
    limits: section('What strangers and floods are given', {
      rate: setting(wholeNumber(0, 100_000), 500, {
        description: 'New requests a second that one address may send for long; above it hears 503. 0: no limit.',
      }),
      burst: setting(wholeNumber(1, 100_000), 1000, { description: 'And at once, after a pause.' }),
      scanners: setting(
        z.array(text('1 to 100 printable characters', /^[ -~]{1,100}$/)),
        [
          'friendly-scanner',
          'friendly-request',
          'sipvicious',
          'sip:100@1.1.1.1',
          'sipcli',
          'sip-scan',
          'sipscan',
          'sundayddr',
          'pplsip',
          'VaxSIPUserAgent',
          'VaxIPUserAgent',
          'iWar',
          'SIVuS',
          'sipARMYknife',
        ],
        { description: 'Requests whose User-Agent, From or To holds one of these get no answer.' },
      ),
      forbidden: setting(wholeNumber(0, 100_000), 20, {
        description:
          'Requests answered 403 in a minute (of no peer) after which an address gets no answer. 0: it always does.',
      }),
      silence: setting(duration('1s', '24h'), '5m', { description: 'And for how long it then gets none.' }),
      strangers: setting(wholeNumber(0, 100_000), 100, {
        description:
          'New requests a second of all addresses together that are no peer of a trunk; more get no answer. 0: no limit.',
      }),
      transactions: setting(wholeNumber(0, 1_000_000), 50_000, {
        description:
          'Transactions of the SIP server at once, of all addresses; above it new requests hear 503. 0: no limit.',
      }),
      connections: setting(wholeNumber(1, 100_000), 2000, {
        description:
          'TCP, TLS and WebSocket connections at once. Above it a new one takes the place of the oldest that said nothing yet, else of the oldest of the address that has the most.',
      }),
      connectionsPerAddress: setting(wholeNumber(1, 100_000), 200, { description: 'And of one address.' }),
      handshakeWithin: setting(duration('100ms', '60s'), '10s', {
        description: 'How long a TLS or WebSocket handshake may take.',
      }),
      firstMessageWithin: setting(duration('100ms', '10m'), '32s', {
        description: 'How long a connection may stand before its first message.',
      }),
      messageWithin: setting(duration('100ms', '60s'), '10s', {
        description: 'How long one message may take, from its first octet to its last.',
      }),
    }),
    userAgent: setting(text('printable text of 1 to 100 characters', /^[ -~]{1,100}$/), 'ringaway', {
      description: 'What the User-Agent and Server headers say.',
    }),
  }),

  trunks: setting(z.array(trunk), [], {
    description: 'The SIP interconnections; each key of the profile may be set here too.',
    example: `trunks:
  - name: ngn
    profile: generic
    peers: [127.0.0.1/32]
    gateways: [sip:127.0.0.1:5170]`,
  }),
  routes: setting(z.array(route), [], {
    description: 'Which numbers are called over which trunk; numbers without a route are not called.',
    example: `routes:
  - { prefix: "+", trunk: ngn }`,
  }),

  numbering: section('How numbers are read that come without a country code', {
    defaultCountry: setting(country, 'CN', { description: 'Country of national numbers.' }),
    areaCode: setting(areaCode, '', {
      description: 'Area of local numbers, without its leading 0; "" when there is none.',
    }),
  }),

  media,

  store: section('Where subscribers and records are kept', {
    kind: setting(oneOf('embedded', 'mongodb'), 'embedded', {
      description: 'embedded: a file of this machine; mongodb: for several nodes.',
    }),
    path: setting(text('the path of a folder', /^[^\0]+$/), './data', {
      description: 'Folder of the embedded store; relative to the folder of the settings file.',
    }),
    uri: optional(mongodbUri, { description: 'Connection string of MongoDB.' }),
  }),

  http: section('The HTTP side: terminals (Socket.IO), health, metrics', {
    listen: setting(listenAddress, '127.0.0.1:8080', { description: 'Address and port.' }),
    trustProxy: setting(yesNo, false, {
      description: 'Whether X-Forwarded-For of a reverse proxy in front tells the address of a terminal.',
    }),
    corsOrigins: setting(z.array(webOrigin), [], {
      description: 'Origins of web pages on other hosts that may connect as terminals.',
    }),
  }),

  calls: section('The course of a call', {
    decideWithin: setting(duration('1s', '10m'), '60s', { description: 'How long an instruction is awaited.' }),
    maxHold: setting(duration('1s', '1h'), '120s', {
      description:
        'How long a caller is held at most before a call is connected, all attempts together, and one hold within it.',
    }),
    answerEarly: setting(yesNo, false, {
      description:
        'Whether callers are answered, and hear calls.music, as soon as the terminals are told: the first phone stops ringing. Needs rtpengine.',
    }),
    music: optional(soundFile, {
      description:
        'What callers hear who wait or are on hold, over and over; subscribers may have their own. Needs rtpengine.',
      example: 'music: music.mp3',
    }),
    announcements: section('Announcements to callers who hear music: wav or mp3 files; need rtpengine', {
      wait: optional(soundFile, { description: 'Heard once, before the music.', example: 'wait: please-wait.wav' }),
      busy: optional(soundFile, {
        description: 'Heard once, when the final called number was busy and the caller goes on waiting.',
        example: 'busy: number-busy.wav',
      }),
    }),
    whenNoTerminal: setting(finalStatus, 480, { description: 'SIP status when no terminal is logged in.' }),
    whenUnknown: setting(finalStatus, 404, { description: 'SIP status when the number belongs to no subscriber.' }),
    whenNotInstructed: setting(finalStatus, 480, { description: 'SIP status when no terminal instructed in time.' }),
    maxCalls: setting(wholeNumber(1, 100_000), 1000, {
      description: 'Calls that may stand at once; more are answered 503.',
    }),
    maxDuration: setting(duration('1m', '7d'), '4h', { description: 'How long a connected call may stand.' }),
    ringTimeout: setting(ringTimeout, '60s', {
      description: 'How long a final called number may ring before the terminals may choose another.',
    }),
    allow: setting(z.array(numberPrefix), ['+'], { description: 'Beginnings of the numbers that may be called.' }),
    deny: setting(z.array(numberPrefix), [], {
      description: 'Beginnings of the numbers that may not, though allowed above.',
    }),
    instructionsPerMinute: setting(wholeNumber(1, 1000), 10, {
      description: 'How many instructions an account may give in a minute.',
    }),
    maxNumbers: setting(wholeNumber(1, 20), 5, {
      description: 'Final called numbers that one instruction may name.',
    }),
    ipPhones: setting(z.array(ipPhoneTarget), [], {
      description: "Where terminals' own IP phones may be: prefixes of their addresses, and single sip: addresses.",
    }),
    phonesMayTransfer: setting(oneOf('never', 'ip-phones', 'all'), 'ip-phones', {
      description:
        "Which final phones may move the call on by their own transfer key (REFER): ip-phones, terminals' own of calls.ipPhones; all, also those behind a trunk; never. Checked as an instruction is.",
    }),
    drainWithin: setting(duration('0s', '1h'), '30s', {
      description: 'How long standing calls may go on after SIGTERM.',
    }),
  }),

  terminals: section('The terminals', {
    tokenLifetime: setting(duration('1m', '365d'), '30d', {
      description: 'How long a terminal stays logged in without its password.',
    }),
    maxPerAccount: setting(wholeNumber(1, 1000), 20, { description: 'Terminals of an account at the same time.' }),
    loginFailures: section('Wrong passwords: who has given too many is locked out', {
      perAccount: setting(wholeNumber(1, 10_000), 10, { description: 'Wrong passwords of an account in the window.' }),
      perAddress: setting(wholeNumber(1, 100_000), 50, {
        description: 'Wrong passwords from an address in the window.',
      }),
      window: setting(duration('1s', '1d'), '15m', { description: 'The time over which they are counted.' }),
      lockFor: setting(duration('1s', '7d'), '5m', { description: 'How long the lock lasts.' }),
    }),
  }),

  log: section('The log', {
    level: setting(oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'), 'info', {
      description: 'The least important lines that are written.',
    }),
    pretty: setting(oneOf('auto', true, false), 'auto', {
      description: 'Lines for people instead of JSON; auto: on a terminal.',
    }),
  }),
});

/** The settings as they are written, parsed; profiles are not yet applied. */
export type ParsedSettings = z.output<typeof settingsSchema>;
