import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { Message, Request, Response } from '../../src/sip/message/message.ts';
import { parseMessage } from '../../src/sip/message/parse.ts';

const sdp = (port: number): string =>
  ['v=0', 'o=peer 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0', `m=audio ${port} RTP/AVP 0`, ''].join(
    '\r\n',
  );

interface Waiter {
  matches: (message: Message) => boolean;
  resolve: (message: Message) => void;
}

/** A SIP phone at its simplest: writes messages as text to a UDP port and waits for what comes back. No retransmissions. */
export class SipPeer {
  readonly #socket: Socket;
  /** All messages that arrived, in order. */
  readonly received: Message[] = [];
  readonly #unclaimed: Message[] = [];
  readonly #waiters: Waiter[] = [];
  #count = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (octets) => this.#arrive(parseMessage(octets)));
  }

  /** @param address of 127.0.0.0/8, from which it sends */
  static async open(address = '127.0.0.1'): Promise<SipPeer> {
    const socket = createSocket('udp4');
    socket.bind(0, address);
    await once(socket, 'listening');
    return new SipPeer(socket);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  get address(): string {
    return this.#socket.address().address;
  }

  async close(): Promise<void> {
    this.#socket.close();
    await once(this.#socket, 'close');
  }

  send(message: string | Buffer, port: number): void {
    this.#socket.send(message, port, '127.0.0.1');
  }

  /** A call of which nothing has been sent yet. */
  newCall(port: number): PeerCall {
    this.#count++;
    return new PeerCall(this, port, `${this.port}-${this.#count}-${process.hrtime.bigint()}`);
  }

  /** An INVITE of a new call. */
  invite(port: number, options: { body?: string; headers?: string[]; contact?: boolean; uri?: string } = {}): PeerCall {
    const call = this.newCall(port);
    if (options.uri !== undefined) call.target = options.uri;
    call.sendRequest('INVITE', {
      body: options.body ?? sdp(40_000),
      headers: [...(options.contact === false ? [] : [call.contact]), ...(options.headers ?? [])],
    });
    return call;
  }

  /** Waits for a message that no one has claimed. Order is kept: the oldest that matches. */
  async expect(what: string, matches: (message: Message) => boolean, milliseconds = 3000): Promise<Message> {
    const index = this.#unclaimed.findIndex(matches);
    const [found] = index < 0 ? [] : this.#unclaimed.splice(index, 1);
    if (found) return found;
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        matches,
        resolve: (message) => {
          clearTimeout(timer);
          resolve(message);
        },
      };
      const timer = setTimeout(() => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        const seen = this.received.map((message) => (message.kind === 'request' ? message.method : message.status));
        reject(new Error(`no ${what} came within ${milliseconds} ms; seen: ${seen.join(' ')}`));
      }, milliseconds);
      this.#waiters.push(waiter);
    });
  }

  async request(method: string, milliseconds?: number): Promise<Request> {
    const message = await this.expect(method, (m) => m.kind === 'request' && m.method === method, milliseconds);
    if (message.kind !== 'request') throw new Error('not a request');
    return message;
  }

  async response(status: number, method: string, milliseconds?: number): Promise<Response> {
    const message = await this.expect(
      `${status} to ${method}`,
      (m) => m.kind === 'response' && m.status === status && m.cseq.method === method,
      milliseconds,
    );
    if (message.kind !== 'response') throw new Error('not a response');
    return message;
  }

  /** How many messages arrived that are of that kind, claimed or not. */
  count(matches: (message: Message) => boolean): number {
    return this.received.filter(matches).length;
  }

  /** Answers a request; the To tag is `tag`. */
  answer(request: Request, status: number, options: { tag?: string; body?: string; headers?: string[] } = {}): void {
    const to = request.get('To') ?? '';
    const tagged = /;tag=/.test(to) ? to : `${to};tag=${options.tag ?? 'peer'}`;
    const body = options.body ?? '';
    const lines = [
      `SIP/2.0 ${status} Answer`,
      ...request.all('Via').map((via) => `Via: ${via}`),
      `From: ${request.get('From') ?? ''}`,
      `To: ${tagged}`,
      `Call-ID: ${request.callId}`,
      `CSeq: ${request.get('CSeq') ?? ''}`,
      ...(status < 300 ? [`Contact: <sip:peer@${this.address}:${this.port}>`] : []),
      ...(body === '' ? [] : ['Content-Type: application/sdp']),
      ...(options.headers ?? []),
      `Content-Length: ${Buffer.byteLength(body)}`,
    ];
    const via = request.vias[0];
    this.send(`${lines.join('\r\n')}\r\n\r\n${body}`, via?.port ?? 5060);
  }

  /** A request within the dialog of an INVITE that this peer got; `tag` is that of its answer. */
  sendWithin(invite: Request, method: string, sequence: number, options: RequestParts & { tag?: string } = {}): void {
    const port = invite.vias[0]?.port ?? 5060;
    const body = options.body ?? '';
    const lines = [
      `${method} sip:127.0.0.1:${port} SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:${this.port};branch=z9hG4bK-within-${method}-${sequence}-${process.hrtime.bigint()}`,
      `From: ${invite.get('To') ?? ''};tag=${options.tag ?? 'peer'}`,
      `To: ${invite.get('From') ?? ''}`,
      `Call-ID: ${invite.callId}`,
      `CSeq: ${sequence} ${method}`,
      `Contact: <sip:peer@${this.address}:${this.port}>`,
      'Max-Forwards: 70',
      ...(options.headers ?? []),
      ...(body === '' ? [] : [`Content-Type: ${options.contentType ?? 'application/sdp'}`]),
      `Content-Length: ${Buffer.byteLength(body)}`,
    ];
    this.send(`${lines.join('\r\n')}\r\n\r\n${body}`, port);
  }

  #arrive(message: Message): void {
    this.received.push(message);
    const index = this.#waiters.findIndex((waiter) => waiter.matches(message));
    const [waiter] = index < 0 ? [] : this.#waiters.splice(index, 1);
    if (waiter) waiter.resolve(message);
    else this.#unclaimed.push(message);
  }
}

