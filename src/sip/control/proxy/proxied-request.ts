import { nextHop } from '../../dialog/dialog.ts';
import { parseNameAddress } from '../../message/address.ts';
import { Draft } from '../../message/draft.ts';
import type { Request, Response } from '../../message/message.ts';
import { isSipUri, parseUri } from '../../message/uri.ts';
import type { ClientTransaction } from '../../transaction/client-transaction.ts';
import type { ServerTransaction } from '../../transaction/server-transaction.ts';
import { NamedTimers } from '../../transaction/timers.ts';
import { remoteOf, type Flow, type Target } from '../../transaction/wire.ts';
import { uriHost } from '../../transport/addresses.ts';
import { attempt } from '../attempts.ts';
import type { Exchange } from '../exchange.ts';
import { forApplication } from '../for-application.ts';
import { bestResponse, challengesOf } from './best-response.ts';
import { onward, upstream } from './pass-on.ts';

/** Places that one request is sent to at most, redirections included: nobody makes us call the whole world. */
const targetLimit = 20;

/** RFC 3261 16.6 step 11: timer C, longer than three minutes. Milliseconds. */
const timerC = 181_000;

export interface ProxyOptions {
  readonly recordRoute: boolean;
  readonly followRedirects: boolean;
  readonly simultaneous: boolean;
  /** Milliseconds for the first answer of a target, and for its final one; undefined: as the transaction has it. */
  readonly provisionalTimeout: number | undefined;
  readonly finalTimeout: number | undefined;
  readonly destinations: readonly string[];
  /** Alters the request that leaves, as the application asked. */
  adorn(draft: Draft): void;
}

export interface ProxyEvents {
  /** A final response of a branch; not called after `done`. */
  response(response: Response, flow: Flow): void;
  /** The final response has gone upstream, or there will be none. */
  done(): void;
}

interface Branch {
  readonly timers: NamedTimers<'provisional' | 'final'>;
  client: ClientTransaction | undefined;
  /** It waits for a final response; false too when it was given up. */
  active: boolean;
}

/** One request that is passed on to one or several targets: RFC 3261 16.6 to 16.10 on the transactions' side. */
export class ProxiedRequest {
  readonly #exchange: Exchange;
  readonly #transaction: ServerTransaction;
  readonly #request: Request;
  readonly #options: ProxyOptions;
  readonly #events: ProxyEvents;
  readonly #branches = new Set<Branch>();
  readonly #waiting: string[] = [];
  readonly #known = new Set<string>();
  readonly #responses: Response[] = [];
  #finished = false;
  #cancelledByCaller = false;
  /** A target had no address, or nobody listens there. */
  #unreachable = false;

  constructor(exchange: Exchange, transaction: ServerTransaction, options: ProxyOptions, events: ProxyEvents) {
    this.#exchange = exchange;
    this.#transaction = transaction;
    this.#request = transaction.request;
    this.#options = options;
    this.#events = events;
  }

