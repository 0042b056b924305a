// Parser and serialiser alone.
import { Draft } from '../../src/sip/message/draft.ts';
import { parseMessage } from '../../src/sip/message/parse.ts';
import { median } from './numbers.ts';

/** How long each is repeated; milliseconds. A warm-up of as long goes before. */
const span = 1_000;
const batch = 1_000;

const sdp = [
  'v=0',
  'o=- 20518 0 IN IP4 203.0.113.1',
  's=-',
  'c=IN IP4 203.0.113.1',
  't=0 0',
  'm=audio 54400 RTP/AVP 8 0 96',
  'a=rtpmap:8 PCMA/8000',
  'a=rtpmap:0 PCMU/8000',
  'a=rtpmap:96 telephone-event/8000',
  'a=fmtp:96 0-15',
  'a=ptime:20',
  'a=sendrecv',
  '',
].join('\r\n');

/** As an operator's network sends it. */
export const invite = Buffer.from(
  [
    'INVITE sip:+81501234567@192.0.2.10:5060;user=phone SIP/2.0',
    'Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK8f2a6c1e0d4b;rport',
    'Max-Forwards: 68',
    'From: "Caller" <sip:+81312345678@ims.example.com;user=phone>;tag=3c6a1e9f',
    'To: <sip:+81501234567@ims.example.com;user=phone>',
    'Call-ID: 5f0e2c7a9b1d4e38@198.51.100.7',
    'CSeq: 1 INVITE',
    'Contact: <sip:198.51.100.7:5060;transport=udp>',
    'Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO',
    'Supported: 100rel, timer, replaces',
    'Session-Expires: 1800;refresher=uac',
    'Min-SE: 90',
    'P-Asserted-Identity: <sip:+81312345678@ims.example.com>, <tel:+81312345678>',
    'Privacy: none',
    'User-Agent: softswitch/7.2',
    'P-Charging-Vector: icid-value=8f2a6c1e',
    'Diversion: <sip:+81451112222@ims.example.com>;reason=unconditional;counter=1',
    'Content-Type: application/sdp',
    `Content-Length: ${sdp.length}`,
    '',
    sdp,
  ].join('\r\n'),
);

export interface MessagesResult {
  readonly what: string;
  readonly perSecond: number;
}

export function measureMessages(runs: number): MessagesResult[] {
  const message = parseMessage(invite);
  const draft = Draft.from(message);
  const kinds: readonly (readonly [string, () => unknown])[] = [
    ['INVITE indexed: parseMessage', () => parseMessage(invite)],
    ['INVITE written: Draft.toBuffer', () => draft.toBuffer()],
    [
      'INVITE read and written again: parseMessage, Draft.from, toBuffer',
      () => Draft.from(parseMessage(invite)).toBuffer(),
    ],
  ];
  return kinds.map(([what, once]) => {
    perSecond(once);
    return { what, perSecond: median(Array.from({ length: runs }, () => perSecond(once))) };
  });
}

function perSecond(once: () => unknown): number {
  const start = performance.now();
  const before = process.cpuUsage();
  let count = 0;
  let kept: unknown;
  while (performance.now() - start < span) {
    for (let n = 0; n < batch; n++) kept = once(); // kept, so that the compiler may not leave it out
    count += batch;
  }
  if (kept === undefined) throw new Error('nothing was made');
  // Of the time that the process had a processor, that of garbage collection included: other work on the machine does not count.
  const { user, system } = process.cpuUsage(before);
  return (count * 1e6) / (user + system);
}
