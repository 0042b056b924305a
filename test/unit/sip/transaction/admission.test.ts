import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMessage } from '../../../../src/sip/message/parse.ts';
import type { Request } from '../../../../src/sip/message/message.ts';
import { AdmissionControl } from '../../../../src/sip/transaction/admission.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

const options = request();

function request(...more: string[]): Request {
  const lines = [
    'OPTIONS sip:a@127.0.0.1 SIP/2.0',
    'Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1',
    ...(more.some((line) => line.startsWith('From')) ? [] : ['From: <sip:b@127.0.0.1>;tag=1']),
    ...more,
    'To: <sip:a@127.0.0.1>',
    'Call-ID: 1',
    'CSeq: 1 OPTIONS',
    'Content-Length: 0',
  ];
  const message = parseMessage(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`));
  assert.ok(message.kind === 'request');
  return message;
}

test('each source has its burst, and then what the rate gives', async () => {
  const clock = new FakeClock();
  const control = new AdmissionControl({ rate: 2, burst: 3, scanners: [] }, clock);
  const take = (address: string, times: number): number =>
    Array.from({ length: times }, () => control.judge(options, address, 0)).filter(({ is }) => is === 'take').length;
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
  for (let n = 0; n < 100; n++) assert.equal(control.judge(options, '192.0.2.1', 1_000_000).is, 'take');
});

test('scanners are known by what they write into User-Agent, From and To', () => {
  const control = new AdmissionControl({ rate: 0, burst: 1, scanners: ['SIPvicious', '100@1.1.1.1'] }, new FakeClock());
  const judge = (...more: string[]) => control.judge(request(...more), '192.0.2.1', 0);
  for (const line of [
    'User-Agent: sipvicious 0.3',
    'From: "sipvicious" <sip:b@127.0.0.1>;tag=1',
    'From: <sip:100@1.1.1.1>;tag=1',
  ]) {
    assert.deepEqual(judge(line), { is: 'drop', as: 'scanner' }, line);
  }
  assert.equal(judge('User-Agent: a phone', 'Subject: sipvicious').is, 'take');
});

test('a flood gets as many refusals as the rate gives it answers, and no more', async () => {
  const clock = new FakeClock();
  const control = new AdmissionControl({ rate: 2, burst: 3, scanners: [] }, clock);
  const verdicts = Array.from({ length: 10 }, () => control.judge(options, '192.0.2.1', 0));
  assert.deepEqual(
    verdicts.map(({ is }) => is),
    ['take', 'take', 'take', 'refuse', 'refuse', 'refuse', 'drop', 'drop', 'drop', 'drop'],
  );
  assert.deepEqual(verdicts.at(-1), { is: 'drop', as: 'refused' });
  await clock.advance(500);
  assert.equal(control.judge(options, '192.0.2.1', 0).is, 'take');
});

test('what is malformed counts like a request', () => {
  const control = new AdmissionControl({ rate: 1, burst: 2, scanners: [] }, new FakeClock());
  assert.deepEqual(
    [1, 2, 3].map(() => control.answersMalformed('192.0.2.1')),
    [true, true, false],
  );
  assert.equal(control.judge(options, '192.0.2.1', 0).is, 'refuse');
  assert.equal(control.answersMalformed('192.0.2.2'), true);
});

test('whoever is answered 403 too often hears nothing for a while, as often as that happens', async () => {
  const clock = new FakeClock();
  const control = new AdmissionControl({ rate: 0, burst: 1, scanners: [], forbidden: 3, silence: 60_000 }, clock);
  const knock = () => control.forbade('192.0.2.1');
  assert.deepEqual([knock(), knock(), knock()], [false, false, false]);
  assert.equal(control.judge(options, '192.0.2.1', 0).is, 'take');
  assert.equal(knock(), true);
  assert.deepEqual(control.judge(options, '192.0.2.1', 0), { is: 'drop', as: 'scanner' });
  assert.equal(control.answersMalformed('192.0.2.1'), false);
  assert.equal(control.judge(options, '192.0.2.2', 0).is, 'take');
  assert.equal(knock(), false, 'it is told once');
  await clock.advance(60_000);
  assert.equal(control.judge(options, '192.0.2.1', 0).is, 'take');
});

test('all strangers together have one share, whatever their addresses; peers have their own', async () => {
  const clock = new FakeClock();
  const limits = { rate: 10, burst: 10, scanners: [], peers: ['192.0.2.0/28'], strangers: 5 };
  const control = new AdmissionControl(limits, clock);
  const judge = (address: string) => control.judge(options, address, 0);
  const verdicts = Array.from({ length: 8 }, (_, n) => judge(`203.0.113.${n}`));
  assert.equal(verdicts.filter(({ is }) => is === 'take').length, 5);
  assert.deepEqual(verdicts.at(-1), { is: 'drop', as: 'refused' });
  assert.equal(control.answersMalformed('203.0.113.99'), false);
  assert.equal(judge('192.0.2.1').is, 'take');
  await clock.advance(200);
  assert.deepEqual([judge('203.0.113.1').is, judge('203.0.113.2').is], ['take', 'drop']);
  // where nobody said who the peers are, nobody is a stranger
  const open = new AdmissionControl({ rate: 0, burst: 1, scanners: [], strangers: 1 }, clock);
  assert.deepEqual(
    [open.judge(options, '203.0.113.1', 0).is, open.judge(options, '203.0.113.1', 0).is],
    ['take', 'take'],
  );
});

test('seldom 403s silence nobody', async () => {
  const clock = new FakeClock();
  const control = new AdmissionControl({ rate: 0, burst: 1, scanners: [], forbidden: 3 }, clock);
  for (let n = 0; n < 20; n++) {
    assert.equal(control.forbade('192.0.2.1'), false);
    await clock.advance(20_000);
  }
});

test('above so many transactions in all, new requests are refused whoever sends them', () => {
  const control = new AdmissionControl({ rate: 10, burst: 10, scanners: [], transactions: 100 }, new FakeClock());
  assert.equal(control.judge(options, '192.0.2.1', 99).is, 'take');
  assert.equal(control.judge(options, '192.0.2.1', 100).is, 'refuse');
});
