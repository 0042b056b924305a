import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test, type TestContext } from 'node:test';
import { openApplicationWorld } from '../../support/application-world.ts';
import { readReplaces } from '../../../src/sip/message/replaces.ts';
import type { SipServerOptions } from '../../../src/sip/server.ts';
import { PeerCall, SipPeer } from '../../support/sip-peer.ts';
import { attach, newApplication, nextInvite, type AppDialog, type Application } from '../../support/srf-application.ts';

async function open(t: TestContext, options: Partial<SipServerOptions> = {}) {
  const world = await openApplicationWorld(t, options);
  const other = await SipPeer.open();
  t.after(() => other.close());
  return { ...world, other };
}
type World = Awaited<ReturnType<typeof open>>;

interface Standing {
  readonly call: PeerCall;
  readonly dialog: AppDialog;
  /** What an INVITE says that is to take the call's place. */
  readonly replaces: string;
}

/** A call of the peer that the application has answered. */
async function standing({ peer, port, application }: World): Promise<Standing> {
  const taken = nextInvite(application);
  const call = peer.invite(port);
  const { req, res } = await taken;
  const answered = application.createUAS(req, res, { localSdp: 'v=0\r\n' });
  call.ack(await peer.response(200, 'INVITE'));
  const dialog = await answered;
  const { localTag, remoteTag } = dialog.sip;
  return { call, dialog, replaces: `${call.callId};to-tag=${localTag};from-tag=${remoteTag}` };
}

/** The dialog that an INVITE is to replace, as an application of drachtio-srf finds it. */
function replacedBy(application: Application, value: string): AppDialog | undefined {
  const { callId = '', toTag = '', fromTag = '' } = readReplaces(value) ?? {};
  return (
    application.findDialogByCallIDAndFromTag(callId, fromTag) ?? application.findDialogByCallIDAndFromTag(callId, toTag)
  );
}

