import type { Timer } from '../shared/clock.ts';
import { Gateway } from './gateway.ts';
import type { TrunkSettings } from './settings.ts';
import { allow, contained, sendRequest, type Tools } from './tools.ts';

/** Seconds of a Retry-After that are believed at most. */
const longestRetryAfter = 300;

/** The gateways of one trunk, and the OPTIONS that ask whether they are there. */
export class Gateways {
  readonly all: readonly Gateway[];
  readonly #tools: Tools;
  readonly #interval: number;
  readonly #timeout: number;
  readonly #timers = new Set<Timer>();
  #started = false;
  #stopped = false;

  /** @throws Failure `bad-setting` for a gateway that is no URI */
  constructor(tools: Tools, settings: TrunkSettings) {
    this.#tools = tools;
    this.#interval = settings.optionsInterval;
    this.#timeout = settings.gatewayTimeout;
    this.all = settings.gateways.map(
      (uri) =>
        new Gateway(uri, tools.clock, ({ health }) => {
          const line = { trunk: settings.name, gateway: uri };
          if (health === 'down') tools.log.warn(line, 'the gateway does not answer; its calls go to the next one');
          else tools.log.info(line, 'the gateway answers');
        }),
    );
  }

  /** Whether gateways are asked at all; without, silence says little about them. */
  get probing(): boolean {
    return this.#interval > 0;
  }

  /** Asks every gateway now and then in each interval; once, however often it is called. */
  start(): void {
    if (this.#started || this.#stopped || !this.probing) return;
    this.#started = true;
    for (const gateway of this.all) this.#round(gateway);
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) timer.clear();
    this.#timers.clear();
  }

  /** Where a call may be tried, in order: those that are there; when none seems to be, all of them. */
  candidates(): Gateway[] {
    const there = this.all.filter((gateway) => gateway.health !== 'down' && !gateway.busy);
    return there.length > 0 ? there : [...this.all];
  }

  /** Asks one gateway once (RFC 3261 11); any answer of its own counts as life. */
  ask(gateway: Gateway): void {
    if (this.#stopped) return;
    let open = true;
    const timer = this.#after(this.#timeout, () => {
      if (open) gateway.silent();
      open = false;
    });
    const headers = { Accept: 'application/sdp', Allow: allow };
    sendRequest(this.#tools, gateway.uri, { method: 'OPTIONS', headers }, (outcome) => {
      if ('error' in outcome) {
        open = false; // it is our own connection that is missing
        timer.clear();
        return;
      }
      outcome.sent.on(
        'response',
        contained(this.#tools.log, 'the answer to OPTIONS', (response) => {
          timer.clear();
          const local = response.source_address === '';
          if (!local && response.status === 503)
            gateway.refusing(retryAfter(response.get('retry-after'), this.#interval));
          else if (!local) gateway.heard();
          else if (open) gateway.silent();
          open = false;
        }),
      );
    });
  }

  #round(gateway: Gateway): void {
    this.ask(gateway);
    this.#after(this.#interval, () => this.#round(gateway));
  }

  #after(milliseconds: number, action: () => void): Timer {
    const timer = this.#tools.clock.after(milliseconds, () => {
      this.#timers.delete(timer);
      action();
    });
    this.#timers.add(timer);
    return {
      clear: () => {
        timer.clear();
        this.#timers.delete(timer);
      },
    };
  }
}

/** The milliseconds of a Retry-After (RFC 3261 20.33), `otherwise` when it tells none. */
export function retryAfter(header: string | undefined, otherwise: number): number {
  const seconds = /^\s*(\d{1,9})/.exec(header ?? '')?.[1];
  return seconds === undefined ? otherwise : Math.min(Number(seconds), longestRetryAfter) * 1000;
}
