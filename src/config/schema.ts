// Every setting: its place, kind, default and meaning. The README's table, config/default.yaml, the names of
// the variables and the checks are all made from this file.
import { isSupportedCountry } from 'libphonenumber-js/min';
import { z } from 'zod';
import {
  addressPrefix,
  digits,
  duration,
  engineAddress,
  gatewayUri,
  ipAddress,
  ipPhoneTarget,
  kind,
  listenAddress,
  mongodbUri,
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

const name = text('a name of 1 to 64 letters, digits, dots, dashes or underscores', /^[\w.-]{1,64}$/);
const finalStatus = wholeNumber(300, 699);
const numberPrefix = digits(
  'the beginning of a number (+, +86, 0755, 95588, sip:) or "" for all',
  /^(\+?\d{0,15}|sip:\S*)$/,
);
const country = kind('a country in capitals such as CN', (input) =>
  typeof input === 'string' && isSupportedCountry(input) ? input : undefined,
);
const areaCode = digits('an area code without its leading 0, such as "755", or ""', /^([1-9]\d{0,5})?$/);
const number = digits('a number such as "+8675520000001"', /^\+?[\d ()./-]{3,24}$/);
const headerName = text('the name of a SIP header', /^[A-Za-z0-9!%*_+`'~.-]{1,64}$/);
const optionTag = text('an option tag such as 100rel', /^[A-Za-z0-9!%*_+`'~.-]{1,64}$/);
const dialPrefix = digits('a dialling prefix such as "9" or "00"', /^[\d*#]{1,8}$/);

/** How the INVITEs of a trunk are read (numbers/); a key that is absent is the reader's own default. */
export const readingShape = {
  trustIdentity: optional(yesNo, {
    description: 'Whether the peer is inside the trust domain of RFC 3325: P-Asserted-Identity and Privacy count.',
  }),
  callerPreference: optional(oneOf('pai', 'from'), {
    description: 'Which number is the caller when P-Asserted-Identity and From differ.',
  }),
  diversionOrder: optional(oneOf('standard', 'reversed'), {
    description: 'standard: the last Diversion entry was diverted first (RFC 7544). reversed: the first entry was.',
  }),
  serviceNumbers: optional(z.array(number), {
    description: 'The numbers of the service on this trunk: calls to any other are answered 404.',
  }),
  map: optional(z.record(z.string(), number), {
    description:
      'Second called number to first called number, where each subscriber has a service number of their own.',
  }),
  accounts: optional(z.record(z.string(), number), {
    description:
      'User part of the Request-URI to the second called number, where the trunk sends the name of its account.',
  }),
  secondCalledFrom: optional(z.array(oneOf('request-uri', 'to', 'p-called-party-id', 'isup')), {
    description: 'Where the second called number stands, in order.',
  }),
  firstCalledHeader: optional(headerName, {
    description: "A header of the operator's own that names the first called number.",
  }),
  supportedOptions: optional(z.array(optionTag), {
    description: 'Option tags that a Require header may name; other ones are answered 420.',
  }),
  outsidePrefix: optional(dialPrefix, { description: 'What is dialled before an outside number behind a PBX.' }),
  internationalPrefix: optional(dialPrefix, { description: 'What is dialled before an international number.' }),
  defaultCountry: optional(country, { description: 'Country of national numbers on this trunk.' }),
  areaCode: optional(areaCode, { description: 'Area of local numbers on this trunk.' }),
};

const optionsInterval = duration('0s', '1h');
const gatewayTimeout = duration('100ms', '32s');
const ringTimeout = duration('1s', '10m');
const signallingShape = {
  optionsInterval: optional(optionsInterval, {
    description: 'How often each gateway is asked with OPTIONS whether it is there; 0 never asks. 30s unless set.',
  }),
  gatewayTimeout: optional(gatewayTimeout, {
    description: 'After this time without any response the next gateway is tried. 4s unless set.',
  }),
  ringTimeout: optional(ringTimeout, {
    description: 'How long a final called number may ring; calls.ringTimeout unless set.',
  }),
};

/** What stands in a file of config/trunk-profiles. */
export const profileSchema = z.strictObject({ ...readingShape, ...signallingShape });
export type TrunkProfile = z.output<typeof profileSchema>;

const trunk = z.strictObject({
  name: required(name, { description: 'Name of the trunk, for routes, records and log.' }),
  profile: setting(name, 'generic', {
    description: 'The trunk profile whose keys hold where the trunk does not set them: trunk-profiles/NAME.yaml.',
  }),
  peers: setting(z.array(addressPrefix), [], {
    description: 'Addresses and prefixes that may send us calls; all others are answered 403.',
  }),
  gateways: setting(z.array(gatewayUri), [], { description: 'Where our calls go, in this order.' }),
  credentials: optional(
    z.strictObject({
      username: required(text('text without spaces', /^\S{1,128}$/), { description: 'User name for its gateways.' }),
      password: required(text('text of 1 to 256 characters', /^[^\r\n]{1,256}$/), {
        description: 'Password for its gateways.',
        secret: true,
      }),
    }),
    { description: 'What a 401 or 407 of its gateways is answered with (RFC 3261 22).' },
  ),
  ...readingShape,
  ...signallingShape,
});

const route = z.strictObject({
  prefix: required(numberPrefix, { description: 'Beginning of the numbers; the longest that fits wins.' }),
  trunk: required(name, { description: 'Name of the trunk that they are called over.' }),
});

export const settingsSchema = z.strictObject({
  node: setting(name, 'ringaway-1', {
    description: 'Name of this node in records; each node has its own, and keeps it.',
  }),

  sip: section('The SIP side', {
    server: setting(sipServer, 'builtin', {
      description: 'The SIP server: builtin, or drachtio://user:secret@host:9022 for a drachtio-server.',
    }),
    listen: setting(z.array(sipListenAddress).min(1), ['udp://127.0.0.1:5060', 'tcp://127.0.0.1:5060'], {
      description: 'Where the built-in SIP server listens.',
    }),
    control: setting(listenAddress, '127.0.0.1:9022', {
      description: 'Where `ringaway sip-server` listens for the application (drachtio control protocol).',
    }),
    controlSecret: optional(text('a secret of 8 to 256 characters without spaces', /^\S{8,256}$/), {
      description: 'Secret of that control connection; `ringaway sip-server` needs it.',
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

  media: section('The path of the voice', {
    mode: setting(oneOf('direct', 'rtpengine'), 'direct', {
      description: 'direct: both sides send to each other; rtpengine: through a relay.',
    }),
    engines: setting(z.array(engineAddress), [], {
      description: 'The ng ports of the rtpengines, as udp://address:port.',
      example: 'engines: [udp://127.0.0.1:2223]',
    }),
    timeout: setting(duration('50ms', '10s'), '1s', { description: 'How long an rtpengine may take to answer.' }),
  }),

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
      description: 'How long a caller is held at most, all attempts together.',
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
    ipPhones: setting(z.array(ipPhoneTarget), [], {
      description: "Where terminals' own IP phones may be: prefixes of their addresses, and single sip: addresses.",
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
