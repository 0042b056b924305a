// REFER of a final phone (RFC 3515), its answer and what the phone is told by NOTIFY; over the wire, by either way to the server.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PhoneReferral, TargetLeg } from '../../../src/call/ports.ts';
import type { Request } from '../../../src/sip/message/message.ts';
import { withoutDrachtio } from '../../support/drachtio.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import type { SipPeer } from '../../support/sip-peer.ts';
import { type Control, dialRequest, Happenings, sdp, World } from './world.ts';

const ways: Record<Control, string | false> = { 'in-process': false, tcp: false, drachtio: withoutDrachtio };
const another = '<sip:13900139001@desk.example>';

class Phone {
  readonly peer: SipPeer;
  readonly leg: TargetLeg;
  readonly happenings: Happenings;
  readonly invite: Request;
  #sequence = 0;

  constructor({ phone, leg, happenings, invite }: Awaited<ReturnType<World['standingTarget']>>) {
    this.peer = phone;
    this.leg = leg;
    this.happenings = happenings;
    this.invite = invite;
  }

  static async in(world: World, mayRefer = true): Promise<Phone> {
    return new Phone(await world.standingTarget({ mayRefer }));
  }

  send(method: string, headers: string[] = [], body = ''): void {
    this.peer.sendWithin(this.invite, method, ++this.#sequence, { headers, body });
  }

  /** Presses the transfer key; the answer to its REFER. */
  async refer(status: number, headers = [`Refer-To: ${another}`]): Promise<string | undefined> {
    this.send('REFER', headers);
    return (await this.peer.response(status, 'REFER')).get('Refer-Sub');
  }

  /** Hangs up; whatever it has sent before has been handled then. */
  async leave(): Promise<void> {
    this.send('BYE');
    await this.peer.response(200, 'BYE');
  }

  get referral(): PhoneReferral {
    const referral = this.happenings.referrals.at(-1);
    assert.ok(referral, 'the call was not asked');
    return referral;
  }

  get notified(): number {
    return this.peer.count((message) => message.kind === 'request' && message.method === 'NOTIFY');
  }

  /** The next NOTIFY, which is answered. */
  async told(status = 200): Promise<string[]> {
    const notify = await this.peer.request('NOTIFY');
    assert.match(notify.get('Content-Type') ?? '', /^message\/sipfrag/);
    this.peer.answer(notify, status);
    const [first = ''] = notify.body.toString().split('\r\n');
    return [first, notify.get('Event') ?? '', notify.get('Subscription-State') ?? ''];
  }
}

for (const control of ['in-process', 'tcp', 'drachtio'] as const) {
  describe(`REFER of a phone, the server reached: ${control}`, { skip: ways[control] }, () => {
    test('is accepted, and told of from 100 to the answer; the BYE comes behind the last NOTIFY', async () => {
      await using world = await World.start({ control });
      const phone = await Phone.in(world);
      assert.match(phone.invite.get('Allow') ?? '', /\bREFER\b/);
      phone.send('OPTIONS');
      assert.match((await phone.peer.response(200, 'OPTIONS')).get('Allow') ?? '', /\bREFER\b/);
      await phone.refer(202, [`r: "The other" ${another}`, 'Referred-By: <sip:desk@desk.example>']);
      const { to, here, referredBy } = phone.referral;
      assert.deepEqual([to, here, referredBy], ['sip:13900139001@desk.example', false, 'sip:desk@desk.example']);
      assert.deepEqual(await phone.told(), ['SIP/2.0 100 Trying', 'refer', 'active;expires=600']);
      phone.referral.progress(180);
      assert.deepEqual(await phone.told(), ['SIP/2.0 180 Ringing', 'refer', 'active;expires=600']);
      phone.referral.done(200);
      const gone = phone.leg.hangUp({ q850: 16 });
      assert.deepEqual(await phone.told(), ['SIP/2.0 200 OK', 'refer', 'terminated;reason=noresource']);
      const bye = await phone.peer.request('BYE');
      assert.match(bye.get('Reason') ?? '', /cause=16/);
      phone.peer.answer(bye, 200);
      await gone;
      assert.deepEqual([phone.happenings.all.includes('ended'), world.trunk.stats().legs], [false, 0]);
    });

    test('that came to nothing leaves the call; a second one then has an id, beside the first it gets 491', async () => {
      await using world = await World.start({ control });
      const phone = await Phone.in(world);
      await phone.refer(202);
      await phone.told();
      await phone.refer(491);
      phone.referral.done(486);
      assert.deepEqual(await phone.told(), ['SIP/2.0 486 Busy Here', 'refer', 'terminated;reason=noresource']);
      phone.referral.progress(180); // too late: nothing happens
      await phone.refer(202);
      assert.deepEqual(await phone.told(), ['SIP/2.0 100 Trying', 'refer;id=3', 'active;expires=600']);
      phone.send('INVITE', [], sdp(6));
      await phone.happenings.until('request INVITE');
      assert.equal(phone.happenings.referrals.length, 2);
      await phone.leave();
    });

    test('whose phone hangs up behind the 202, before it has answered a NOTIFY: the call is told, and nothing more is sent', async () => {
      await using world = await World.start({ control });
      const phone = await Phone.in(world);
      phone.send('REFER', [`Refer-To: ${another}`]);
      await phone.peer.response(202, 'REFER');
      await phone.peer.request('NOTIFY');
      await phone.leave();
      assert.deepEqual(await phone.happenings.until('ended'), { cause: {}, lost: false });
      phone.referral.progress(180);
      phone.referral.done(200);
      await phone.leg.hangUp();
      assert.equal(world.trunk.stats().legs, 0);
    });

    test('of which the phone wants to hear nothing is told of by nothing', async () => {
      await using world = await World.start({ control });
      const phone = await Phone.in(world);
      assert.equal(
        await phone.refer(202, [`Refer-To: ${another}`, 'Refer-Sub: false', 'Require: norefersub']),
        'false',
      );
      phone.referral.done(200);
      const gone = phone.leg.hangUp();
      phone.peer.answer(await phone.peer.request('BYE'), 200);
      await gone;
      assert.equal(phone.notified, 0);
    });

    test('is declined where the phone may not, and where the caller asks', async () => {
      await using world = await World.start({ control });
      const phone = await Phone.in(world, false);
      assert.doesNotMatch(phone.invite.get('Allow') ?? '', /REFER/);
      await phone.refer(603);
      await phone.leave();
      const { peer, call } = await world.standing();
      call.sendRequest('REFER', { headers: [`Refer-To: ${another}`] });
      await peer.response(603, 'REFER');
      call.sendRequest('BYE');
      await peer.response(200, 'BYE');
      assert.deepEqual(phone.happenings.referrals, []);
    });

    test('that asks for anything but one call is refused before the call hears of it', async () => {
      await using world = await World.start({ control });
      const phone = await Phone.in(world);
      for (const [status, headers] of [
        [400, []],
        [400, [`Refer-To: ${another}`, `Refer-To: ${another}`]],
        [400, [`Refer-To: ${another}, <sip:b@desk.example>`]],
        [416, ['Refer-To: <https://desk.example>']],
        [501, ['Refer-To: <sip:a@desk.example;method=BYE>']],
        [400, ['Refer-To: <sip:a@desk.example?Replaces=1%3Bto-tag%3Da>']],
        [420, [`Refer-To: ${another}`, 'Require: nosub']],
      ] as const) {
        await phone.refer(status, [...headers]);
      }
      await phone.leave();
      assert.deepEqual(phone.happenings.referrals, []);
    });

    test('is answered by what the call says, and 500 where it says nothing', async () => {
      await using world = await World.start({ control });
      const phone = await Phone.in(world);
      phone.happenings.onReferred = (referral) => referral.refuse(404);
      await phone.refer(404);
      phone.happenings.onReferred = () => undefined;
      await phone.refer(500);
      phone.happenings.onReferred = () => {
        throw new Error('a fault of the call');
      };
      await phone.refer(500);
      phone.referral.done(200); // nobody is told
      await phone.leave();
      assert.equal(phone.notified, 0);
    });
  });
}

describe('a phone that has talked to the new party', () => {
  test('says which call is to be replaced; our INVITE to the other phone names it, and requires that it is understood', async () => {
    await using world = await World.start();
    const phone = await Phone.in(world);
    const replaces = 'c-2@192.0.2.50;to-tag=b;from-tag=a';
    const to = `sip:other@127.0.0.1:${phone.peer.port}`;
    await phone.refer(202, [`Refer-To: <${to}?Replaces=${encodeURIComponent(replaces)}>`]);
    assert.deepEqual([phone.referral.to, phone.referral.replaces], [to, replaces]);
    const onward = world.trunk.dial(dialRequest({ to, replaces }), new Happenings().events);
    const invite = await phone.peer.request('INVITE');
    assert.deepEqual([invite.get('Replaces'), invite.get('Require')], [replaces, 'replaces']);
    phone.peer.answer(invite, 481);
    await onward.hangUp();
    await phone.leave();
  });
});

describe('NOTIFY to a phone', () => {
  test('is one after the other, and only the newest of what happens meanwhile', async () => {
    await using world = await World.start();
    const phone = await Phone.in(world);
    await phone.refer(202);
    const first = await phone.peer.request('NOTIFY');
    for (const status of [180, 183]) phone.referral.progress(status);
    phone.referral.done(200);
    phone.peer.answer(first, 200);
    assert.equal((await phone.told())[0], 'SIP/2.0 200 OK');
    assert.equal(phone.notified, 2);
  });

  test('that is answered 481 ends what the phone is told, and not the call', async () => {
    await using world = await World.start();
    const phone = await Phone.in(world);
    await phone.refer(202);
    await phone.told(481);
    const asked = phone.leg.request({ method: 'INFO' });
    phone.peer.answer(await phone.peer.request('INFO'), 200); // the 481 was here before
    assert.equal((await asked).status, 200);
    phone.referral.done(200);
    const gone = phone.leg.hangUp();
    phone.peer.answer(await phone.peer.request('BYE'), 200);
    await gone;
    assert.deepEqual([phone.notified, phone.happenings.all.includes('ended')], [1, false]);
  });

  test('that nobody answers holds our BYE up for two seconds, and a BYE of the phone makes ours needless', async () => {
    const clock = new FakeClock();
    await using world = await World.start({ clock });
    const silent = await Phone.in(world);
    await silent.refer(202);
    await silent.peer.request('NOTIFY');
    silent.referral.done(200);
    const gone = silent.leg.hangUp();
    await clock.advance(1_999);
    assert.equal(
      silent.peer.count((message) => message.kind === 'request' && message.method === 'BYE'),
      0,
    );
    await clock.advance(1);
    silent.peer.answer(await silent.peer.request('BYE'), 200);
    await gone;
    const polite = await Phone.in(world);
    await polite.refer(202);
    await polite.told();
    polite.referral.done(200);
    const over = polite.leg.hangUp();
    await polite.peer.request('NOTIFY');
    polite.send('BYE');
    await polite.peer.response(200, 'BYE');
    await over;
    assert.deepEqual([polite.happenings.all.includes('ended'), world.trunk.stats().legs], [false, 0]);
  });

  test('tells 487 when the call hangs up before there is an outcome', async () => {
    await using world = await World.start();
    const phone = await Phone.in(world);
    await phone.refer(202);
    await phone.told();
    const gone = phone.leg.hangUp();
    assert.deepEqual(await phone.told(), ['SIP/2.0 487 Request Terminated', 'refer', 'terminated;reason=noresource']);
    phone.peer.answer(await phone.peer.request('BYE'), 200);
    await gone;
  });

  test('ends by itself after ten minutes', async () => {
    const clock = new FakeClock();
    await using world = await World.start({ clock });
    const phone = await Phone.in(world);
    await phone.refer(202);
    await phone.told();
    phone.send('OPTIONS');
    await phone.peer.response(200, 'OPTIONS'); // so the answer to the NOTIFY was here
    await clock.advance(600_000);
    assert.deepEqual((await phone.told()).slice(1), ['refer', 'terminated;reason=timeout']);
    await phone.refer(202);
    const before = clock.pendingTimers;
    await phone.told();
    await phone.leave();
    assert.ok(clock.pendingTimers < before, 'nothing waits for the ten minutes of a dialog that is over');
  });
});
