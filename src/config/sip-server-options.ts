import type { Settings } from '../config.ts';
import type { SipServerOptions } from '../sip/server.ts';

/** What the built-in SIP server takes from the settings, whoever starts it. */
export function sipServerOptions(sip: Settings['sip']): Omit<SipServerOptions, 'control' | 'clock' | 'log'> {
  const { listen, tls, webSocketOrigins: origins, nameServers, timers, limits, userAgent, advertised } = sip;
  return { listen, tls, origins, nameServers, timers, limits, userAgent, ...(advertised && { advertised }) };
}
