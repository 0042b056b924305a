// What must hold between settings that are right one by one.
import type { SettingFault } from './faults.ts';
import type { ParsedSettings } from './schema.ts';
import { soundsOf } from './sounds.ts';
import type { Path } from './source.ts';

export function crossCheck(settings: ParsedSettings): SettingFault[] {
  const faults: SettingFault[] = [];
  const fault = (path: Path, says: string) => void faults.push({ path, says });

  const trunks = new Map<string, number>();
  settings.trunks.forEach((trunk, index) => {
    if (trunks.has(trunk.name)) fault(['trunks', index, 'name'], `there are two trunks "${trunk.name}"`);
    trunks.set(trunk.name, index);
    if (trunk.peers.length === 0 && trunk.gateways.length === 0) {
      fault(['trunks', index], `trunk "${trunk.name}" has neither peers (calls to us) nor gateways (calls from us)`);
    }
  });

  const prefixes = new Set<string>();
  settings.routes.forEach((route, index) => {
    const at = trunks.get(route.trunk);
    if (at === undefined) {
      const known = [...trunks.keys()].join(', ') || '(there are none)';
      fault(['routes', index, 'trunk'], `"${route.trunk}" is not valid; expected one of the trunks ${known}`);
    } else if (settings.trunks[at]?.gateways.length === 0) {
      fault(['routes', index, 'trunk'], `trunk "${route.trunk}" has no gateways, so nothing can be called over it`);
    }
    if (prefixes.has(route.prefix)) fault(['routes', index, 'prefix'], `there are two routes for "${route.prefix}"`);
    prefixes.add(route.prefix);
  });

  const { calls, media, store, sip } = settings;
  if (calls.decideWithin > calls.maxHold) {
    fault(['calls', 'decideWithin'], `is longer than calls.maxHold (${calls.maxHold / 1000}s); expected at most that`);
  }
  const relay = 'needs a relay that plays it; set media.mode: rtpengine and media.engines, or take it out';
  if (media.mode === 'direct') {
    if (calls.answerEarly) fault(['calls', 'answerEarly'], `is true, and ${relay}`);
    for (const { path } of soundsOf(calls)) fault(path, relay);
    settings.trunks.forEach((trunk, index) => {
      if (trunk.media) fault(['trunks', index, 'media'], relay.replace('plays it', 'sees to it'));
    });
    if (media.digitEvents !== undefined) fault(['media', 'digitEvents'], relay.replace('plays it', 'reports them'));
  } else if (calls.answerEarly && calls.music === undefined) {
    fault(['calls', 'music'], 'is missing; expected a wav or mp3 file, since calls.answerEarly lets callers hear it');
  }
  if (sip.timers.t1 > sip.timers.t2) fault(['sip', 'timers', 't1'], 'is longer than sip.timers.t2; expected less');
  const secure = sip.listen.findIndex((address) => /^(tls|wss):/.test(address));
  if (secure >= 0 && sip.tls.certificates.length === 0) {
    const says = 'is empty; expected at least one certificate, since sip.listen holds a tls:// or wss:// address';
    fault(['sip', 'tls', 'certificates'], says);
  }
  if (sip.tls.requireClientCertificate && sip.tls.ca === undefined) {
    fault(['sip', 'tls', 'ca'], 'is missing; expected the authorities of the clients, whose certificates are required');
  }
  if (media.mode === 'rtpengine' && media.engines.length === 0) {
    fault(
      ['media', 'engines'],
      'is empty; expected at least one engine such as udp://127.0.0.1:2223 for media.mode rtpengine',
    );
  }
  const addresses = new Set<string>();
  media.engines.forEach(({ address }, index) => {
    if (addresses.has(address)) fault(['media', 'engines', index], `there are two engines ${address}`);
    addresses.add(address);
  });
  if (store.kind === 'mongodb' && store.uri === undefined) {
    fault(['store', 'uri'], 'is missing; expected a connection string such as mongodb://127.0.0.1:27017/ringaway');
  }
  if (store.kind === 'embedded' && store.uri !== undefined) {
    fault(['store', 'uri'], 'is given, but store.kind is embedded; set store.kind: mongodb, or take it out');
  }
  return faults;
}
