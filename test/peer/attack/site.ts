// The service that is attacked, with a call that stands the whole time.
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '../../../src/shared/clock.ts';
import { silentLog } from '../../../src/shared/log.ts';
import { answerSdp } from '../../../src/simulate/rtp/sdp.ts';
import { Endpoint } from '../../../src/simulate/sip/endpoint.ts';
import type { Authority } from '../../support/certificates.ts';
import { freeTcpPort, type ServiceProcess } from '../../support/process/process.ts';
import { numbers, openScene, type Scene } from '../../support/process/scene.ts';
import type { WatchedTerminal } from '../../support/site.ts';
import { SipPeer, sessionDescription, type PeerCall } from '../../support/sip-peer.ts';

/** The operator's switch; another one of the operator's that sends too much. Whoever else calls is a stranger. */
export const operator = '127.0.0.2';
export const overloaded = '127.0.0.4';

const limits = {
  ...{ rate: 40, burst: 80, forbidden: 20, silence: '10m', strangers: 50 },
  ...{ connections: 60, connectionsPerAddress: 30 },
  ...{ handshakeWithin: '1s', firstMessageWithin: '2s', messageWithin: '1s' },
};

const steady = { caller: '+8613800138007', final: '+8675520000019' };

export class AttackedSite {
  readonly scene: Scene;
  readonly service: ServiceProcess;
  readonly terminal: WatchedTerminal;
  readonly ports: Readonly<Record<'udp' | 'tcp' | 'ws' | 'tls', number>>;
  readonly standing: StandingCall;
  readonly #final: Endpoint;

  private constructor(
    scene: Scene,
    service: ServiceProcess,
    terminal: WatchedTerminal,
    ports: AttackedSite['ports'],
    standing: StandingCall,
    final: Endpoint,
  ) {
    this.scene = scene;
    this.service = service;
    this.terminal = terminal;
    this.ports = ports;
    this.standing = standing;
    this.#final = final;
  }

  static async open(authority: Authority): Promise<AttackedSite> {
    const certificate = authority.issue(['IP:127.0.0.1']);
    const streams = { tcp: await freeTcpPort(), ws: await freeTcpPort(), tls: await freeTcpPort() };
    const scene = await openScene(
      (trunk, network) => ({
        sip: {
          listen: [`udp://${trunk}`, ...Object.entries(streams).map(([name, port]) => `${name}://127.0.0.1:${port}`)],
          tls: { certificates: [certificate] },
          limits,
        },
        trunks: [{ name: 'ngn', peers: [operator, overloaded], gateways: [`sip:${network}`] }],
      }),
      operator,
    );
    const service = await scene.serve();
    await scene.subscribe('shop1', numbers.first);
    const terminal = await scene.terminal('shop1');
    const final = await Endpoint.open('127.0.0.1', 0, { clock: systemClock, log: silentLog, seen: () => undefined });
    final.answerWith((session) => {
      queueMicrotask(() => session.accept(answerSdp(session.offer, { address: '127.0.0.1', port: 41_002 }).sdp));
      return {};
    });
    scene.stage.network.connect(steady.final, final.hostPort);
    const ports = { udp: Number(scene.trunk.split(':')[1]), ...streams };
    const standing = await StandingCall.place(terminal, ports.udp);
    return new AttackedSite(scene, service, terminal, ports, standing, final);
  }

  /** A whole call as anybody places one: notified, transferred, voice heard both ways, hung up, recorded. */
  async wholeCall(): Promise<string | undefined> {
    const id = await this.scene.connect(this.terminal);
    this.scene.phones.caller.hangUp();
    await this.terminal.when('its end', ({ event, call }) => event === 'ended' && call.id === id);
    return (await this.scene.closedRecord({ id })).end?.reason;
  }

  faults(fault: string): Promise<number> {
    return this.scene.metric(`ringaway_sip_faults_total{fault="${fault}"}`);
  }

  givenUp(why: string): Promise<number> {
    return this.scene.metric(`ringaway_sip_connections_given_up_total{why="${why}"}`);
  }

  /** Octets of memory that the process has. */
  get memory(): number {
    const [, kilobytes = '0'] = /VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${this.service.pid}/status`, 'utf8')) ?? [];
    return Number(kilobytes) * 1024;
  }

  /** Files and sockets that the process has open. */
  get descriptors(): number {
    return readdirSync(`/proc/${this.service.pid}/fd`).length;
  }

  async close(): Promise<void> {
    await this.standing.close();
    await this.#final.close();
    await this.scene.close();
  }
}

/** A call of the peer that will send too much: it stands, and asks again and again within its dialog whether the service still has it. */
export class StandingCall {
  readonly #peer: SipPeer;
  readonly #call: PeerCall;
  readonly id: string;
  /** Milliseconds until the answer, of each question. */
  readonly answered: number[] = [];
  #asking: Promise<void> | undefined;
  #over = false;

  private constructor(peer: SipPeer, call: PeerCall, id: string) {
    this.#peer = peer;
    this.#call = call;
    this.id = id;
  }

  static async place(terminal: WatchedTerminal, port: number): Promise<StandingCall> {
    const peer = await SipPeer.open(overloaded);
    const call = peer.newCall(port);
    call.target = `sip:${numbers.second}@127.0.0.1:${port};user=phone`;
    call.to = `<${call.target}>`;
    const headers = [
      call.contact,
      `P-Asserted-Identity: <sip:${steady.caller}@${overloaded};user=phone>`,
      `Diversion: <sip:${numbers.first}@${overloaded};user=phone>;reason=unconditional`,
    ];
    call.sendRequest('INVITE', { body: sessionDescription(40_000), headers });
    const told = await terminal.when(
      'the standing call',
      ({ event, call: one }) => event === 'incoming' && one.caller === steady.caller,
    );
    const instructed = await terminal.client.transfer({ callId: told.id, to: steady.final });
    if (!instructed.ok) throw new Error(instructed.error.message);
    call.ack(await peer.response(200, 'INVITE', 10_000));
    return new StandingCall(peer, call, told.id);
  }

  /** Answers other than 200. */
  get refusals(): number {
    return this.#peer.count((message) => message.kind === 'response' && message.status >= 300);
  }

  /** Asks from now on, until `stopAsking`. */
  ask(): void {
    this.#asking ??= this.#askOn();
    this.#asking.catch(() => undefined); // `stopAsking` tells
  }

  async #askOn(): Promise<void> {
    while (!this.#over) {
      this.answered.push(await this.#question());
      await pause(100);
    }
  }

  /** @throws when a question got no answer */
  async stopAsking(): Promise<void> {
    this.#over = true;
    await this.#asking;
  }

  async hangUp(): Promise<void> {
    this.#call.sendRequest('BYE');
    await this.#peer.response(200, 'BYE');
  }

  close(): Promise<void> {
    this.#over = true;
    return this.#peer.close();
  }

  /** As any peer does over UDP, it asks again when no answer comes within T1. */
  async #question(): Promise<number> {
    const begun = performance.now();
    for (let attempt = 1; ; attempt++) {
      this.#call.sendRequest('OPTIONS');
      const answer = await this.#peer.response(200, 'OPTIONS', attempt * 500).catch((error: unknown) => error);
      if (!(answer instanceof Error)) return performance.now() - begun;
      if (attempt === 4) throw answer;
    }
  }
}
