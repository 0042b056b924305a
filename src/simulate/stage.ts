import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/log.ts';
import { DeadlineExceeded } from '../shared/deadline.ts';
import { Ladder } from './ladder.ts';
import { Network } from './network.ts';
import { Phone, type PhoneOptions } from './phone.ts';
import { Endpoint, type EndpointTools, type Sighting } from './sip/endpoint.ts';

/** The parties of the main job, as the ladder names them from left to right. */
export const parties = ['caller', 'network', 'first phone', 'ringaway', 'terminal', 'final phone'] as const;
export type Party = (typeof parties)[number];

const loopback = '127.0.0.1';

export interface StageTools {
  clock: Clock;
  log: Logger;
  /** What becomes of the messages that the network sends and gets. */
  fate?: NonNullable<EndpointTools['fate']>;
  timers?: NonNullable<EndpointTools['timers']>;
  /** Of loopback, where the network's switch stands; that of the phones, 127.0.0.1, unless given. */
  address?: string;
}

/** An operator's network and phones on free loopback ports, and the ladder of what goes between them. */
export class Stage {
  readonly ladder: Ladder;
  readonly network: Network;
  readonly #tools: StageTools;
  readonly #names: Map<string, Party>;
  readonly #endpoints: Endpoint[];
  readonly #phones: Phone[] = [];

  private constructor(
    ladder: Ladder,
    network: Network,
    names: Map<string, Party>,
    endpoint: Endpoint,
    tools: StageTools,
  ) {
    this.ladder = ladder;
    this.network = network;
    this.#names = names;
    this.#endpoints = [endpoint];
    this.#tools = tools;
  }

  static async open(tools: StageTools): Promise<Stage> {
    const ladder = new Ladder(parties, () => tools.clock.monotonic());
    const names = new Map<string, Party>();
    const { address = loopback, ...endpointTools } = tools;
    const endpoint = await Endpoint.open(address, 0, {
      ...endpointTools,
      seen: (sighting) => witness(ladder, names, 'network', sighting),
    });
    names.set(endpoint.hostPort, 'network');
    return new Stage(ladder, new Network(endpoint), names, endpoint, tools);
  }

  /** Tells the ladder where the service's trunk listens (`address:port`). */
  nameService(address: string): void {
    this.#names.set(address, 'ringaway');
  }

  /** Puts a phone on the network. */
  async phone(name: Party, options: Omit<PhoneOptions, 'network' | 'clock' | 'log'>): Promise<Phone> {
    const { clock, log, timers } = this.#tools;
    const endpoint = await Endpoint.open(loopback, 0, {
      clock,
      log,
      ...(timers && { timers }),
      seen: (sighting) => witness(this.ladder, this.#names, name, sighting),
    });
    this.#endpoints.push(endpoint);
    this.#names.set(endpoint.hostPort, name);
    const phone = await Phone.open(endpoint, { ...options, ...this.#tools, network: () => this.network.address });
    this.#phones.push(phone);
    this.network.connect(options.number, phone.address);
    return phone;
  }

  /** Calls that are not over at any party. */
  get standing(): number {
    return this.#endpoints.reduce((sum, endpoint) => sum + endpoint.standing, 0);
  }

  /** Resolves when no call is left at any party. @throws DeadlineExceeded */
  async quiet(milliseconds: number): Promise<void> {
    const { clock } = this.#tools;
    const until = clock.monotonic() + milliseconds;
    while (this.standing > 0) {
      if (clock.monotonic() > until) throw new DeadlineExceeded('the end of the calls at the phones', milliseconds);
      await new Promise<void>((resolve) => clock.after(10, resolve));
    }
  }

  async close(): Promise<void> {
    for (const phone of this.#phones) phone.close();
    await Promise.all(this.#endpoints.map((endpoint) => endpoint.close()));
  }
}

/** Each message is drawn once: where it is sent, or, from the service, where it arrives. 100 says nothing to a reader. */
function witness(ladder: Ladder, names: Map<string, Party>, own: Party, { direction, peer, message }: Sighting): void {
  const other = names.get(peer);
  if (other === undefined || (direction === 'received' && other !== 'ringaway')) return;
  const status = /^SIP\/2\.0 (\d{3}) (.*)$/.exec(message.startLine);
  if (status?.[1] === '100') return;
  const label = status ? `${status[1] ?? ''} (${message.method})` : (message.startLine.split(' ')[0] ?? '');
  if (direction === 'sent') ladder.add(own, other, label);
  else ladder.add(other, own, label);
}
