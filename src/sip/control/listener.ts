import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Logger } from '../../shared/log.ts';

/** Control connections at the same time; an application needs one. */
const connectionLimit = 100;

/** The control port: applications connect to it over TCP. */
export class ControlListener {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  /**
   * @param port 0: the system chooses
   * @throws the system's error when the address cannot be had
   */
  static async open(
    address: string,
    port: number,
    log: Logger,
    serve: (socket: Socket) => void,
  ): Promise<ControlListener> {
    const server = createServer({ allowHalfOpen: true });
    const listener = new ControlListener(server);
    server.maxConnections = connectionLimit;
    server.on('connection', (socket) => {
      listener.#sockets.add(socket);
      socket.on('close', () => listener.#sockets.delete(socket));
      serve(socket);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, address, () => {
        server.off('error', reject);
        server.on('error', (error) => log.error({ err: error }, 'the control port failed'));
        resolve();
      });
    });
    return listener;
  }

  get address(): { address: string; port: number } {
    const bound: AddressInfo | string | null = this.#server.address();
    if (bound === null || typeof bound === 'string') throw new Error('the control port is not open');
    return { address: bound.address, port: bound.port };
  }

  /** Stops listening and ends all connections. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
