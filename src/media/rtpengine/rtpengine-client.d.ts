// What we use of rtpengine-client 0.4.12, which carries no types. `messages`, `_onMessage` and `_onListening`
// are its inner parts (lib/BaseClient.js, lib/Client.js): the version is pinned for that reason.
declare module 'rtpengine-client' {
  import type { EventEmitter } from 'node:events';
  import type { RemoteInfo } from 'node:dgram';

  export type NgValue = string | number | readonly NgValue[] | { readonly [key: string]: NgValue | undefined };
  export type NgParameters = Readonly<Record<string, NgValue | undefined>>;
  export type NgCallback = (error: unknown, reply: unknown) => void;
  export interface NgTarget {
    host: string;
    port: number;
  }

  /** All that the client asks of its UDP socket after the constructor. */
  export interface NgSocket {
    send(datagram: Buffer, port: number, host: string, sent: (error: Error | null) => void): void;
    close(): void;
  }

  /** The client for the ng protocol over UDP. */
  export class Client extends EventEmitter {
    constructor(options?: { localAddress?: string; localPort?: number; timeout?: number; rejectOnError?: boolean });
    /** Requests without an answer, by cookie. */
    readonly messages: Map<string, NgCallback>;
    socket: NgSocket;
    static decodeMessage(datagram: Buffer): { id: string; data: unknown };
    ping(target: NgTarget, parameters: NgParameters, callback: NgCallback): this;
    offer(target: NgTarget, parameters: NgParameters, callback: NgCallback): this;
    answer(target: NgTarget, parameters: NgParameters, callback: NgCallback): this;
    delete(target: NgTarget, parameters: NgParameters, callback: NgCallback): this;
    query(target: NgTarget, parameters: NgParameters, callback: NgCallback): this;
    list(target: NgTarget, parameters: NgParameters, callback: NgCallback): this;
    statistics(target: NgTarget, parameters: NgParameters, callback: NgCallback): this;
    playMedia(target: NgTarget, parameters: NgParameters, callback: NgCallback): this;
    stopMedia(target: NgTarget, parameters: NgParameters, callback: NgCallback): this;
    blockMedia(target: NgTarget, parameters: NgParameters, callback: NgCallback): this;
    unblockMedia(target: NgTarget, parameters: NgParameters, callback: NgCallback): this;
    blockDTMF(target: NgTarget, parameters: NgParameters, callback: NgCallback): this;
    unblockDTMF(target: NgTarget, parameters: NgParameters, callback: NgCallback): this;
    playDTMF(target: NgTarget, parameters: NgParameters, callback: NgCallback): this;
    close(): void;
    protected _onListening(): void;
    protected _onMessage(datagram: Buffer, from: RemoteInfo): void;
  }
}
