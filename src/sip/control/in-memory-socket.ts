import { Socket } from 'node:net';

type Done = (error?: Error | null) => void;

/**
 * One end of a connection within the process. A `net.Socket`, because drachtio-srf takes nothing else, without a handle: what is
 * written to one end is read at the other; no kernel, no port, no copy.
 */
class InMemorySocket extends Socket {
  #peer: InMemorySocket | undefined;
  /** The peer's writer, while this end's reader is full. */
  #waiting: Done | undefined;

  connectTo(peer: InMemorySocket): void {
    this.#peer = peer;
  }

  override _read(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.();
  }

  override _write(chunk: unknown, encoding: BufferEncoding, done: Done): void {
    this.#hand(toBuffer(chunk, encoding), done);
  }

  override _writev(chunks: { chunk: unknown; encoding: BufferEncoding }[], done: Done): void {
    this.#hand(Buffer.concat(chunks.map(({ chunk, encoding }) => toBuffer(chunk, encoding))), done);
  }

  override _final(done: Done): void {
    const peer = this.#peer;
    setImmediate(() => {
      if (peer && !peer.destroyed) peer.push(null);
    });
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const peer = this.#peer;
    this.#peer = undefined;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.();
    setImmediate(() => peer?.destroy());
    done(error);
    // net.Socket switches the stream's own 'close' off and tells it itself.
    process.nextTick(() => this.emit('close', error !== null));
  }

  #hand(octets: Buffer, done: Done): void {
    const peer = this.#peer;
    if (!peer || peer.destroyed) {
      done(new Error('the other end of the in-memory connection is closed'));
      return;
    }
    // In a turn of its own, as with a real socket: nobody is called back from within his own write.
    setImmediate(() => {
      if (peer.destroyed || peer.push(octets)) done();
      else peer.#waiting = done;
    });
  }
}

function toBuffer(chunk: unknown, encoding: BufferEncoding): Buffer {
  if (Buffer.isBuffer(chunk)) return chunk;
  if (typeof chunk === 'string') return Buffer.from(chunk, encoding);
  throw new TypeError('a socket carries octets or text');
}

/** Two sockets that are connected with each other. */
export function inMemoryPair(): [Socket, Socket] {
  const one = new InMemorySocket();
  const other = new InMemorySocket();
  one.connectTo(other);
  other.connectTo(one);
  return [one, other];
}