  start(): void {
    this.#exchange.proxied.add(this);
    this.#transaction.handle({
      cancelled: () => this.#cancelled(),
      ended: () => this.#finish(),
    });
    for (const uri of this.#options.destinations) this.#learn(uri);
    this.#goOn();
  }

  #learn(uri: string): void {
    if (this.#known.has(uri) || this.#known.size >= targetLimit) return;
    this.#known.add(uri);
    this.#waiting.push(uri);
  }

  /** Starts what is to be started now; with nothing left to wait for, answers. */
  #goOn(): void {
    if (this.#finished) return;
    while (this.#waiting.length > 0 && (this.#options.simultaneous || !this.#busy)) this.#begin(this.#waiting.shift());
    if (!this.#busy) this.#answer();
  }

  get #busy(): boolean {
    return [...this.#branches].some(({ active }) => active);
  }

  #begin(uri: string | undefined): void {
    if (uri === undefined) return;
    const branch: Branch = { timers: new NamedTimers(this.#exchange.clock), client: undefined, active: true };
    this.#branches.add(branch);
    const draft = onward(this.#request, uri, this.#routes());
    this.#options.adorn(draft);
    this.#exchange.locator
      .locateAll(nextHop(draft), draft.toBuffer().length)
      .then((targets) => this.#send(branch, draft, targets))
      .catch((error: unknown) => {
        this.#exchange.log.info(
          { err: error, callId: this.#request.callId },
          'a target of the proxy cannot be reached',
        );
        this.#unreachable = true;
        this.#over(branch);
      });
  }

  /** 16.4: entries of the way that name us are taken off, as where we are a phone's outbound proxy. */
  #routes(): string[] {
    const { address, port } = this.#exchange.localFor(remoteOf(this.#transaction.flow));
    const routes = this.#request.list('Route');
    const isOurs = (route: string | undefined): boolean => {
      const uri = route === undefined ? undefined : parseUri(parseNameAddress(route)?.uri ?? '');
      return uri !== undefined && isSipUri(uri) && uri.host === uriHost(address) && (uri.port ?? 5060) === port;
    };
    while (isOurs(routes[0])) routes.shift();
    return routes;
  }

  #send(branch: Branch, draft: Draft, targets: readonly [Target, ...Target[]]): void {
    if (this.#finished || !branch.active) return;
    const { provisionalTimeout, finalTimeout } = this.#options;
    branch.client = attempt(this.#exchange, {
      draft,
      targets,
      handlers: {
        response: (response, flow) => this.#heard(branch, response, flow),
        repeated: (response) => void this.#transaction.relay(upstream(this.#request, response)),
        timeout: () => this.#over(branch),
        transportError: () => {
          this.#unreachable = true;
          this.#over(branch);
        },
      },
      adorn: (copy, target) => {
        if (this.#options.recordRoute) this.#recordRoute(copy, target);
      },
      replaced: (transaction) => void (branch.client = transaction),
      wanted: () => branch.active && !this.#finished,
    });
    if (this.#isCall) this.#exchange.records.attempt('application', branch.client.octets);
    if (provisionalTimeout !== undefined) {
      branch.timers.start('provisional', provisionalTimeout, () => this.#giveUp(branch));
    }
    this.#limit(branch, finalTimeout);
  }

  /** The final time-out that the application set, or timer C, which an INVITE always has (16.8). */
  #limit(branch: Branch, finalTimeout: number | undefined): void {
    const limit = finalTimeout ?? (this.#request.method === 'INVITE' ? timerC : undefined);
    if (limit !== undefined) branch.timers.start('final', limit, () => this.#giveUp(branch));
  }

  /** 16.6 step 4, and RFC 5658 where the two sides reach us at different places: an entry for each. */
  #recordRoute(draft: Draft, target: Target): void {
    const { layer, recordRoutes } = this.#exchange;
    const arrival = recordRoutes.write(layer.localFor(remoteOf(this.#transaction.flow)), this.#request.callId);
    const departure = recordRoutes.write(layer.localFor(target), this.#request.callId);
    for (const value of arrival === departure ? [arrival] : [arrival, departure]) {
      if (draft.has('Record-Route')) draft.prepend('Record-Route', value);
      else draft.add('Record-Route', value);
    }
  }

  #heard(branch: Branch, response: Response, flow: Flow): void {
    branch.timers.stop('provisional');
    const { status } = response;
    if (status >= 200 && this.#isCall) {
      this.#exchange.records.outcome('network', 'proxy-uac', status, forApplication(response));
    }
    if (status < 200) {
      if (status === 100) return; // 16.7 step 5
      // 16.7 step 2: each other provisional response sets timer C anew; the application's own limit stands
      if (branch.active && this.#options.finalTimeout === undefined) this.#limit(branch, undefined);
      this.#transaction.relay(upstream(this.#request, response));
      return;
    }
    if (status < 300) {
      // 16.7 step 5: at once, and every one of them, also of a branch that was given up
      this.#conclude(upstream(this.#request, response), status);
      if (!this.#finished) this.#events.response(response, flow);
      this.#finish();
      return;
    }
    if (!this.#finished) this.#events.response(response, flow);
    if (!branch.active) return;
    const redirected = status < 400 && this.#options.followRedirects;
    if (redirected) for (const uri of contactsOf(response)) this.#learn(uri);
    else this.#responses.push(response);
    if (status >= 600) this.#cancelAll(); // 16.7 step 5: nobody else is asked
    this.#over(branch);
  }

  /** No answer in time: the next target has its turn (16.8). */
  #giveUp(branch: Branch): void {
    if (!branch.active) return;
    if (branch.client) this.#exchange.layer.cancel(branch.client);
    this.#over(branch);
  }

  #over(branch: Branch): void {
    branch.timers.stopAll();
    if (!branch.active) return;
    branch.active = false;
    this.#goOn();
  }

  /** 16.10: the branches are cancelled; their answers, mostly 487, become ours. */
  #cancelled(): void {
    this.#cancelledByCaller = true;
    this.#cancelAll();
    for (const branch of this.#branches) {
      // nothing was sent there, or nothing was heard: no 487 will come that the caller had to wait for
      if (branch.client?.state !== 'proceeding') this.#over(branch);
    }
  }

  #cancelAll(): void {
    this.#waiting.length = 0;
    for (const { client } of this.#branches) if (client) this.#exchange.layer.cancel(client);
  }

  /** 16.7 step 6: the best of the final responses goes upstream. */
  #answer(): void {
    const best = bestResponse(this.#responses);
    if (this.#transaction.answered) {
      // a 2xx went up before
    } else if (!best) {
      this.#answerWithout();
    } else if (best.status === 503) {
      this.#transaction.respond(Draft.answering(this.#request, 500)); // one branch's 503 says nothing about us
    } else {
      this.#conclude(this.#withAllChallenges(best), best.status);
    }
    this.#finish();
  }

  /** No branch answered: 408 (16.7 step 6), or 500 for the 503 that 16.9 takes an unreachable target for. */
  #answerWithout(): void {
    const status = this.#cancelledByCaller ? 487 : this.#unreachable ? 500 : 408;
    // RFC 4320 4.2: a 408 to anything but INVITE would come too late to be of use
    if (status === 408 && this.#request.method !== 'INVITE') return;
    this.#transaction.respond(Draft.answering(this.#request, status));
  }

  #withAllChallenges(best: Response): Draft {
    const draft = upstream(this.#request, best);
    if (best.status !== 401 && best.status !== 407) return draft;
    for (const name of ['WWW-Authenticate', 'Proxy-Authenticate']) {
      draft.remove(name);
      for (const challenge of challengesOf(this.#responses, name)) draft.add(name, challenge);
    }
    return draft;
  }

  #conclude(draft: Draft, status: number): void {
    const first = !this.#transaction.answered;
    this.#transaction.relay(draft);
    if (first && this.#isCall) this.#exchange.records.outcome('application', 'proxy-uas', status, draft.toBuffer());
  }

  get #isCall(): boolean {
    return this.#request.method === 'INVITE';
  }

  #finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#exchange.proxied.delete(this);
    this.#cancelAll();
    for (const branch of this.#branches) {
      branch.active = false;
      branch.timers.stopAll();
    }
    this.#events.done();
  }
}

function contactsOf(response: Response): string[] {
  const contacts = response.list('Contact').flatMap((value) => {
    const address = parseNameAddress(value);
    return address ? [{ uri: address.uri, q: Number.parseFloat(address.parameters.get('q') ?? '1') }] : [];
  });
  return contacts.sort((one, other) => other.q - one.q).map(({ uri }) => uri);
}
