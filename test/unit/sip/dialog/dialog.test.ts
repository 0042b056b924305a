import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Dialog, requestUriOf } from '../../../../src/sip/dialog/dialog.ts';
import { Dialogs, dialogId } from '../../../../src/sip/dialog/dialogs.ts';
import { Draft } from '../../../../src/sip/message/draft.ts';
import type { Request, Response } from '../../../../src/sip/message/message.ts';
import { parseMessage } from '../../../../src/sip/message/parse.ts';

function request(method: string, headers: readonly string[]): Request {
  const message = parseMessage(Buffer.from(`${method} sip:service@127.0.0.1 SIP/2.0\r\n${lines(headers)}`));
  assert.ok(message.kind === 'request');
  return message;
}

function response(status: number, headers: readonly string[]): Response {
  const message = parseMessage(Buffer.from(`SIP/2.0 ${status} Answer\r\n${lines(headers)}`));
  assert.ok(message.kind === 'response');
  return message;
}

function lines(headers: readonly string[]): string {
  return `${['Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1', ...headers, 'Content-Length: 0'].join('\r\n')}\r\n\r\n`;
}

const invite = [
  'From: <sip:caller@10.0.0.1>;tag=theirs',
  'To: <sip:service@127.0.0.1>',
  'Call-ID: c1',
  'CSeq: 7 INVITE',
  'Contact: <sip:caller@10.0.0.9:5080>',
  'Record-Route: <sip:10.0.0.5;lr>, <sip:10.0.0.6;lr>',
];

describe('the UAS side (RFC 3261 12.1.1)', () => {
  test('its requests go along Record-Route in order to the Contact, From and To exchanged', () => {
    const dialog = Dialog.asServer(request('INVITE', invite), 'ours', 'confirmed');
    const bye = dialog.request('BYE');
    assert.equal(requestUriOf(bye), 'sip:caller@10.0.0.9:5080');
    assert.deepEqual(bye.all('Route'), ['<sip:10.0.0.5;lr>', '<sip:10.0.0.6;lr>']);
    assert.equal(dialog.nextHop, 'sip:10.0.0.5;lr');
    assert.equal(bye.get('From'), '<sip:service@127.0.0.1>;tag=ours');
    assert.equal(bye.get('To'), '<sip:caller@10.0.0.1>;tag=theirs');
    assert.equal(dialog.request('INFO').get('CSeq'), '2 INFO');
  });

  test('a strict router takes the Request-URI, and the target goes to the end (12.2.1.1)', () => {
    const strict = invite.map((line) => line.replace('10.0.0.5;lr', '10.0.0.5'));
    const dialog = Dialog.asServer(request('INVITE', strict), 'ours', 'confirmed');
    const bye = dialog.request('BYE');
    assert.equal(requestUriOf(bye), 'sip:10.0.0.5');
    assert.deepEqual(bye.all('Route'), ['<sip:10.0.0.6;lr>', '<sip:caller@10.0.0.9:5080>']);
    assert.equal(dialog.nextHop, 'sip:10.0.0.5');
  });

  test('a request with a CSeq number that was used is refused; a re-INVITE moves the target (12.2.2)', () => {
    const dialog = Dialog.asServer(request('INVITE', invite), 'ours', 'confirmed');
    const again = (sequence: number, method: string): Request =>
      request(method, [
        ...invite.slice(0, 3).map((line) => line.replace('127.0.0.1>', '127.0.0.1>;tag=ours')),
        `CSeq: ${sequence} ${method}`,
        'Contact: <sip:caller@10.0.0.10>',
      ]);
    assert.equal(dialog.accept(again(7, 'BYE')), false);
    assert.equal(dialog.accept(again(8, 'INFO')), true);
    assert.equal(dialog.remoteTarget, 'sip:caller@10.0.0.9:5080');
    assert.equal(dialog.accept(again(9, 'INVITE')), true);
    assert.equal(dialog.remoteTarget, 'sip:caller@10.0.0.10');
    assert.equal(dialog.accept(again(8, 'BYE')), false);
  });
});

describe('the UAC side (RFC 3261 12.1.2)', () => {
  const sent = Draft.request('INVITE', 'sip:bob@10.0.0.2')
    .add('From', '<sip:alice@127.0.0.1>;tag=ours')
    .add('To', '<sip:bob@10.0.0.2>')
    .add('Call-ID', 'c2')
    .add('CSeq', '100 INVITE');
  const answer = (status: number, route: string, contact: string): Response =>
    response(status, [
      'From: <sip:alice@127.0.0.1>;tag=ours',
      'To: <sip:bob@10.0.0.2>;tag=theirs',
      'Call-ID: c2',
      'CSeq: 100 INVITE',
      `Record-Route: ${route}`,
      `Contact: <${contact}>`,
    ]);

  test('its route is Record-Route in reverse; a 2xx computes it anew (13.2.2.4)', () => {
    const dialog = Dialog.asClient(sent, answer(180, '<sip:10.0.0.5;lr>, <sip:10.0.0.6;lr>', 'sip:bob@10.0.0.3'));
    assert.equal(dialog.state, 'early');
    assert.deepEqual(dialog.request('PRACK').all('Route'), ['<sip:10.0.0.6;lr>', '<sip:10.0.0.5;lr>']);
    dialog.confirmBy(answer(200, '<sip:10.0.0.7;lr>', 'sip:bob@10.0.0.4'));
    assert.equal(dialog.state, 'confirmed');
    const ack = dialog.ack(100);
    assert.equal(ack.get('CSeq'), '100 ACK');
    assert.deepEqual(ack.all('Route'), ['<sip:10.0.0.7;lr>']);
    assert.equal(requestUriOf(ack), 'sip:bob@10.0.0.4');
    assert.equal(dialog.request('BYE').get('CSeq'), '102 BYE');
  });
});

test('dialogs are found by the id of the application and by the To tag of the peer', () => {
  const dialogs = new Dialogs<{ id: string; callId: string; localTag: string }>();
  const entry = { id: 'c1;from-tag=theirs', callId: 'c1', localTag: 'ours' };
  dialogs.add(entry);
  const bye = [...invite.slice(0, 1), 'To: <sip:service@127.0.0.1>;tag=ours', 'Call-ID: c1', 'CSeq: 8 BYE'];
  assert.equal(dialogs.of(request('BYE', bye)), entry);
  assert.equal(dialogs.get(entry.id), entry);
  dialogs.remove(entry);
  assert.equal(dialogs.of(request('BYE', bye)), undefined);
  assert.equal(dialogs.size, 0);
});

test('a call that comes back to the same server gives its two ends different ids', () => {
  const taken = new Set<string>();
  const first = dialogId('c1', 't', (id) => taken.has(id));
  taken.add(first);
  assert.equal(first, 'c1;from-tag=t');
  assert.notEqual(
    dialogId('c1', 't', (id) => taken.has(id)),
    first,
  );
});