interface RequestParts {
  body?: string;
  /** application/sdp unless given. */
  contentType?: string;
  headers?: string[];
}

/** One call that the peer began. */
export class PeerCall {
  readonly peer: SipPeer;
  readonly #port: number;
  readonly callId: string;
  #sequence = 0;
  #branch = 0;
  #inviteBranch = '';
  #lastInvite = '';
  /** Request-URI of what follows; the server itself unless set. */
  target: string;
  /** The To value of the answers, tag included, once one came. */
  to: string;

  constructor(peer: SipPeer, port: number, callId: string) {
    this.peer = peer;
    this.#port = port;
    this.callId = callId;
    this.target = `sip:service@127.0.0.1:${port}`;
    this.to = `<${this.target}>`;
  }

  get contact(): string {
    return `Contact: <sip:caller@${this.peer.address}:${this.peer.port}>`;
  }

  get from(): string {
    return `"Caller" <sip:caller@${this.peer.address}:${this.peer.port}>;tag=from-${this.callId}`;
  }

  sendRequest(method: string, options: RequestParts = {}): void {
    this.#sequence++;
    const branch = this.#newBranch();
    if (method === 'INVITE') this.#inviteBranch = branch;
    const text = this.#write(method, branch, this.#sequence, options);
    if (method === 'INVITE') this.#lastInvite = text;
    this.peer.send(text, this.#port);
  }

  repeatInvite(): void {
    this.peer.send(this.#lastInvite, this.#port);
  }

  /** The INVITE once more as it would come by another way: with a branch of its own. */
  sendAnotherCopy(): void {
    this.peer.send(this.#lastInvite.replace(this.#inviteBranch, this.#newBranch()), this.#port);
  }

  /** Acknowledges a 2xx, and takes its To for what follows. */
  ack(response: Response, options: { body?: string } = {}): void {
    this.to = response.get('To') ?? '';
    this.peer.send(this.#write('ACK', this.#newBranch(), response.cseq.sequence, options), this.#port);
  }

  /** Acknowledges a final response other than 2xx. */
  ackFailure(response: Response): void {
    this.to = response.get('To') ?? '';
    this.peer.send(this.#write('ACK', this.#inviteBranch, this.#sequence, {}), this.#port);
  }

  cancel(headers: string[] = []): void {
    this.peer.send(this.#write('CANCEL', this.#inviteBranch, this.#sequence, { headers }), this.#port);
  }

  #newBranch(): string {
    this.#branch++;
    return `z9hG4bK-${this.callId}-${this.#branch}`;
  }

  #write(method: string, branch: string, sequence: number, options: RequestParts): string {
    const body = options.body ?? '';
    const lines = [
      `${method} ${this.target} SIP/2.0`,
      `Via: SIP/2.0/UDP ${this.peer.address}:${this.peer.port};branch=${branch}`,
      `From: ${this.from}`,
      `To: ${this.to}`,
      `Call-ID: ${this.callId}`,
      `CSeq: ${sequence} ${method}`,
      'Max-Forwards: 70',
      ...(options.headers ?? []),
      ...(body === '' ? [] : [`Content-Type: ${options.contentType ?? 'application/sdp'}`]),
      `Content-Length: ${Buffer.byteLength(body)}`,
    ];
    return `${lines.join('\r\n')}\r\n\r\n${body}`;
  }
}

export { sdp as sessionDescription };
