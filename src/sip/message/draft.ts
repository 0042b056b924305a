import type { MalformedMessage } from './malformed.ts';
import type { Message, Request } from './message.ts';
import { headerKey } from './names.ts';
import { reasonPhrase } from './status.ts';
import { breaksLine, isToken } from './syntax.ts';

/** The first line of a message being written. */
export type StartLine =
  | { readonly kind: 'request'; readonly method: string; readonly requestUri: string }
  | { readonly kind: 'response'; readonly status: number; readonly reason: string };

/** A value that no message may hold: it would break the line it stands on. */
export class UnwritableMessage extends Error {
  constructor(what: string) {
    super(`${what} cannot be written into a SIP message`);
    this.name = 'UnwritableMessage';
  }
}

interface DraftLine {
  readonly key: string;
  readonly name: string;
  readonly value: string;
  /** Written instead of the value: what came in no known character set goes out as it came. */
  readonly octets: Buffer | undefined;
}

const LENGTH = 'content-length';

/**
 * A message being written. Header order is kept; names are compared case-insensitively, compact forms included.
 * CR and LF in a value are refused, and NUL outside of a quoted-pair. Content-Length is not kept but follows from the body: it is
 * always written last.
 */
export class Draft {
  body: Buffer = Buffer.alloc(0);
  #startLine: StartLine;
  #lines: DraftLine[] = [];

  private constructor(startLine: StartLine) {
    this.#startLine = checkedStartLine(startLine);
  }

  /** @throws UnwritableMessage */
  static request(method: string, requestUri: string): Draft {
    return new Draft({ kind: 'request', method, requestUri });
  }

  /** `status` 100 to 699; the standard reason phrase when none is given. @throws UnwritableMessage */
  static response(status: number, reason = reasonPhrase(status)): Draft {
    return new Draft({ kind: 'response', status, reason });
  }

  /** A response with all that is copied from its request: Via, From, To, Call-ID, CSeq (RFC 3261 8.2.6.2), Timestamp on 100 (8.2.6.1). */
  static answering(request: Request, status: number, reason?: string): Draft {
    const draft = Draft.response(status, reason);
    for (const line of request.headers) {
      const copied = answered.has(line.key) || (status === 100 && line.key === 'timestamp');
      if (copied) draft.#copy(line);
    }
    return draft;
  }

  /** A response to a request that could not be parsed; undefined when none may or can be given (an ACK, or nothing known of it). */
  static answeringMalformed(error: MalformedMessage): Draft | undefined {
    const { salvage } = error;
    if (error.status === 0 || error.method === 'ACK' || !salvage) return undefined;
    const draft = Draft.response(error.status, error.status === 400 ? `Bad Request (${error.reason})` : undefined);
    draft.add('Via', salvage.via);
    if (salvage.from !== '') draft.add('From', salvage.from);
    if (salvage.to !== '') draft.add('To', salvage.to);
    if (salvage.callId !== '') draft.add('Call-ID', salvage.callId);
    if (salvage.cseq !== '') draft.add('CSeq', salvage.cseq);
    return draft;
  }

  /** A copy of a received message, to be altered. */
  static from(message: Message): Draft {
    const draft =
      message.kind === 'request'
        ? Draft.request(message.method, message.requestUri)
        : Draft.response(message.status, message.reason);
    for (const line of message.headers) draft.#copy(line);
    draft.body = message.body;
    return draft;
  }

