// The early dialogs of one INVITE, told apart by their tags: what is heard of each, and which of them can be changed.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Forks } from '../../../src/trunk/forks.ts';
import type { SrfReceivedResponse } from '../../../src/trunk/srf.ts';

const sdp = (version: number) => `v=0\r\no=- 1 ${version} IN IP4 192.0.2.9\r\n`;
const update = { allow: 'INVITE, UPDATE' };
const reliable = { rseq: '1', ...update };

/** Which of them can be changed. */
const changeable = (forks: Forks) => forks.changeable?.tag;

/** A provisional response of the fork with this tag; without one of an old far side. */
function response(
  tag: string,
  described = '',
  headers: Record<string, string> = {},
  status = 183,
): SrfReceivedResponse {
  const all: Record<string, string> = {
    to: `<sip:b@b>${tag === '' ? '' : `;tag=${tag}`}`,
    ...(described !== '' && { 'content-type': 'application/sdp' }),
    ...headers,
  };
  const view = { status, body: described, get: (name: string) => all[name], has: (name: string) => name in all };
  return view as unknown as SrfReceivedResponse;
}

describe('forks', () => {
  test('tell their tag and their early media', () => {
    const forks = new Forks(true);
    assert.deepEqual(forks.heard(response('a', '', {}, 180)), { fork: 'a' });
    assert.deepEqual(forks.heard(response('a', sdp(1))), { fork: 'a', sdp: sdp(1) });
    assert.deepEqual(forks.heard(response('', sdp(1))), { fork: '', sdp: sdp(1) });
    assert.equal(forks.several, false, 'who gives no tag has no dialog');
    forks.heard(response('b'));
    assert.equal(forks.several, true);
  });

  test('have nothing to be heard where the network says so (RFC 5009), and describe themselves all the same', () => {
    const forks = new Forks(true);
    assert.deepEqual(forks.heard(response('a', sdp(1), { 'p-early-media': 'Inactive' })), { fork: 'a' });
    assert.equal(forks.described('a'), sdp(1));
    const heard = forks.heard(response('a', sdp(1), { 'p-early-media': 'sendonly, gated' }));
    assert.deepEqual(heard, { fork: 'a', sdp: sdp(1) });
  });

  test('describe nothing by an offer of their own, where ours was none', () => {
    const forks = new Forks(false);
    assert.deepEqual(forks.heard(response('a', sdp(1), reliable)), { fork: 'a' });
    assert.deepEqual([forks.described('a'), changeable(forks)], [undefined, undefined]);
  });

  test('keep the last description, and for good one that came reliably', () => {
    const forks = new Forks(true);
    forks.heard(response('a', sdp(1)));
    forks.heard(response('a', sdp(2)));
    forks.heard(response('a'));
    assert.equal(forks.described('a'), sdp(2));
    forks.heard(response('a', sdp(3), reliable));
    forks.heard(response('a', sdp(4)));
    assert.equal(forks.described('a'), sdp(3));
    assert.deepEqual([forks.described('b'), forks.described('')], [undefined, undefined]);
  });

  test('can be changed once offer and answer are exchanged; that it takes UPDATE, and where, is known from any response', () => {
    const forks = new Forks(true);
    forks.heard(response('a', sdp(1), update));
    assert.equal(changeable(forks), undefined, 'it was no reliable response');
    forks.heard(response('a', '', reliable));
    assert.equal(changeable(forks), undefined, 'it has no description');
    forks.heard(response('a', sdp(2), { rseq: '2', contact: '<sip:one@192.0.2.9>' }));
    forks.heard(response('a', '', {}, 180));
    const one = { tag: 'a', sdp: sdp(2), agreed: true, updates: true, contact: 'sip:one@192.0.2.9' };
    assert.deepEqual(forks.changeable, one);
    forks.heard(response('a', '', { contact: '<sip:two@192.0.2.9>' }));
    assert.deepEqual(forks.changeable, { ...one, contact: 'sip:two@192.0.2.9' });
    for (const headers of [{ rseq: '1', allow: 'INVITE' }, { rseq: '1' }]) {
      const without = new Forks(true);
      without.heard(response('a', sdp(1), headers));
      assert.equal(without.changeable?.updates, false);
    }
  });

  test('are changed one at a time: where there are several, the one that is heard and answers last', () => {
    const forks = new Forks(true);
    forks.heard(response('a', sdp(1), reliable));
    forks.heard(response('b', sdp(2), reliable));
    assert.equal(changeable(forks), 'b');
    forks.heard(response('a', '', {}, 180));
    assert.equal(changeable(forks), undefined, 'a request would reach the one that is not heard');
    forks.heard(response('b', sdp(2), { ...reliable, 'p-early-media': 'inactive' }));
    assert.equal(changeable(forks), 'b', 'it was heard last');
  });

  test('end with 199 (RFC 6228): a request of ours reaches the one before', () => {
    const forks = new Forks(true);
    forks.heard(response('a', sdp(1), reliable));
    forks.heard(response('b', sdp(2), reliable));
    assert.equal(forks.heard(response('b', '', {}, 199)), undefined);
    assert.deepEqual([forks.several, changeable(forks), forks.described('b')], [false, 'a', undefined]);
    forks.heard(response('a', '', {}, 199));
    assert.equal(changeable(forks), undefined);
  });
});
