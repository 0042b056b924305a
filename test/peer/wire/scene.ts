// The whole service between two SIP phones that write every message by hand.
import assert from 'node:assert/strict';
import type { CallRecord } from '../../../src/call/record.ts';
import type { SiteOverrides } from '../../../src/simulate/site.ts';
import type { Request, Response } from '../../../src/sip/message/message.ts';
import { eventually } from '../../support/eventually.ts';
import { startSite, type Site, type WatchedTerminal } from '../../support/site.ts';
import { SipPeer, type PeerCall } from '../../support/sip-peer.ts';

export const numbers = {
  caller: '+8613800138000',
  first: '+8675520000001',
  second: '+8675529990000',
  final: '+8675520000009',
};

export const sdp = (version: number, more = ''): string =>
  `v=0\r\no=- 1 ${version} IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio ${40_000 + version} RTP/AVP 8\r\n${more}`;

/** The media's port in a description: what is known of it whoever wrote its origin anew. */
export const portOf = (message: { body: Buffer }): number => Number(/^m=\w+ (\d+)/m.exec(message.body.toString())?.[1]);

export const reliable = (sequence: number): string[] => [
  'Require: 100rel',
  `RSeq: ${sequence}`,
  'Allow: INVITE, PRACK, UPDATE',
];

/** A caller that waits, and a terminal that was told. */
export class Scene implements AsyncDisposable {
  readonly caller: SipPeer;
  readonly final: SipPeer;
  readonly #site: Site;
  readonly #since = Date.now();
  terminal: WatchedTerminal | undefined;
  #calling: PeerCall | undefined;

  private constructor(site: Site, caller: SipPeer, final: SipPeer) {
    this.#site = site;
    this.caller = caller;
    this.final = final;
  }

  /**
   * `trunk`: settings of the trunk beside its smallest form; `more`: other sections of the settings; `out`: settings of a trunk
   * of its own to the final phone.
   */
  static async open(
    trunk: Record<string, unknown> = {},
    more: SiteOverrides = {},
    out?: Record<string, unknown>,
  ): Promise<Scene> {
    const [caller, final] = [await SipPeer.open(), await SipPeer.open()];
    const gateways = { gateways: [`sip:127.0.0.1:${final.port}`], optionsInterval: '0s' };
    const trunks = [
      { name: 'ngn', peers: ['127.0.0.1/32'], ...gateways, ...trunk },
      ...(out ? [{ name: 'out', ...gateways, ...out }] : []),
    ];
    const routes = [{ prefix: '+', trunk: out ? 'out' : 'ngn' }];
    const site = await startSite(`127.0.0.1:${final.port}`, { trunks, routes, ...more });
    await site.subscribe('shop1', numbers.first);
    return new Scene(site, caller, final);
  }

  get calling(): PeerCall {
    if (!this.#calling) throw new Error('nobody has called');
    return this.#calling;
  }

  /** The caller calls, and the terminal has the final number called; resolves with the INVITE there. */
  async dial(headers: string[] = [], body = sdp(1)): Promise<Request> {
    await this.instruct(headers, body);
    return this.final.request('INVITE');
  }

  async instruct(headers: string[] = [], body = sdp(1)): Promise<void> {
    this.terminal = await this.#site.terminal('shop1');
    this.#calling = this.caller.invite(Number(this.#site.trunk.split(':')[1]), {
      uri: `sip:${numbers.second}@${this.#site.trunk}`,
      body,
      headers: [
        `P-Asserted-Identity: <sip:${numbers.caller}@127.0.0.1>`,
        `Diversion: <sip:${numbers.first}@127.0.0.1>;reason=unconditional`,
        ...headers,
      ],
    });
    const { id } = await this.terminal.incoming();
    const answer = await this.terminal.client.transfer({ callId: id, to: numbers.final });
    assert.ok(answer.ok, JSON.stringify(answer));
  }

  /** A call that stands; resolves with the INVITE at the final phone. */
  async standing(): Promise<Request> {
    const invite = await this.dial();
    this.final.answer(invite, 200, { body: sdp(2) });
    await this.final.request('ACK');
    this.calling.ack(await this.caller.response(200, 'INVITE'));
    await this.terminal?.state('connected');
    return invite;
  }

  /** The caller acknowledges a reliable response. */
  async prack(status: number): Promise<number> {
    return portOf(await this.pracked(status, () => ''));
  }

  /** The same, with an answer to an offer that the response makes; resolves with the response. */
  async pracked(status: number, answer: (offer: string) => string): Promise<Response> {
    const response = await this.caller.response(status, 'INVITE');
    this.calling.to = response.get('To') ?? '';
    const body = answer(response.body.toString());
    this.calling.sendRequest('PRACK', { body, headers: [`RAck: ${response.get('RSeq') ?? ''} 1 INVITE`] });
    await this.caller.response(200, 'PRACK');
    return response;
  }

  record(): Promise<CallRecord> {
    return this.#site.closedRecord({ account: 'shop1', since: this.#since });
  }

  /** The caller hangs up, and nothing of the call is left. */
  async hangUp(): Promise<CallRecord> {
    this.calling.sendRequest('BYE', { headers: ['Reason: Q.850;cause=16;text="bye"'] });
    await this.caller.response(200, 'BYE');
    const bye = await this.final.request('BYE');
    assert.match(bye.get('Reason') ?? '', /Q\.850;cause=16/);
    this.final.answer(bye, 200);
    const record = await this.record();
    await this.nothingLeft();
    return record;
  }

  /** The name of its media session at the engine, as soon as the record knows it. */
  async mediaSession(): Promise<string> {
    let name: string | undefined;
    await eventually('the record names the media session', async () => {
      const [record] = await this.#site.store.records.list({ account: 'shop1', limit: 1 });
      name = record?.media.at(-1)?.session;
      return name !== undefined;
    });
    return name ?? '';
  }

  metric(name: string): Promise<number> {
    return this.#site.metric(name);
  }

  nothingLeft(): Promise<void> {
    return eventually('no dialog', async () => (await this.#site.metric('ringaway_sip_dialogs')) === 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#site.close();
    await this.caller.close();
    await this.final.close();
  }
}
