import assert from 'node:assert/strict';
import { readInviteOctets, type Reading } from '../../src/numbers/read.ts';

/** What is read of a plain INVITE: this caller, this number in To, the service's own number in the Request-URI. */
export function readingOf(facts: { caller: string; firstCalled: string }): Reading {
  const lines = [
    'INVITE sip:+8675529990000@192.0.2.1 SIP/2.0',
    'Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK1',
    `From: <sip:${facts.caller}@ims.example.net>;tag=a`,
    `To: <sip:${facts.firstCalled}@ims.example.net>`,
    'Call-ID: 1@192.0.2.9',
    'CSeq: 1 INVITE',
    'Contact: <sip:192.0.2.9>',
    'Content-Length: 0',
    '',
    '',
  ];
  const result = readInviteOctets(Buffer.from(lines.join('\r\n')), { defaultCountry: 'CN', areaCode: '755' });
  assert.ok(result.ok, 'the INVITE of the test can be read');
  return result.reading;
}
