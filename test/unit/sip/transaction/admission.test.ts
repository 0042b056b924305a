import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMessage } from '../../../../src/sip/message/parse.ts';
import type { Request } from '../../../../src/sip/message/message.ts';
import { AdmissionControl } from '../../../../src/sip/transaction/admission.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

const options: Request = (() => {
  const lines = [
    'OPTIONS sip:a@127.0.0.1 SIP/2.0',
    'Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1',
    'From: <sip:b@127.0.0.1>;tag=1',
    'To: <sip:a@127.0.0.1>',
    'Call-ID: 1',
    'CSeq: 1 OPTIONS',
    'Content-Length: 0',
  ];
  const message = parseMessage(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`));
  assert.ok(message.kind === 'request');
  return message;
})();

test('each source has its burst, and then what the rate gives', async () => {
  const clock = new FakeClock();
  const control = new AdmissionControl({ rate: 2, burst: 3, scanners: [] }, clock);
  const take = (address: string, times: number): number =>
    Array.from({ length: times }, () => control.judge(options, address)).filter((verdict) => verdict === 'take').length;
  assert.equal(take('192.0.2.1', 10), 3);
  assert.equal(take('192.0.2.2', 10), 3);
  await clock.advance(1000);
  assert.equal(take('192.0.2.1', 10), 2);
  await clock.advance(60_000);
  assert.equal(take('192.0.2.1', 10), 3);
  // one site of IPv6 is one source
  assert.equal(take('2001:db8::1', 2) + take('2001:db8::2', 10), 3);
  assert.equal(take('2001:db8:0:1::1', 10), 3);
});

test('without a rate all is taken', () => {
  const control = new AdmissionControl({ rate: 0, burst: 1, scanners: [] }, new FakeClock());
  for (let n = 0; n < 100; n++) assert.equal(control.judge(options, '192.0.2.1'), 'take');
});
