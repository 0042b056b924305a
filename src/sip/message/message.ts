import type { NameAddress } from './address.ts';
import type { Header, HeaderLine } from './head.ts';
import { headerKey } from './names.ts';
import { splitList } from './syntax.ts';
import type { Uri } from './uri.ts';
import { formatVia, type Via } from './via.ts';

export type { Header } from './head.ts';

/** A parsed message. The octets stay as they came; header values are found through an index and decoded on demand. */
export type Message = Request | Response;

/** What the parser has read and found right in every message. */
export interface Essentials {
  readonly raw: Buffer;
  /** Of its first octet in `raw`. */
  readonly bodyStart: number;
  readonly lines: HeaderLine[];
  readonly callId: string;
  readonly cseq: CSeq;
  readonly from: NameAddress;
  readonly to: NameAddress;
  readonly vias: Via[];
}

/** CSeq: 0 to 2^31-1 and a method (RFC 3261 8.1.1.5). */
export interface CSeq {
  readonly sequence: number;
  readonly method: string;
}

/** A value that stands in place of the one in the octets. */
class ReplacedLine implements Header {
  readonly name: string;
  readonly value: string;
  readonly key: string;
  readonly opaqueOctets: Buffer | undefined = undefined;

  constructor(name: string, key: string, value: string) {
    this.name = name;
    this.key = key;
    this.value = value;
  }
}

abstract class Common {
  /** As received, from the start line on, without surplus octets after Content-Length. */
  readonly raw: Buffer;
  readonly callId: string;
  readonly cseq: CSeq;
  readonly from: NameAddress;
  readonly to: NameAddress;
  readonly #bodyStart: number;
  #body: Buffer | undefined;
  readonly #lines: (HeaderLine | ReplacedLine)[];
  readonly #vias: Via[];

  constructor(essentials: Essentials) {
    this.raw = essentials.raw;
    this.#bodyStart = essentials.bodyStart;
    this.callId = essentials.callId;
    this.cseq = essentials.cseq;
    this.from = essentials.from;
    this.to = essentials.to;
    this.#lines = essentials.lines;
    this.#vias = essentials.vias;
  }

  get body(): Buffer {
    return (this.#body ??= this.raw.subarray(this.#bodyStart));
  }

  /** All header lines in order. `key` is the name under which it is compared; `opaqueOctets` the value when it is not UTF-8. */
  get headers(): readonly (Header & { readonly key: string; readonly opaqueOctets: Buffer | undefined })[] {
    return this.#lines;
  }

  /** The topmost comes first; there is always one. */
  get vias(): readonly Via[] {
    return this.#vias;
  }

  /** The first line's value of that name (any case, compact or long). */
  get(name: string): string | undefined {
    const key = headerKey(name);
    for (const line of this.#lines) if (line.key === key) return line.value;
    return undefined;
  }

  /** One entry a header line of that name. */
  all(name: string): string[] {
    const key = headerKey(name);
    const values: string[] = [];
    for (const line of this.#lines) if (line.key === key) values.push(line.value);
    return values;
  }

  /** All entries of a list header: every line, split at commas outside quotes and <>; empty entries left out (RFC 3261 7.3.1). */
  list(name: string): string[] {
    return this.all(name)
      .flatMap(splitList)
      .filter((entry) => entry !== '');
  }

  protected replaceTopVia(via: Via): void {
    const index = this.#lines.findIndex((line) => line.key === 'via');
    const line = this.#lines[index];
    if (!line) return;
    const [, ...others] = splitList(line.value);
    this.#lines[index] = new ReplacedLine(line.name, 'via', [formatVia(via), ...others].join(', '));
    this.#vias[0] = via;
  }
}

export class Request extends Common {
  readonly kind = 'request';
  readonly method: string;
  readonly requestUri: string;
  /** The Request-URI, parsed. */
  readonly uri: Uri;

  constructor(method: string, requestUri: string, uri: Uri, essentials: Essentials) {
    super(essentials);
    this.method = method;
    this.requestUri = requestUri;
    this.uri = uri;
  }

  /** Puts another value in place of the topmost Via, as the receiving transport must (RFC 3261 18.2.1); `raw` stays. */
  stampTopVia(via: Via): void {
    this.replaceTopVia(via);
  }
}

export class Response extends Common {
  readonly kind = 'response';
  /** 100 to 699 */
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string, essentials: Essentials) {
    super(essentials);
    this.status = status;
    this.reason = reason;
  }
}