describe('Replaces (RFC 3891)', { timeout: 30_000 }, () => {
  test('an attended transfer: the INVITE goes to the application that has the dialog, which ends it once the new one stands', async (t) => {
    const world = await open(t);
    const { peer, other, port, application } = world;
    const { dialog, replaces } = await standing(world);
    // Others that would have their turn
    for (let n = 0; n < 2; n++) {
      const bystander = newApplication();
      bystander.invite(() => assert.fail('the dialog is not of this application'));
      await attach(bystander, world.server);
    }
    for (let turn = 0; turn < 3; turn++) {
      const taken = nextInvite(application);
      const transfer = other.invite(port, { headers: [`Replaces: ${replaces}`, 'Require: replaces'] });
      const { req, res } = await taken;
      assert.equal(replacedBy(application, req.get('Replaces') ?? ''), dialog);
      if (turn < 2) {
        res.send(403);
        transfer.ackFailure(await other.response(403, 'INVITE'));
        continue;
      }
      const answered = application.createUAS(req, res, { localSdp: 'v=0\r\n' });
      transfer.ack(await other.response(200, 'INVITE'));
      const ended = dialog.destroy();
      peer.answer(await peer.request('BYE'), 200);
      await ended;
      const next = await answered;
      assert.equal(world.server.stats().dialogs, 1);
      const destroyed = once(next, 'destroy');
      transfer.sendRequest('BYE');
      await other.response(200, 'BYE');
      await destroyed;
    }
  });

  test('a call that we began is found by the tags as the peer sees them, also while it rings', async (t) => {
    const { peer, other, port, application } = await open(t);
    const placed = application
      .createUAC(`sip:127.0.0.1:${peer.port}`, { localSdp: 'v=0\r\n' })
      .catch((error: unknown) => error);
    const invite = await peer.request('INVITE');
    peer.answer(invite, 180, { tag: 'callee' });
    const localTag = invite.from.parameters.get('tag') ?? '';
    const replaces = `Replaces: ${invite.callId};from-tag=callee;to-tag=${localTag}`;
    for (const earlyOnly of [';early-only', '']) {
      const taken = nextInvite(application);
      const call = other.invite(port, { headers: [`${replaces}${earlyOnly}`] });
      (await taken).res.send(486);
      call.ackFailure(await other.response(486, 'INVITE'));
    }
    peer.answer(invite, 404, { tag: 'callee' });
    await placed;
  });

  const refusals: [title: string, status: number, of: (world: World) => Promise<string[]>][] = [
    ['a dialog that nobody knows', 481, () => Promise.resolve(['Replaces: nobody;to-tag=1;from-tag=2'])],
    [
      'one whose tags are others',
      481,
      async (world) => {
        const { call, dialog } = await standing(world);
        return [`Replaces: ${call.callId};to-tag=${dialog.sip.localTag};from-tag=other`];
      },
    ],
    [
      'a confirmed dialog where an early one is meant',
      486,
      async (world) => [`Replaces: ${(await standing(world)).replaces};early-only`],
    ],
    [
      'an early dialog that the peer began',
      481,
      async ({ application, peer, port }) => {
        const taken = nextInvite(application);
        const call = peer.invite(port);
        (await taken).res.send(180);
        const ringing = await peer.response(180, 'INVITE');
        const [toTag, fromTag] = [ringing.to.parameters.get('tag'), ringing.from.parameters.get('tag')];
        return [`Replaces: ${call.callId};to-tag=${toTag};from-tag=${fromTag}`];
      },
    ],
    [
      'a dialog that is over',
      603,
      async (world) => {
        const { call, dialog, replaces } = await standing(world);
        const destroyed = once(dialog, 'destroy');
        call.sendRequest('BYE');
        await destroyed;
        await world.peer.response(200, 'BYE');
        return [`Replaces: ${replaces}`];
      },
    ],
    [
      'a subscription',
      481,
      async ({ application, peer, port }) => {
        application.use('subscribe', (req, res) => res.send(202, { headers: { Expires: '60' } }));
        const call = new PeerCall(peer, port, `subscribe-${peer.port}`);
        call.sendRequest('SUBSCRIBE', { headers: [call.contact, 'Event: presence', 'Expires: 60'] });
        const accepted = await peer.response(202, 'SUBSCRIBE');
        const [toTag, fromTag] = [accepted.to.parameters.get('tag'), accepted.from.parameters.get('tag')];
        return [`Replaces: ${call.callId};to-tag=${toTag};from-tag=${fromTag}`];
      },
    ],
    [
      'two dialogs at once',
      400,
      () => Promise.resolve(['Replaces: a;to-tag=1;from-tag=2', 'Replaces: b;to-tag=1;from-tag=2']),
    ],
    [
      'one that is to be joined, too',
      400,
      () => Promise.resolve(['Replaces: a;to-tag=1;from-tag=2', 'Join: a;to-tag=1;from-tag=2']),
    ],
    ['what has no tags', 400, () => Promise.resolve(['Replaces: a'])],
  ];
  for (const [title, status, of] of refusals) {
    test(`${title}: ${status}`, async (t) => {
      const world = await open(t);
      const headers = await of(world);
      const call = world.other.invite(world.port, { headers });
      call.ackFailure(await world.other.response(status, 'INVITE'));
    });
  }

  test('in another request than INVITE: 400', async (t) => {
    const { other, port } = await open(t);
    const call = other.invite(port);
    await other.response(100, 'INVITE');
    call.sendRequest('MESSAGE', { headers: ['Replaces: a;to-tag=1;from-tag=2'] });
    await other.response(400, 'MESSAGE');
  });

  test('where the setting says so, what replaces a dialog of another server is an INVITE like any other', async (t) => {
    const { other, port, application } = await open(t, { passUnknownReplaces: true });
    const taken = nextInvite(application);
    const call = other.invite(port, { headers: ['Replaces: nobody;to-tag=1;from-tag=2'] });
    (await taken).res.send(480);
    call.ackFailure(await other.response(480, 'INVITE'));
  });
});
