import type { Message } from '../../src/sip/message/message.ts';
import { parseMessage } from '../../src/sip/message/parse.ts';
import { stampSource } from '../../src/sip/transport/routing.ts';
import type { Flow, Target, Wire, WireEvents } from '../../src/sip/transaction/wire.ts';
import type { FakeClock } from './fake-clock.ts';

/** What becomes of one message: the delays after which its copies arrive, in milliseconds; none: it is lost. */
export type Fate = (message: Message, from: string) => readonly number[];

type Listeners = { [E in keyof WireEvents]: ((...payload: WireEvents[E]) => void)[] };

/** A network on a fake clock between any number of ends, each with an address of its own. */
export class FakeNetwork {
  readonly #clock: FakeClock;
  readonly #fate: Fate;
  readonly #ends = new Map<string, FakeWire>();
  /** All that was sent, lost or not. */
  readonly sent: { readonly from: string; readonly message: Message }[] = [];

  constructor(clock: FakeClock, fate: Fate = () => [1]) {
    this.#clock = clock;
    this.#fate = fate;
  }

  end(address: string, transport: 'udp' | 'tcp' = 'udp'): FakeWire {
    const wire = new FakeWire(this, { transport, address, port: 5060 });
    this.#ends.set(address, wire);
    return wire;
  }

  carry(octets: Buffer, from: Target, to: Target): void {
    const message = parseMessage(octets);
    this.sent.push({ from: from.address, message });
    for (const delay of this.#fate(message, from.address)) {
      this.#clock.after(delay, () => this.#ends.get(to.address)?.arrive(octets, from));
    }
  }
}

export class FakeWire implements Wire {
  readonly local: Target;
  readonly #network: FakeNetwork;
  readonly #listeners: Listeners = { message: [], malformed: [], failure: [] };

  constructor(network: FakeNetwork, local: Target) {
    this.#network = network;
    this.local = local;
  }

  post(octets: Buffer, target: Target): void {
    this.#network.carry(octets, this.local, target);
  }

  localFor(): Target {
    return this.local;
  }

  on<E extends keyof WireEvents>(event: E, listener: (...payload: WireEvents[E]) => void): void {
    this.#listeners[event].push(listener);
  }

  arrive(octets: Buffer, from: Target): void {
    const message = parseMessage(octets);
    const flow: Flow = {
      transport: from.transport,
      localAddress: this.local.address,
      localPort: this.local.port,
      remoteAddress: from.address,
      remotePort: from.port,
    };
    if (message.kind === 'request') stampSource(message, flow);
    for (const listener of this.#listeners.message) listener(message, flow);
  }

  fail(target: Target, error: Error): void {
    for (const listener of this.#listeners.failure) listener(target, error);
  }
}
