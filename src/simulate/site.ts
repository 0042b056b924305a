import { writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Settings that a scene sets otherwise than in their smallest form; whole sections. */
export type SiteOverrides = Readonly<Record<string, unknown>>;

/**
 * Writes the settings of a site in their smallest form (JSON is YAML), on free ports of loopback, and returns the file.
 * @param network `address:port` of the gateway
 */
export async function writeSettings(folder: string, network: string, overrides: SiteOverrides = {}): Promise<string> {
  const file = path.join(folder, 'ringaway.yaml');
  const settings = {
    node: 'demo',
    sip: { listen: ['udp://127.0.0.1:0', 'tcp://127.0.0.1:0'] },
    trunks: [{ name: 'ngn', peers: ['127.0.0.1/32'], gateways: [`sip:${network}`] }],
    routes: [{ prefix: '+', trunk: 'ngn' }],
    numbering: { defaultCountry: 'CN', areaCode: '755' },
    media: { mode: 'direct' },
    store: { kind: 'embedded', path: path.join(folder, 'data') },
    http: { listen: '127.0.0.1:0' },
    ...overrides,
  };
  await writeFile(file, JSON.stringify(settings));
  return file;
}
