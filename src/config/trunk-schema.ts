// The settings of a trunk and of a trunk profile.
import { z } from 'zod';
import type { ConnectMode } from '../call/record.ts';
import {
  addressPrefix,
  digits,
  duration,
  kind,
  gatewayUri,
  oneOf,
  optional,
  parseDuration,
  required,
  setting,
  text,
  wholeNumber,
  yesNo,
} from './kinds.ts';
import { trunkMedia } from './media-schema.ts';
import { areaCode, country, name, numberPrefix } from './words.ts';

const number = digits('a number such as "+8675520000001"', /^\+?[\d ()./-]{3,24}$/);
const headerName = text('the name of a SIP header', /^[A-Za-z0-9!%*_+`'~.-]{1,64}$/);
const hostText = text('a host name or address', /^[\w.:[\]-]{1,253}$/);
const optionTag = text('an option tag such as 100rel', /^[A-Za-z0-9!%*_+`'~.-]{1,64}$/);
const dialPrefix = digits('a dialling prefix such as "9" or "00"', /^[\d*#]{1,8}$/);

/** How the INVITEs of a trunk are read (numbers/); a key that is absent is the reader's own default. */
const readingShape = {
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
  maxDiversions: optional(wholeNumber(1, 99), {
    description: 'Diversions before a call counts as one that may go round in circles; 5 unless set.',
  }),
  tooManyDiversions: optional(oneOf('hint', 'refuse'), {
    description: 'What more diversions are: hint: noted, and the call goes on; refuse: 482. hint unless set.',
  }),
  supportedOptions: optional(z.array(optionTag), {
    description: 'Option tags that a Require header may name; other ones are answered 420.',
  }),
  outsidePrefix: optional(dialPrefix, { description: 'What is dialled before an outside number behind a PBX.' }),
  internationalPrefix: optional(dialPrefix, { description: 'What is dialled before an international number.' }),
  defaultCountry: optional(country, { description: 'Country of national numbers on this trunk.' }),
  areaCode: optional(areaCode, { description: 'Area of local numbers on this trunk.' }),
};

/** How the caller and the diversion are shown on calls that we send (numbers/present.ts). */
const identity = z.strictObject({
  from: optional(oneOf('caller', 'subscriber'), { description: 'Whose number From shows; caller unless set.' }),
  assert: optional(oneOf('caller', 'subscriber', 'none'), {
    description: 'Whose number P-Asserted-Identity shows; caller unless set.',
  }),
  trusted: optional(yesNo, {
    description: 'Whether the gateways may be told withheld numbers, with Privacy (RFC 3325); true unless set.',
  }),
  numberFormat: optional(oneOf('plus', 'country-code', 'national'), {
    description: 'How numbers are written towards the gateways; plus unless set.',
  }),
  country: optional(country, { description: 'Country of numbers in national form; the numbering country unless set.' }),
  domain: optional(hostText, { description: 'Host of the identities; that of the call unless set.' }),
  diversion: optional(yesNo, { description: 'Whether the Diversion header is written (RFC 5806); true unless set.' }),
  historyInfo: optional(yesNo, { description: 'Whether History-Info is written (RFC 7044); true unless set.' }),
  legToken: optional(yesNo, {
    description:
      'Whether Diversion and History-Info carry what our own leg is known by when it comes back; true unless set.',
  }),
  hideServiceNumber: optional(yesNo, {
    description: 'Whether Diversion and History-Info are kept free of our own numbers; false unless set.',
  }),
});

/** What of the network's own headers goes on to the gateways (trunk/network-headers.ts). */
const network = z.strictObject({
  chargingVector: optional(oneOf('keep', 'own', 'drop'), {
    description: "P-Charging-Vector (RFC 7315): the caller's icid, one of our own, or none; keep unless set.",
  }),
  originIoi: optional(text('an operator identifier such as home1.net', /^[\w.-]{1,128}$/), {
    description: 'Our operator identifier, written as orig-ioi into P-Charging-Vector; none unless set.',
  }),
  accessNetworkInfo: optional(oneOf('keep', 'drop'), {
    description: "Whether the caller's P-Access-Network-Info goes on (RFC 7315); keep unless set.",
  }),
  identity: optional(oneOf('keep', 'drop'), {
    description: "Whether the caller's signed Identity goes on (RFC 8224); drop unless set.",
  }),
});

const optionsInterval = duration('0s', '1h');
const gatewayTimeout = duration('100ms', '32s');
export const ringTimeout = duration('1s', '10m');
const sessionInterval = kind('0s, or a duration from 90s to 24h', (input) => {
  const milliseconds = typeof input === 'string' ? parseDuration(input) : undefined;
  const fits =
    milliseconds === 0 || (milliseconds !== undefined && milliseconds >= 90_000 && milliseconds <= 86_400_000);
  return fits ? milliseconds : undefined;
});
const connect = kind(
  'a list of bridge, refer and redirect, each at most once and one at least',
  (input): readonly [ConnectMode, ...ConnectMode[]] | undefined => {
    const parsed = z.array(z.enum(['bridge', 'refer', 'redirect'])).safeParse(input);
    const [first, ...others] = parsed.success ? parsed.data : [];
    return first !== undefined && new Set(parsed.data).size === others.length + 1 ? [first, ...others] : undefined;
  },
);
const signallingShape = {
  connect: optional(connect, {
    description:
      'How its calls may be connected, the preferred way first: bridge (both legs through us), refer (REFER to the trunk), redirect (302 before the answer). [bridge] unless set.',
  }),
  announceForwarding: optional(yesNo, {
    description: 'Whether its callers are told by 181 that their call is forwarded (3GPP TS 24.604); false unless set.',
  }),
  reliableProvisionals: optional(oneOf('required', 'supported', 'never'), {
    description:
      'Whose provisional responses are reliable (RFC 3262). required: towards callers that require it. supported: towards all that can. never: also not offered to targets. required unless set.',
  }),
  sessionInterval: optional(sessionInterval, {
    description:
      'How long a call may stand without a sign of life (session timer, RFC 4028), refreshed half-way; 0s asks for none. 30m unless set.',
  }),
  identity: optional(identity, { description: 'How the caller and the diversion are shown on calls from us.' }),
  network: optional(network, {
    description: "Which of the network's own headers go on from the caller's leg to the gateways.",
  }),
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

const mediaShape = {
  media: optional(trunkMedia, { description: 'What its voice is to be like; needs media.mode: rtpengine.' }),
};

/** What stands in a file of config/trunk-profiles. */
export const profileSchema = z.strictObject({ ...readingShape, ...signallingShape, ...mediaShape });
export type TrunkProfile = z.output<typeof profileSchema>;

export const trunk = z.strictObject({
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
  ...mediaShape,
});

export const route = z.strictObject({
  prefix: required(numberPrefix, { description: 'Beginning of the numbers; the longest that fits wins.' }),
  trunk: required(name, { description: 'Name of the trunk that they are called over.' }),
});
