// A leg of ours that a network leads back to another node of the site, or to a node that was started again.
import assert from 'node:assert/strict';
import { cp } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Request } from '../../../src/sip/message/message.ts';
import { type Site, startSite, type WatchedTerminal } from '../../support/site.ts';
import { SipPeer, type PeerCall } from '../../support/sip-peer.ts';

const caller = '+8613800138000';
const first = '+8675520000001';
const second = '+8675529990000';
/** Subscriber of the same site, whose simultaneous ringing leads to another node. */
const other = '+8675520000002';

/** The operator's network: it calls the nodes, and takes what they dial. */
let network: SipPeer;
let dialling: Site;
let elsewhere: Site;
let theirs: WatchedTerminal;
/** What the first node dialled, and never gets an answer to. */
let onward: Request;

const portOf = ({ trunk }: Site): number => Number(trunk.split(':')[1]);
const trunks = () => [
  { name: 'ngn', peers: ['127.0.0.1/32'], gateways: [`sip:127.0.0.1:${network.port}`], optionsInterval: '0s' },
];

/** An INVITE that rings the service for `dialled`, from `from`. */
function ring(site: Site, dialled: string, from: string, headers: string[] = []): PeerCall {
  const identity = `P-Asserted-Identity: <sip:${from}@ims.example.net>`;
  return network.invite(portOf(site), {
    uri: `sip:${second}@127.0.0.1:${portOf(site)}`,
    headers: [identity, `P-Called-Party-ID: <sip:${dialled}@ims.example.net>`, ...headers],
  });
}

/** The status with which a call to `other` is declined; its terminals must not have been told. */
async function declined(site: Site, from: string, headers: string[]): Promise<void> {
  const told = theirs.told.length;
  const call = ring(site, other, from, headers);
  const response = await network.response(480, 'INVITE');
  assert.equal(response.callId, call.callId);
  call.ackFailure(response);
  assert.equal(theirs.told.length, told, 'nobody was told of our own call');
}

/** Another call to `other` is told to the terminals there. */
async function told(site: Site, from: string, headers: string[] = []): Promise<void> {
  const before = theirs.told.length;
  const call = ring(site, other, from, headers);
  await theirs.when('the call', (one) => theirs.told.indexOf(one) >= before && one.event === 'incoming');
  call.cancel();
  call.ackFailure(await network.response(487, 'INVITE'));
}

before(async () => {
  network = await SipPeer.open();
  dialling = await startSite('127.0.0.1:9', { trunks: trunks() });
  await dialling.subscribe('shop1', first);
  await dialling.subscribe('shop2', other);
  const mine = await dialling.terminal('shop1');
  elsewhere = await startSite('127.0.0.1:9', {
    node: 'node-2',
    trunks: trunks(),
    store: { kind: 'embedded', path: path.join(dialling.folder, 'data') },
  });
  theirs = await elsewhere.terminal('shop2');
  ring(dialling, first, caller);
  const { id } = await mine.incoming();
  assert.ok((await mine.client.transfer({ callId: id, to: other })).ok);
  onward = await network.request('INVITE');
});

after(async () => {
  await elsewhere.close();
  await dialling.close();
  await network.close();
});

describe('our own leg, led back to another node of the site', () => {
  const another = '+8613700000000';
  const token = () => /^[0-9a-f]{32}/.exec(onward.get('Session-ID') ?? '')?.[0] ?? 'none';
  const lines = (name: string) => onward.all(name).map((value) => `${name}: ${value}`);

  test('is known by its Session-ID alone, from whomever it seems to come', () =>
    declined(elsewhere, another, [`Session-ID: ${'1'.repeat(32)};remote=${token()}`]));

  for (const name of ['Diversion', 'History-Info']) {
    test(`is known by our entry of ${name}, with entries of others behind it`, () => {
      assert.match(lines(name).join(), new RegExp(`leg-token=${token()}`));
      const [value = ''] = onward.all(name);
      const theirEntry =
        name === 'Diversion'
          ? `<sip:${other}@x>;reason=follow-me, ${value}`
          : `${value}, <sip:${second}@x>;index=1.1.1`;
      return declined(elsewhere, another, [`${name}: ${theirEntry}`]);
    });
  }

  test('is known by its numbers where no token came through', () => declined(elsewhere, caller, []));

  test('is no other call: another caller, another token', async () => {
    await told(elsewhere, another);
    const forged = `${token().slice(0, -1)}${token().endsWith('0') ? '1' : '0'}`;
    await told(elsewhere, another, [`Session-ID: ${forged};remote=${'0'.repeat(32)}`]);
  });

  test('is known by its token and by its numbers when all nodes were started again without warning', async () => {
    // As a crash leaves them: what is in the files while the call is dialled.
    const again = await startSite('127.0.0.1:9', {
      trunks: trunks(),
      store: { kind: 'embedded', path: await copyOfStore() },
    });
    theirs = await again.terminal('shop2');
    try {
      await declined(again, another, [`Session-ID: ${token()};remote=${'0'.repeat(32)}`]);
      await declined(again, caller, []);
      await told(again, another);
    } finally {
      await again.close();
    }
  });
});

async function copyOfStore(): Promise<string> {
  const copy = path.join(elsewhere.folder, 'copy');
  await cp(path.join(dialling.folder, 'data'), copy, { recursive: true });
  return copy;
}
