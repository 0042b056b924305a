import { readInviteOctets, type Reading, type TrunkReadingSettings } from '../../../src/numbers/read.ts';

export const china: TrunkReadingSettings = { defaultCountry: 'CN', areaCode: '755' };
export const caller = '+8613800138000';
export const second = '+8675529990001';
export const first = '+8675520000001';
export const other = '+8675520000002';

export interface InviteFacts {
  uri?: string;
  from?: string;
  to?: string;
  headers?: readonly string[];
  contentType?: string;
  body?: Buffer;
}

/** An INVITE that calls the service, with these facts in place of the plain ones. */
export function invite(facts: InviteFacts = {}): Buffer {
  const body = facts.body ?? Buffer.alloc(0);
  const lines = [
    `INVITE ${facts.uri ?? `sip:${second}@as.example.net`} SIP/2.0`,
    'Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1',
    'Max-Forwards: 66',
    `From: ${facts.from ?? `<sip:${caller}@ims.example.net>`};tag=f1`,
    `To: <sip:${facts.to ?? second}@as.example.net>`,
    'Call-ID: 1@192.0.2.1',
    'CSeq: 1 INVITE',
    ...(facts.headers ?? []),
    ...(facts.contentType === undefined ? [] : [`Content-Type: ${facts.contentType}`]),
    `Content-Length: ${body.length}`,
  ];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), body]);
}

/** What is read; throws when the INVITE is refused. */
export function read(facts: InviteFacts, settings: Partial<TrunkReadingSettings> = {}): Reading {
  const result = readInviteOctets(invite(facts), { ...china, ...settings });
  if (!result.ok) throw new Error(`refused: ${result.error.status} ${result.error.why}`);
  return result.reading;
}

/** The status of the refusal; undefined when the INVITE is read. */
export function refusal(facts: InviteFacts, settings: Partial<TrunkReadingSettings> = {}): number | undefined {
  const result = readInviteOctets(invite(facts), { ...china, ...settings });
  return result.ok ? undefined : result.error.status;
}
