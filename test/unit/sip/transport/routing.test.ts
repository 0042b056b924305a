import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Request } from '../../../../src/sip/message/message.ts';
import { MalformedMessage, parseMessage } from '../../../../src/sip/message/parse.ts';
import { parseVia } from '../../../../src/sip/message/via.ts';
import { formatListenAddress, parseListenAddress, type Flow } from '../../../../src/sip/transport/addresses.ts';
import { refusal } from '../../../../src/sip/transport/refusal.ts';
import { responseTarget, stampSource } from '../../../../src/sip/transport/routing.ts';
import { invite, type InviteParts } from '../../../support/sip-messages.ts';

const flow: Flow = {
  transport: 'udp',
  localAddress: '192.0.2.100',
  localPort: 5060,
  remoteAddress: '192.0.2.7',
  remotePort: 40_000,
};

function stamped(via: string, from = flow): string | undefined {
  const message = parseMessage(invite({ via: `Via: ${via}` }));
  assert.ok(message instanceof Request);
  stampSource(message, from);
  return message.get('Via');
}

describe('the topmost Via of a received request', () => {
  test('stays when it tells the truth', () => {
    assert.equal(stamped('SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1'), 'SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1');
  });

  test('gets received for a name or another address (RFC 3261 18.2.1)', () => {
    assert.equal(stamped('SIP/2.0/UDP pc33:5066'), 'SIP/2.0/UDP pc33:5066;received=192.0.2.7');
    assert.equal(stamped('SIP/2.0/UDP 10.0.0.1'), 'SIP/2.0/UDP 10.0.0.1;received=192.0.2.7');
  });

  test('gets rport and received when asked (RFC 3581 4)', () => {
    assert.equal(stamped('SIP/2.0/UDP 192.0.2.7;rport'), 'SIP/2.0/UDP 192.0.2.7;rport=40000;received=192.0.2.7');
  });

  test('does not believe what the sender wrote there', () => {
    assert.equal(stamped('SIP/2.0/UDP 192.0.2.7;received=203.0.113.1'), 'SIP/2.0/UDP 192.0.2.7');
    assert.equal(stamped('SIP/2.0/UDP h;rport=1;received=203.0.113.1'), 'SIP/2.0/UDP h;rport=40000;received=192.0.2.7');
  });

  test('of IPv6, in brackets or not, without a zone', () => {
    const from = { ...flow, remoteAddress: 'fe80::7%eth0' };
    assert.equal(stamped('SIP/2.0/UDP [FE80::7]', from), 'SIP/2.0/UDP [FE80::7]');
    assert.equal(stamped('SIP/2.0/UDP [fe80::8]', from), 'SIP/2.0/UDP [fe80::8];received=fe80::7');
  });
});

describe('a response goes', () => {
  const target = (via: string, from = flow): string => {
    const { address, port } = responseTarget(parseVia(via), from);
    return `${address} ${port}`;
  };

  test('to received and rport, or the port of sent-by, or 5060', () => {
    assert.equal(target('SIP/2.0/UDP h:5066;received=192.0.2.7;rport=40000'), '192.0.2.7 40000');
    assert.equal(target('SIP/2.0/UDP h:5066;received=192.0.2.7'), '192.0.2.7 5066');
    assert.equal(target('SIP/2.0/UDP 192.0.2.7'), '192.0.2.7 5060');
  });

  test('to maddr when there is one', () => {
    assert.equal(target('SIP/2.0/UDP h:5066;maddr=239.255.255.1;received=192.0.2.7;rport=1'), '239.255.255.1 5066');
  });

  test('on TCP never to the port of the connection that is gone', () => {
    const from: Flow = { ...flow, transport: 'tcp' };
    assert.equal(target('SIP/2.0/TCP h:5066;received=192.0.2.7;rport=40000', from), '192.0.2.7 5066');
  });

  test('back to the source when the Via says nothing usable', () => {
    assert.equal(target('nonsense'), '192.0.2.7 40000');
    assert.equal(target('SIP/2.0/UDP some.name:5066'), '192.0.2.7 5066');
    assert.equal(target('SIP/2.0/UDP h;received=192.0.2.7;rport=x'), '192.0.2.7 5060');
    assert.equal(target('SIP/2.0/UDP h:0;received=192.0.2.7'), '192.0.2.7 5060');
  });

  test('with the zone of a link-local source', () => {
    const from = { ...flow, remoteAddress: 'fe80::7%eth0' };
    assert.equal(target('SIP/2.0/UDP [fe80::7]:5066', from), 'fe80::7%eth0 5066');
  });
});

