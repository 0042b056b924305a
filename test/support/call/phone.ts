import assert from 'node:assert/strict';
import type { InDialogAnswer, InDialogRequest } from '../../../src/call/ports.ts';

export function describedAt(port: number, direction?: string): string {
  const lines = [
    'v=0',
    `o=- ${port} 1 IN IP4 127.0.0.1`,
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    `m=audio ${port} RTP/AVP 8`,
  ];
  return [...lines, ...(direction === undefined ? [] : [`a=${direction}`]), ''].join('\r\n');
}

export function portOf(sdp: string): number {
  return Number(/^m=audio (\d+)/m.exec(sdp)?.[1]);
}

/** A phone at the far end of a leg: describes its own media, takes what it is offered, and may ask for something itself. */
export abstract class FakePhone {
  readonly name: string;
  readonly port: number;
  /** The last description that it took from us. */
  heard: string | undefined;
  /** Whether it has put the other side on hold. */
  holding = false;
  /** What it was asked inside the dialog. */
  readonly asked: InDialogRequest[] = [];
  /** Answers what it is asked, when it is not to take everything. */
  onRequest: ((request: InDialogRequest) => InDialogAnswer | Promise<InDialogAnswer>) | undefined;
  readonly #pending = new Set<(status: number) => void>();
  #inviting = 0;

  constructor(name: string, port: number) {
    this.name = name;
    this.port = port;
  }

  describe(direction?: string): string {
    return describedAt(this.port, direction);
  }

  protected async respondTo(request: InDialogRequest): Promise<InDialogAnswer> {
    this.asked.push(request);
    const invite = request.method === 'INVITE';
    if (invite) assert.equal(++this.#inviting, 1, 'one re-INVITE at a time in a dialog (RFC 3261 14.1)');
    const ended = new Promise<InDialogAnswer>((resolve) => {
      const settle = (status: number) => resolve({ status });
      this.#pending.add(settle);
    });
    try {
      const answer = await Promise.race([Promise.resolve(this.onRequest?.(request) ?? this.#takes(request)), ended]);
      if (answer.status < 300 && request.body?.startsWith('v=0')) this.heard = request.body;
      return answer;
    } finally {
      if (invite) this.#inviting--;
    }
  }

  #takes({ method, body }: InDialogRequest): InDialogAnswer {
    if (method !== 'INVITE' && method !== 'UPDATE') return { status: 200 };
    const held = body !== undefined && /a=(sendonly|inactive)/.test(body);
    const direction = this.holding ? (held ? 'inactive' : 'sendonly') : held ? 'recvonly' : undefined;
    return { status: 200, contentType: 'application/sdp', body: this.describe(direction) };
  }

  protected endPending(status: number): void {
    for (const settle of this.#pending) settle(status);
    this.#pending.clear();
  }

  protected asking(
    request: InDialogRequest,
    send: (request: InDialogRequest, answer: (answer: InDialogAnswer) => void) => void,
  ): Promise<InDialogAnswer> {
    return new Promise((resolve) => {
      let answers = 0;
      send(request, (answer) => {
        assert.equal(++answers, 1, 'one answer to each request');
        if (answer.status < 300 && answer.body?.startsWith('v=0')) {
          this.heard = answer.body;
          this.holding = /a=(sendonly|inactive)/.test(request.body ?? '');
        }
        resolve(answer);
      });
    });
  }
}
