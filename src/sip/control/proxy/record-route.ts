import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { parseNameAddress } from '../../message/address.ts';
import type { Request } from '../../message/message.ts';
import { isSipUri, parseUri } from '../../message/uri.ts';
import type { Target } from '../../transaction/wire.ts';
import { localUri } from '../local-names.ts';

/** The URI parameter that holds the seal. */
const parameter = 'rr';

/**
 * Our entries in Record-Route (RFC 3261 16.6 step 4). Each is sealed for one Call-ID: requests within the dialog are passed on
 * by the seal alone, nothing is kept for a proxied call, and nobody can use us to send to places of his choice.
 * The key lives as long as the process: after a restart proxied dialogs are unknown (481).
 */
export class RecordRoutes {
  readonly #key = randomBytes(32);

  /** A Record-Route value for a call, as the side of `local` reaches us. */
  write(local: Target, callId: string): string {
    return `<${localUri(local)};lr;${parameter}=${this.#seal(callId)}>`;
  }

  /** Whether a URI is one that we wrote for that call. */
  wrote(text: string, callId: string): boolean {
    const uri = parseUri(text);
    const given = uri && isSipUri(uri) ? uri.parameters.get(parameter) : undefined;
    if (given === undefined) return false;
    const wanted = this.#seal(callId);
    return given.length === wanted.length && timingSafeEqual(Buffer.from(given), Buffer.from(wanted));
  }

  /**
   * What is left of a request's way when our entries are taken off (16.4).
   * @returns undefined when it did not come by an entry of ours
   */
  remaining(request: Request): { requestUri: string; routes: string[] } | undefined {
    const { callId } = request;
    const routes = request.list('Route');
    let { requestUri } = request;
    let ours = false;
    if (this.wrote(requestUri, callId)) {
      // the hop before is a strict router: what it took off stands last
      const last = routes.pop();
      const target = last === undefined ? undefined : parseNameAddress(last)?.uri;
      if (target === undefined) return undefined;
      requestUri = target;
      ours = true;
    }
    while (routes[0] !== undefined && this.wrote(parseNameAddress(routes[0])?.uri ?? '', callId)) {
      routes.shift();
      ours = true;
    }
    return ours ? { requestUri, routes } : undefined;
  }

  #seal(callId: string): string {
    return createHmac('sha256', this.#key).update(callId).digest('hex').slice(0, 20);
  }
}