describe('the answer to a malformed request', () => {
  const answer = (parts: InviteParts): { text: string; port: number } | undefined => {
    try {
      parseMessage(invite(parts));
    } catch (error) {
      assert.ok(error instanceof MalformedMessage);
      const made = refusal(error, flow);
      return made && { text: made.octets.toString(), port: made.target.port };
    }
    return assert.fail('accepted');
  };

  test('has Via stamped, a tag in To that is always the same, and the way back', () => {
    const parts = { via: 'Via: SIP/2.0/UDP h:5066;rport, SIP/2.0/UDP second', cseq: 'CSeq: x' };
    const made = answer(parts);
    assert.ok(made);
    assert.match(made.text, /^SIP\/2\.0 400 Bad Request \(Malformed CSeq\)\r\n/);
    assert.match(
      made.text,
      /\r\nVia: SIP\/2\.0\/UDP h:5066;rport=40000;received=192\.0\.2\.7, SIP\/2\.0\/UDP second\r\n/,
    );
    assert.match(made.text, /\r\nTo: <sip:\+8675529990001@as\.example\.net>;tag=[0-9a-f]{16}\r\n/);
    assert.equal(made.port, 40_000);
    assert.deepEqual(answer(parts), made);
  });

  test('goes to the source when the Via is what is malformed', () => {
    const made = answer({ via: 'Via: SIP/2.0/UDP ;;x' });
    assert.ok(made);
    assert.match(made.text, /\r\nVia: SIP\/2\.0\/UDP ;;x\r\n/);
    assert.equal(made.port, 40_000);
  });

  test('is none for an ACK and for what has no Via', () => {
    assert.equal(answer({ requestLine: 'ACK sip:h SIP/2.0', cseq: 'CSeq: x ACK' }), undefined);
    assert.equal(answer({ via: undefined }), undefined);
  });
});

test('listening addresses', () => {
  assert.deepEqual(parseListenAddress('udp://127.0.0.1:5070'), { transport: 'udp', address: '127.0.0.1', port: 5070 });
  assert.deepEqual(parseListenAddress('TCP://[::1]:0'), { transport: 'tcp', address: '::1', port: 0 });
  assert.deepEqual(parseListenAddress('udp://0.0.0.0'), { transport: 'udp', address: '0.0.0.0', port: 5060 });
  assert.deepEqual(parseListenAddress('tls://127.0.0.1'), { transport: 'tls', address: '127.0.0.1', port: 5061 });
  assert.deepEqual(parseListenAddress('wss://[::1]'), { transport: 'wss', address: '::1', port: 443 });
  const shown = (text: string) => parseListenAddress(`udp://10.0.0.5:5060?advertised=${text}`)?.advertised;
  assert.deepEqual(shown('203.0.113.7'), { address: '203.0.113.7' });
  assert.deepEqual(shown('203.0.113.7:5080'), { address: '203.0.113.7', port: 5080 });
  assert.deepEqual(shown('[2001:db8::7]:5080'), { address: '2001:db8::7', port: 5080 });
  assert.deepEqual(shown('sip.example.net'), { address: 'sip.example.net' });
  for (const text of [
    '',
    '127.0.0.1',
    'sctp://127.0.0.1',
    'udp://127.0.0.1?advertised=',
    'udp://127.0.0.1?advertised=203.0.113.7:0',
    'udp://127.0.0.1?advertised=203.0.113',
    'udp://127.0.0.1?shown=203.0.113.7',
    'udp://host',
    'udp://::1',
    'udp://1.2.3',
    'udp://127.0.0.1:65536',
    'udp://[127.0.0.1]',
    'udp://127.0.0.1:',
  ]) {
    // prettier-ignore
    assert.equal(parseListenAddress(text), undefined, text);
  }
  assert.equal(formatListenAddress({ transport: 'tcp', address: '::1', port: 5060 }), 'tcp://[::1]:5060');
});
