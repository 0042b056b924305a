// The settings of the media: the relays, and what each trunk wants of them.
import { z } from 'zod';
import {
  digitEventsAddress,
  duration,
  engineAddress,
  kind,
  oneOf,
  optional,
  section,
  setting,
  text,
  wholeNumber,
  type Kind,
} from './kinds.ts';

/** One relay. */
export interface EngineSettings {
  /** `udp://host:port` of its ng port. */
  address: string;
  /** Its share of new calls, compared with the others: 1 to 1,000. */
  weight: number;
  /** Whether it gets no new calls. */
  drain: boolean;
}

const engineEntry = z.strictObject({
  address: engineAddress,
  weight: wholeNumber(1, 1_000).prefault(1),
  drain: z.boolean().prefault(false),
});

const engine: Kind<EngineSettings> = kind(
  'udp://address:port of an rtpengine such as udp://127.0.0.1:2223, or { address, weight: 1 to 1000, drain: true or false }',
  (input) => engineEntry.safeParse(typeof input === 'string' ? { address: input } : input).data,
);

export const media = section('The path of the voice', {
  mode: setting(oneOf('direct', 'rtpengine'), 'direct', {
    description: 'direct: both sides send to each other; rtpengine: through a relay.',
  }),
  engines: setting(z.array(engine), [], {
    description:
      'The ng ports of the rtpengines, as udp://address:port or { address, weight, drain }: new calls go to each by its weight (1), and to none that drains (false). Read again at SIGHUP.',
    example: 'engines: [udp://127.0.0.1:2223, { address: "udp://127.0.0.1:2224", weight: 3 }]',
  }),
  timeout: setting(duration('50ms', '10s'), '1s', { description: 'How long an rtpengine may take to answer.' }),
  digitEvents: optional(digitEventsAddress, {
    description:
      'Where the rtpengines tell which keys were pressed, as udp://address:port; the same address stands in their --dtmf-log-dest. Keys that one side presses as RFC 4733 events then go on by INFO to a side that takes no events (its trunk says digits: info, or it agreed to none), each once and in order. Only the addresses of media.engines are listened to. Unset: such keys do not arrive.',
    example: 'digitEvents: udp://127.0.0.1:2224',
  }),
  silentAfter: setting(duration('0s', '1h'), '90s', {
    description:
      'After this time without a packet (RTP or RTCP) from a side that is not on hold, a connected call ends. 0s never ends one. When both sides are silent, rtpengine removes the session by itself (its timeout, 60 s); then both are asked whether they are still there.',
  }),
});

/** Names of RFC 3551 and of the payload formats: their case says nothing. */
const codec = text('the name of a codec such as PCMA, G722 or opus', /^[A-Za-z][\w.-]{0,31}$/);
const codecs = z.array(codec).min(1);

/** What stands below `media` of a trunk or a profile (media/policy.ts). */
export const trunkMedia = z.strictObject({
  codecs: optional(codecs, {
    description:
      'The codecs of this trunk, in order of preference: no others are used there, and they are offered by translation where the other side has none of them. Whatever both sides know unless set.',
  }),
  ptime: optional(wholeNumber(10, 120), {
    description: 'Milliseconds of voice in the packets to this trunk; that of the other side unless set.',
  }),
  digits: optional(oneOf('agreed', 'rfc4733', 'inband', 'info'), {
    description:
      'How digits go to this trunk. agreed: RFC 4733 where both sides know it, else INFO; rfc4733: always offered, tones become events; inband: as tones; info: INFO alone. Events of the other side become INFO where media.digitEvents is set; tones never do. agreed unless set.',
  }),
  srtp: optional(oneOf('off', 'accept', 'require'), {
    description:
      'SRTP with keys in the description (SDES). off: never; accept: when the other end offers it; require: always. accept unless set.',
  }),
  addresses: optional(oneOf('ipv4', 'ipv6'), {
    description: 'The addresses that the relay shows to this trunk; those of the other side unless set.',
  }),
  interface: optional(text('the name of an interface of rtpengine', /^[\w.:-]{1,64}$/), {
    description:
      "Name of the relay's interface for this trunk (rtpengine --interface=NAME/ADDRESS); its first unless set.",
  }),
});
