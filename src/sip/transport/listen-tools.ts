import type { Clock } from '../../shared/clock.ts';
import type { Logger } from '../../shared/log.ts';
import type { Connections } from './connections.ts';
import type { TransportLimits } from './limits.ts';
import type { TlsContexts } from './tls.ts';

/** What listening for connections needs. */
export interface ListenTools {
  readonly connections: Connections;
  readonly tls: TlsContexts;
  readonly limits: TransportLimits;
  /** Origins of web pages that may open a WebSocket; `*` is any. */
  readonly origins: readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
}