  /** Another message with the same lines and body; altering one does not alter the other. */
  copy(): Draft {
    const draft = new Draft(this.#startLine);
    draft.#lines = [...this.#lines];
    draft.body = this.body;
    return draft;
  }

  get startLine(): StartLine {
    return this.#startLine;
  }

  /** @throws UnwritableMessage */
  set startLine(line: StartLine) {
    this.#startLine = checkedStartLine(line);
  }

  get(name: string): string | undefined {
    const key = headerKey(name);
    if (key === LENGTH) return String(this.body.length);
    return this.#lines.find((line) => line.key === key)?.value;
  }

  /** One entry a line. */
  all(name: string): string[] {
    const key = headerKey(name);
    if (key === LENGTH) return [String(this.body.length)];
    return this.#lines.filter((line) => line.key === key).map((line) => line.value);
  }

  has(name: string): boolean {
    const key = headerKey(name);
    return key === LENGTH || this.#lines.some((line) => line.key === key);
  }

  /** The names of all lines in order, Content-Length left out. */
  get names(): string[] {
    return this.#lines.map((line) => line.name);
  }

  /** One line of that name, where the first stood or else at the end. @throws UnwritableMessage */
  set(name: string, value: string): this {
    const line = checkedLine(name, value);
    if (line.key === LENGTH) return this;
    const index = this.#lines.findIndex((other) => other.key === line.key);
    if (index < 0) this.#lines.push(line);
    else {
      this.#lines[index] = line;
      this.#lines = this.#lines.filter((other, at) => at <= index || other.key !== line.key);
    }
    return this;
  }

  /** One more line at the end. @throws UnwritableMessage */
  add(name: string, value: string): this {
    const line = checkedLine(name, value);
    if (line.key !== LENGTH) this.#lines.push(line);
    return this;
  }

  /** One more line before the first of that name; at the head of all when there is none. @throws UnwritableMessage */
  prepend(name: string, value: string): this {
    const line = checkedLine(name, value);
    if (line.key === LENGTH) return this;
    const index = this.#lines.findIndex((other) => other.key === line.key);
    this.#lines.splice(Math.max(index, 0), 0, line);
    return this;
  }

  /** Takes all lines of that name out. */
  remove(name: string): this {
    const key = headerKey(name);
    this.#lines = this.#lines.filter((line) => line.key !== key);
    return this;
  }

  /** About how long it is, Content-Length left out: a character of a header counts as one octet. */
  get length(): number {
    let length = this.body.length + 40;
    for (const { name, value } of this.#lines) length += name.length + value.length + 4;
    return length;
  }

  /** The message as it goes over the wire, Content-Length in octets. */
  toBuffer(): Buffer {
    const head: Buffer[] = [];
    let text = formatStartLine(this.#startLine);
    for (const line of this.#lines) {
      if (line.octets) {
        head.push(Buffer.from(`${text}${line.name}: `), line.octets);
        text = '\r\n';
      } else {
        text += `${line.name}: ${line.value}\r\n`;
      }
    }
    text += `Content-Length: ${this.body.length}\r\n\r\n`;
    if (head.length > 0) return Buffer.concat([...head, Buffer.from(text), this.body]);
    const length = Buffer.byteLength(text);
    const message = Buffer.allocUnsafe(length + this.body.length);
    message.write(text, 0, length, 'utf8');
    message.set(this.body, length);
    return message;
  }

  #copy(line: Message['headers'][number]): void {
    if (line.key === LENGTH) return;
    this.#lines.push({ key: line.key, name: line.name, value: line.value, octets: line.opaqueOctets });
  }
}

const answered = new Set(['via', 'from', 'to', 'call-id', 'cseq']);

function checkedLine(name: string, value: string): DraftLine {
  if (!isToken(name)) throw new UnwritableMessage(`Header name ${JSON.stringify(name)}`);
  if (breaksLine(value)) throw new UnwritableMessage(`A value of ${name} with CR, LF or NUL`);
  return { key: headerKey(name), name, value, octets: undefined };
}

function checkedStartLine(line: StartLine): StartLine {
  if (line.kind === 'request') {
    if (!isToken(line.method)) throw new UnwritableMessage(`Method ${JSON.stringify(line.method)}`);
    if (line.requestUri === '' || line.requestUri.includes(' ') || breaksLine(line.requestUri)) {
      throw new UnwritableMessage(`Request-URI ${JSON.stringify(line.requestUri)}`);
    }
  } else {
    if (!Number.isInteger(line.status) || line.status < 100 || line.status > 699) {
      throw new UnwritableMessage(`Status ${line.status}`);
    }
    if (breaksLine(line.reason)) throw new UnwritableMessage('A reason phrase with CR, LF or NUL');
  }
  return line;
}

function formatStartLine(line: StartLine): string {
  return line.kind === 'request'
    ? `${line.method} ${line.requestUri} SIP/2.0\r\n`
    : `SIP/2.0 ${line.status} ${line.reason}\r\n`;
}
