import type { Clock } from '../shared/clock.ts';
import { Failure } from '../shared/errors.ts';

/** `up` and `down` by what was heard; `unknown` until then. */
export type GatewayHealth = 'unknown' | 'up' | 'down';

/** So many signs of absence in a row and a gateway counts as down. */
const lossesUntilDown = 2;

/** One address of the operator where our calls go, and whether it is there. */
export class Gateway {
  readonly uri: string;
  readonly #clock: Clock;
  readonly #scheme: string;
  /** Without port. */
  readonly host: string;
  readonly #hostport: string;
  readonly #parameters: string;
  readonly #onChange: (gateway: Gateway) => void;
  #health: GatewayHealth = 'unknown';
  #losses = 0;
  #heardAt: number | undefined;
  #busyUntil = 0;

  /** @throws Failure `bad-setting` when `uri` is no `sip:` or `sips:` URI of a host */
  constructor(uri: string, clock: Clock, onChange: (gateway: Gateway) => void) {
    const parts = /^(sips?):(?:[^@\s<>]*@)?(\[[0-9a-f:.]+\]|[\w.-]+)(:\d{1,5})?((?:;[^\s;<>?]+)*)$/i.exec(uri);
    if (!parts)
      throw new Failure('bad-setting', `gateway "${uri}" is not sip:host, sip:host:port or sip:host;transport=tcp`);
    const [, scheme = 'sip', host = '', port = '', parameters = ''] = parts;
    this.uri = uri;
    this.#clock = clock;
    this.#scheme = scheme.toLowerCase();
    this.host = host;
    this.#hostport = `${host}${port}`;
    this.#parameters = parameters;
    this.#onChange = onChange;
  }

  get health(): GatewayHealth {
    return this.#health;
  }

  /** Whether it asked to be left alone (503 with Retry-After, RFC 3261 21.5.4). */
  get busy(): boolean {
    return this.#clock.monotonic() < this.#busyUntil;
  }

  /** The Request-URI of a number behind this gateway. */
  requestUri(number: string): string {
    return `${this.#scheme}:${number}@${this.#hostport}${this.#parameters};user=phone`;
  }

  /** To of a number behind this gateway: without what concerns the transport only (RFC 3261 19.1.1). */
  toUri(number: string): string {
    return `${this.#scheme}:${number}@${this.#hostport};user=phone`;
  }

  /** Whether anything came from it at or after this moment of the clock's `monotonic`. */
  heardSince(moment: number): boolean {
    return this.#heardAt !== undefined && this.#heardAt >= moment;
  }

  /** A message of it came. */
  heard(): void {
    this.#heardAt = this.#clock.monotonic();
    this.#losses = 0;
    this.#become('up');
  }

  /** It should have answered and did not. */
  silent(): void {
    this.#losses += 1;
    if (this.#losses >= lossesUntilDown) this.#become('down');
  }

  /** It answered that it takes no calls for so many milliseconds. */
  refusing(milliseconds: number): void {
    this.heard();
    this.#busyUntil = this.#clock.monotonic() + milliseconds;
  }

  #become(health: GatewayHealth): void {
    if (this.#health === health) return;
    this.#health = health;
    this.#onChange(this);
  }
}
